// Pictures through FFmpeg's codecs, made into what DeepLabCut sees: RGB of eight bits.
#include <algorithm>
#include <bit>
#include <cmath>
#include <fmt/format.h>
#include <optional>
#include <string>

#include "base/file.h"
#include "base/text.h"
#include "media/ffmpeg.h"
#include "poseheir/error.h"
#include "poseheir/media.h"

extern "C" {
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
}

namespace poseheir {
namespace {

using ffmpeg::Codec;
using ffmpeg::Frame;
using ffmpeg::Packet;

constexpr int kLargestSide = 1 << 16;

// A file in memory, read by FFmpeg: a path could be taken for a pattern or an address.
class MemoryInput {
 public:
  explicit MemoryInput(std::string bytes) : bytes_(std::move(bytes)) {
    constexpr int kBuffer = 1 << 15;
    auto* buffer = static_cast<unsigned char*>(av_malloc(kBuffer));
    io_ = avio_alloc_context(buffer, kBuffer, 0, this, &MemoryInput::read, nullptr,
                             &MemoryInput::seek);
    auto* context = avformat_alloc_context();
    context->pb = io_;
    const int code = avformat_open_input(&context, nullptr, nullptr, nullptr);
    if (code < 0) {
      close_io();
      throw Error(ErrorKind::corrupt,
                  "not a picture this program can read (" + ffmpeg::error_text(code) + ")");
    }
    input_.reset(context);
  }
  ~MemoryInput() {
    input_.reset();
    close_io();
  }
  MemoryInput(const MemoryInput&) = delete;
  MemoryInput& operator=(const MemoryInput&) = delete;

  AVFormatContext& operator*() const { return *input_; }
  AVFormatContext* operator->() const { return input_.get(); }
  const std::string& bytes() const { return bytes_; }

 private:
  static int read(void* opaque, std::uint8_t* target, int size) {
    auto& self = *static_cast<MemoryInput*>(opaque);
    const auto count =
        std::min<std::size_t>(static_cast<std::size_t>(size), self.bytes_.size() - self.position_);
    if (count == 0) return AVERROR_EOF;
    self.bytes_.copy(reinterpret_cast<char*>(target), count, self.position_);
    self.position_ += count;
    return static_cast<int>(count);
  }
  static std::int64_t seek(void* opaque, std::int64_t offset, int whence) {
    auto& self = *static_cast<MemoryInput*>(opaque);
    const auto size = static_cast<std::int64_t>(self.bytes_.size());
    if (whence == AVSEEK_SIZE) return size;
    if (whence == SEEK_CUR) offset += static_cast<std::int64_t>(self.position_);
    if (whence == SEEK_END) offset += size;
    if (offset < 0 || offset > size) return AVERROR(EINVAL);
    self.position_ = static_cast<std::size_t>(offset);
    return offset;
  }
  void close_io() {
    if (io_ == nullptr) return;
    av_freep(&io_->buffer);
    avio_context_free(&io_);
  }

  std::string bytes_;
  std::size_t position_ = 0;
  AVIOContext* io_ = nullptr;
  ffmpeg::Input input_;
};

Frame decode_picture(MemoryInput& input) {
  if (input->nb_streams == 0 && avformat_find_stream_info(&*input, nullptr) < 0)
    throw Error(ErrorKind::corrupt, "no picture in the file");
  const int stream = av_find_best_stream(&*input, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  if (stream < 0) throw Error(ErrorKind::corrupt, "no picture in the file");
  auto codec = ffmpeg::make_decoder(*input->streams[stream]->codecpar);
  // A picture cut short is an error, not a picture with a grey half.
  codec->err_recognition = AV_EF_CRCCHECK | AV_EF_EXPLODE;
  codec->thread_count = 1;
  int code = avcodec_open2(codec.get(), nullptr, nullptr);
  const auto packet = ffmpeg::make_packet();
  auto frame = ffmpeg::make_frame();
  while (code >= 0 && (code = av_read_frame(&*input, packet.get())) >= 0) {
    if (packet->stream_index == stream) code = avcodec_send_packet(codec.get(), packet.get());
    av_packet_unref(packet.get());
    if (code < 0) break;
    code = avcodec_receive_frame(codec.get(), frame.get());
    if (code >= 0) return frame;
    if (code == AVERROR(EAGAIN)) code = 0;
  }
  if (code == AVERROR_EOF) {
    avcodec_send_packet(codec.get(), nullptr);
    code = avcodec_receive_frame(codec.get(), frame.get());
    if (code >= 0) return frame;
  }
  throw Error(ErrorKind::corrupt, "damaged picture (" + ffmpeg::error_text(code) + ")");
}

// What one pixel of a packed format means: samples, their width in bytes and byte order.
struct PackedFormat {
  int samples = 0;  // 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha
  int bytes = 1;
  bool big_endian = false;
};

std::optional<PackedFormat> packed_format(int format) {
  switch (format) {
    case AV_PIX_FMT_GRAY8:
      return PackedFormat{1, 1, false};
    case AV_PIX_FMT_GRAY16BE:
      return PackedFormat{1, 2, true};
    case AV_PIX_FMT_GRAY16LE:
      return PackedFormat{1, 2, false};
    case AV_PIX_FMT_YA8:
      return PackedFormat{2, 1, false};
    case AV_PIX_FMT_YA16BE:
      return PackedFormat{2, 2, true};
    case AV_PIX_FMT_YA16LE:
      return PackedFormat{2, 2, false};
    case AV_PIX_FMT_RGB24:
      return PackedFormat{3, 1, false};
    case AV_PIX_FMT_RGB48BE:
      return PackedFormat{3, 2, true};
    case AV_PIX_FMT_RGB48LE:
      return PackedFormat{3, 2, false};
    case AV_PIX_FMT_RGBA:
      return PackedFormat{4, 1, false};
    case AV_PIX_FMT_RGBA64BE:
      return PackedFormat{4, 2, true};
    case AV_PIX_FMT_RGBA64LE:
      return PackedFormat{4, 2, false};
    default:
      return std::nullopt;
  }
}

// The upper eight bits: what Pillow keeps of sixteen, before anything else happens to them.
std::uint8_t sample_at(const std::uint8_t* row, int index, const PackedFormat& format) {
  if (format.bytes == 1) return row[index];
  return row[2 * index + (format.big_endian ? 0 : 1)];
}

// On white, in the doubles and with the rounding (half to even) of scikit-image's rgba2rgb.
std::uint8_t blend_on_white(std::uint8_t value, std::uint8_t alpha) {
  const double a = alpha / 255.0;
  const double blended = (1 - a) + a * (value / 255.0);
  return static_cast<std::uint8_t>(std::nearbyint(std::clamp(blended, 0.0, 1.0) * 255));
}

Image convert_packed(const AVFrame& frame, const PackedFormat& format) {
  Image image{frame.height, frame.width, {}};
  image.pixels.resize(static_cast<std::size_t>(image.height) * image.width * 3);
  const bool has_alpha = format.samples % 2 == 0, grey = format.samples <= 2;
  auto* target = image.pixels.data();
  for (int y = 0; y < image.height; ++y) {
    const auto* row = frame.data[0] + static_cast<std::ptrdiff_t>(y) * frame.linesize[0];
    if (format.samples == 3 && format.bytes == 1) {
      target = std::copy_n(row, 3 * image.width, target);
      continue;
    }
    for (int x = 0; x < image.width; ++x) {
      const int first = x * format.samples;
      for (int c = 0; c < 3; ++c) {
        const auto value = sample_at(row, first + (grey ? 0 : c), format);
        *target++ = has_alpha
                        ? blend_on_white(value, sample_at(row, first + format.samples - 1, format))
                        : value;
      }
    }
  }
  return image;
}

// Everything that is not packed RGB or grey (JPEG's YCbCr, palettes, bilevel) goes through swscale.
Image convert_scaled(const AVFrame& frame) {
  Image image{frame.height, frame.width, {}};
  image.pixels.resize(static_cast<std::size_t>(image.height) * image.width * 3);
  const auto* description = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
  const bool palette = (description->flags & (AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_ALPHA)) != 0;
  const auto target_format = palette ? AV_PIX_FMT_RGBA : AV_PIX_FMT_RGB24;
  const ffmpeg::Scaler scaler(sws_getContext(
      frame.width, frame.height, static_cast<AVPixelFormat>(frame.format), frame.width,
      frame.height, target_format, SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT, nullptr,
      nullptr, nullptr));
  if (scaler == nullptr)
    throw Error(ErrorKind::unsupported, fmt::format("pixel format {}", description->name));
  const int channels = palette ? 4 : 3;
  auto plane = ffmpeg::make_frame();
  plane->width = frame.width;
  plane->height = frame.height;
  plane->format = target_format;
  // swscale writes in blocks: rows of its own alignment, not ours.
  if (av_frame_get_buffer(plane.get(), 0) < 0) throw std::bad_alloc();
  sws_scale(scaler.get(), frame.data, frame.linesize, 0, frame.height, plane->data,
            plane->linesize);
  return convert_packed(*plane, {channels, 1, false});
}

Image to_rgb(const AVFrame& frame) {
  if (frame.width <= 0 || frame.height <= 0 || frame.width > kLargestSide ||
      frame.height > kLargestSide)
    throw Error(ErrorKind::unsupported,
                fmt::format("a picture of {} x {} pixels", frame.width, frame.height));
  const auto packed = packed_format(frame.format);
  return packed ? convert_packed(frame, *packed) : convert_scaled(frame);
}

int stored_channels(int format) {
  if (const auto packed = packed_format(format)) return packed->samples;
  const auto* description = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(format));
  if (description == nullptr) return 3;
  // One band, as Pillow counts a palette or a bilevel picture.
  if ((description->flags & AV_PIX_FMT_FLAG_PAL) != 0) return 1;
  return description->nb_components;
}

std::uint32_t big_endian_32(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<std::uint8_t>(bytes[at + i]);
  return value;
}

// PNG is what DeepLabCut extracts: its size stands in the first 26 bytes.
std::optional<ImageSize> png_size(std::string_view bytes) {
  constexpr std::string_view kSignature = "\x89PNG\r\n\x1a\n";
  if (bytes.size() < 26 || !bytes.starts_with(kSignature) || bytes.substr(12, 4) != "IHDR")
    return std::nullopt;
  const int color_type = static_cast<std::uint8_t>(bytes[25]);
  const int channels = color_type == 2 ? 3 : color_type == 6 ? 4 : color_type == 4 ? 2 : 1;
  return ImageSize{static_cast<int>(big_endian_32(bytes, 20)),
                   static_cast<int>(big_endian_32(bytes, 16)), channels};
}

template <typename Read>
auto with_place(const std::filesystem::path& path, Read read) {
  ffmpeg::silence_log();
  try {
    return read();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::io) throw;
    throw error.within(path.string());
  }
}

}  // namespace

Image read_image(const std::filesystem::path& path) {
  return with_place(path, [&] {
    MemoryInput input(read_file(path));
    return to_rgb(*decode_picture(input));
  });
}

ImageSize read_image_size(const std::filesystem::path& path) {
  return with_place(path, [&] {
    const auto file = MappedFile::open(path);
    const std::string_view bytes(reinterpret_cast<const char*>(file->bytes().data()),
                                 file->bytes().size());
    if (const auto size = png_size(bytes)) return *size;
    MemoryInput input{std::string(bytes)};
    const auto frame = decode_picture(input);
    return ImageSize{frame->height, frame->width, stored_channels(frame->format)};
  });
}

}  // namespace poseheir
