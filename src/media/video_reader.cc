// Videos frame by frame, as OpenCV's VideoCapture shows them to DeepLabCut.
#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <iterator>
#include <set>

#include "media/ffmpeg.h"
#include "poseheir/error.h"
#include "poseheir/media.h"

extern "C" {
#include <libavutil/display.h>
#include <libavutil/pixdesc.h>
}

namespace poseheir {
namespace {

// Clockwise quarter turns that bring the stored picture upright.
int quarter_turns(const AVStream& stream) {
  const auto* matrix = reinterpret_cast<const std::int32_t*>(
      av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, nullptr));
  if (matrix == nullptr) return 0;
  const double angle = av_display_rotation_get(matrix);
  if (std::isnan(angle)) return 0;
  const int degrees = -static_cast<int>(std::lround(angle));
  return ((degrees % 360 + 360) % 360) / 90;
}

// OpenCV converts the whole coded picture, so that colours at the lower edge depend on rows below
// it. Whether the decoder's buffers hold these rows is checked, not assumed.
bool holds_rows(const AVFrame& frame, int height) {
  const auto* description = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
  for (int plane = 0; plane < 4 && frame.data[plane] != nullptr; ++plane) {
    const auto* buffer = av_frame_get_plane_buffer(const_cast<AVFrame*>(&frame), plane);
    if (buffer == nullptr || frame.linesize[plane] <= 0) return false;
    const int shift = plane == 1 || plane == 2 ? description->log2_chroma_h : 0;
    const auto rows = (height + (1 << shift) - 1) >> shift;
    const auto end = frame.data[plane] + static_cast<std::ptrdiff_t>(rows) * frame.linesize[plane];
    if (end > buffer->data + buffer->size) return false;
  }
  return true;
}

// Which packets gave no frame. A gap counts only after an error: some packets never give one.
class LostFrames {
 public:
  void sent(const AVPacket& packet) {
    if (packet.pts != AV_NOPTS_VALUE && (packet.flags & AV_PKT_FLAG_DISCARD) == 0)
      pending_.insert(packet.pts);
  }
  void error() { damaged_ = true; }
  void received(const AVFrame& frame) {
    if (frame.pts == AV_NOPTS_VALUE)
      lost_ = 0;
    else
      give_up_until(pending_.upper_bound(frame.pts), static_cast<int>(pending_.count(frame.pts)));
  }
  void end() { give_up_until(pending_.end(), 0); }
  int count() const { return lost_; }

 private:
  void give_up_until(std::multiset<std::int64_t>::iterator end, int received) {
    const auto gap = static_cast<int>(std::distance(pending_.begin(), end)) - received;
    lost_ = damaged_ ? gap : 0;
    if (gap > 0) damaged_ = false;
    pending_.erase(pending_.begin(), end);
  }

  std::multiset<std::int64_t> pending_;  // times of presentation
  bool damaged_ = false;
  int lost_ = 0;
};

}  // namespace

struct VideoReader::State {
  std::string name;
  ffmpeg::Input input;
  ffmpeg::Codec codec;
  ffmpeg::Packet packet = ffmpeg::make_packet();
  ffmpeg::Frame frame = ffmpeg::make_frame();
  ffmpeg::Frame bgr;
  ffmpeg::Scaler scaler;
  int stream = -1;
  int turns = 0;
  bool draining = false;
  std::int64_t packets = 0, frames = 0;
  VideoInfo info;
  std::vector<std::string> problems;
  LostFrames lost;

  explicit State(const std::filesystem::path& path) : name(path.string()) {
    ffmpeg::silence_log();
    // A plain file, whatever its name looks like.
    AVFormatContext* context = nullptr;
    check(avformat_open_input(&context, ("file:" + name).c_str(), nullptr, nullptr),
          "cannot be opened as a video");
    input.reset(context);
    check(avformat_find_stream_info(input.get(), nullptr), "cannot be read");
    stream = av_find_best_stream(input.get(), AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
    if (stream < 0) throw Error(ErrorKind::corrupt, name + ": holds no video");
    open_decoder(*input->streams[stream]);
  }

  void check(int code, const char* what) const {
    if (code >= 0) return;
    const auto kind =
        code == AVERROR(ENOENT) || code == AVERROR(EACCES) ? ErrorKind::io : ErrorKind::corrupt;
    throw Error(kind, fmt::format("{}: {} ({})", name, what, ffmpeg::error_text(code)));
  }

  void open_decoder(const AVStream& source) {
    try {
      codec = ffmpeg::make_decoder(*source.codecpar);
    } catch (const Error& error) {
      throw error.within(name);
    }
    codec->thread_count = 0;
    check(avcodec_open2(codec.get(), nullptr, nullptr), "its decoder cannot be opened");
    turns = quarter_turns(source);
    info.height = codec->height;
    info.width = codec->width;
    if (turns % 2 == 1) std::swap(info.height, info.width);
    info.frames_per_second =
        av_q2d(source.avg_frame_rate.den != 0 ? source.avg_frame_rate : source.r_frame_rate);
    info.declared_frames = source.nb_frames;
    info.codec = avcodec_get_name(source.codecpar->codec_id);
    if (info.height <= 0 || info.width <= 0)
      throw Error(ErrorKind::corrupt, name + ": its pictures have no size");
  }

  void report(const std::string& what, int code) {
    lost.error();
    problems.push_back(
        fmt::format("{}: after frame {}: {} ({})", name, frames, what, ffmpeg::error_text(code)));
  }

  void send_packet() {
    const int code = av_read_frame(input.get(), packet.get());
    if (code < 0) {
      if (code != AVERROR_EOF) report("the file cannot be read further", code);
      draining = true;
      avcodec_send_packet(codec.get(), nullptr);
      return;
    }
    if (packet->stream_index == stream) {
      ++packets;
      lost.sent(*packet);
      const int sent = avcodec_send_packet(codec.get(), packet.get());
      if (sent < 0) report(fmt::format("packet {} cannot be decoded", packets), sent);
    }
    av_packet_unref(packet.get());
  }

  bool decode() {
    while (true) {
      const int code = avcodec_receive_frame(codec.get(), frame.get());
      if (code >= 0) return true;
      if (code == AVERROR_EOF) return false;
      if (code != AVERROR(EAGAIN)) report("a frame cannot be decoded", code);
      if (draining && code == AVERROR(EAGAIN)) return false;
      if (!draining) send_packet();
    }
  }

  void convert(Image& image) {
    const bool whole =
        codec->coded_height >= frame->height && holds_rows(*frame, codec->coded_height);
    const int rows = whole ? codec->coded_height : frame->height;
    const int columns = whole ? std::max(codec->coded_width, frame->width) : frame->width;
    scaler.reset(sws_getCachedContext(scaler.release(), columns, rows,
                                      static_cast<AVPixelFormat>(frame->format), columns, rows,
                                      AV_PIX_FMT_BGR24, SWS_BICUBIC, nullptr, nullptr, nullptr));
    if (scaler == nullptr)
      throw Error(ErrorKind::unsupported, name + ": its pixel format cannot be converted");
    if (bgr == nullptr || bgr->width != columns || bgr->height != rows) {
      bgr = ffmpeg::make_frame();
      bgr->width = columns;
      bgr->height = rows;
      bgr->format = AV_PIX_FMT_BGR24;
      if (av_frame_get_buffer(bgr.get(), 0) < 0) throw std::bad_alloc();
    }
    sws_scale(scaler.get(), frame->data, frame->linesize, 0, rows, bgr->data, bgr->linesize);
    copy_upright(image);
  }

  // From BGR to RGB, turned as the container says.
  void copy_upright(Image& image) const {
    const int height = frame->height, width = frame->width;
    image.height = turns % 2 == 1 ? width : height;
    image.width = turns % 2 == 1 ? height : width;
    image.pixels.resize(static_cast<std::size_t>(height) * width * 3);
    auto* target = image.pixels.data();
    const auto* source = bgr->data[0];
    const std::ptrdiff_t row = bgr->linesize[0];
    for (int y = 0; y < image.height; ++y) {
      for (int x = 0; x < image.width; ++x) {
        const int from_y = turns == 0   ? y
                           : turns == 1 ? height - 1 - x
                           : turns == 2 ? height - 1 - y
                                        : x;
        const int from_x = turns == 0   ? x
                           : turns == 1 ? y
                           : turns == 2 ? width - 1 - x
                                        : width - 1 - y;
        const auto* pixel = source + from_y * row + 3 * from_x;
        *target++ = pixel[2];
        *target++ = pixel[1];
        *target++ = pixel[0];
      }
    }
  }
};

VideoReader::VideoReader(const std::filesystem::path& path)
    : state_(std::make_unique<State>(path)) {}
VideoReader::~VideoReader() = default;
VideoReader::VideoReader(VideoReader&&) noexcept = default;

const VideoInfo& VideoReader::info() const { return state_->info; }
const std::vector<std::string>& VideoReader::problems() const { return state_->problems; }

int VideoReader::lost() const { return state_->lost.count(); }

bool VideoReader::next(Image& frame) {
  if (!state_->decode()) {
    state_->lost.end();
    return false;
  }
  state_->lost.received(*state_->frame);
  state_->convert(frame);
  if ((state_->frame->flags & AV_FRAME_FLAG_CORRUPT) != 0 || state_->frame->decode_error_flags != 0)
    state_->report("the next frame is damaged", AVERROR_INVALIDDATA);
  ++state_->frames;
  return true;
}

}  // namespace poseheir
