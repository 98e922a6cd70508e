// Pictures written through FFmpeg's encoders.
#include <cstring>
#include <fmt/format.h>

#include "base/file.h"
#include "base/text.h"
#include "media/ffmpeg.h"
#include "poseheir/error.h"
#include "poseheir/media.h"

namespace poseheir {
namespace {

ffmpeg::Frame frame_of(const Image& image, AVPixelFormat format) {
  auto frame = ffmpeg::make_frame();
  frame->width = image.width;
  frame->height = image.height;
  frame->format = format;
  if (av_frame_get_buffer(frame.get(), 0) < 0) throw std::bad_alloc();
  if (format == AV_PIX_FMT_RGB24) {
    for (int y = 0; y < image.height; ++y) {
      std::memcpy(frame->data[0] + static_cast<std::ptrdiff_t>(y) * frame->linesize[0],
                  image.pixels.data() + static_cast<std::size_t>(y) * image.width * 3,
                  static_cast<std::size_t>(image.width) * 3);
    }
    return frame;
  }
  const ffmpeg::Scaler scaler(
      sws_getContext(image.width, image.height, AV_PIX_FMT_RGB24, image.width, image.height, format,
                     SWS_BICUBIC | SWS_ACCURATE_RND, nullptr, nullptr, nullptr));
  const std::uint8_t* const source[1] = {image.pixels.data()};
  const int stride[1] = {3 * image.width};
  sws_scale(scaler.get(), source, stride, 0, image.height, frame->data, frame->linesize);
  return frame;
}

std::string encode(const Image& image, AVCodecID id, AVPixelFormat format) {
  const AVCodec* encoder = avcodec_find_encoder(id);
  if (encoder == nullptr)
    throw Error(ErrorKind::unsupported,
                fmt::format("this FFmpeg cannot write {}", avcodec_get_name(id)));
  const ffmpeg::Codec codec(avcodec_alloc_context3(encoder));
  codec->width = image.width;
  codec->height = image.height;
  codec->pix_fmt = format;
  codec->time_base = {1, 25};
  codec->thread_count = 1;
  if (id == AV_CODEC_ID_MJPEG) {
    codec->color_range = AVCOL_RANGE_JPEG;
    codec->flags |= AV_CODEC_FLAG_QSCALE;
    codec->global_quality = 2 * FF_QP2LAMBDA;
  }
  int code = avcodec_open2(codec.get(), encoder, nullptr);
  const auto frame = frame_of(image, format);
  frame->quality = codec->global_quality;
  const auto packet = ffmpeg::make_packet();
  if (code >= 0) code = avcodec_send_frame(codec.get(), frame.get());
  if (code >= 0) code = avcodec_receive_packet(codec.get(), packet.get());
  if (code < 0)
    throw Error(ErrorKind::io, "the picture cannot be encoded: " + ffmpeg::error_text(code));
  return {reinterpret_cast<const char*>(packet->data), static_cast<std::size_t>(packet->size)};
}

}  // namespace

void write_image(const std::filesystem::path& path, const Image& image) {
  ffmpeg::silence_log();
  if (image.height <= 0 || image.width <= 0 ||
      image.pixels.size() != static_cast<std::size_t>(image.height) * image.width * 3)
    throw Error(ErrorKind::usage,
                path.string() + ": the picture has no pixels, or not three bytes for each");
  const auto extension = to_lower(path.extension().string());
  if (extension == ".png") {
    write_file(path, encode(image, AV_CODEC_ID_PNG, AV_PIX_FMT_RGB24));
  } else if (extension == ".jpg" || extension == ".jpeg") {
    write_file(path, encode(image, AV_CODEC_ID_MJPEG, AV_PIX_FMT_YUVJ444P));
  } else {
    throw Error(ErrorKind::usage,
                fmt::format("{}: pictures are written as .png or .jpg", path.string()));
  }
}

}  // namespace poseheir
