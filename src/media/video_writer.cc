// Videos out: H.264 where this FFmpeg can write it, MPEG-4 part 2 otherwise, in an mp4.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <unistd.h>

#include "media/ffmpeg.h"
#include "poseheir/error.h"
#include "poseheir/media.h"

extern "C" {
#include <libavutil/opt.h>
}

namespace poseheir {
namespace {

struct CloseOutput {
  void operator()(AVFormatContext* context) const {
    avio_closep(&context->pb);
    avformat_free_context(context);
  }
};

// Halved colour needs even sides: an odd one gets its last row or column twice.
int even(int side) { return side + side % 2; }

}  // namespace

struct VideoWriter::State {
  std::filesystem::path path, temporary;
  int height, width;
  std::unique_ptr<AVFormatContext, CloseOutput> output;
  ffmpeg::Codec codec;
  ffmpeg::Frame frame = ffmpeg::make_frame();
  ffmpeg::Packet packet = ffmpeg::make_packet();
  ffmpeg::Scaler scaler;
  std::int64_t frames = 0;
  bool finished = false;

  State(const std::filesystem::path& target, int h, int w, double frames_per_second)
      : path(target), height(h), width(w) {
    ffmpeg::silence_log();
    if (height <= 0 || width <= 0 || !(frames_per_second > 0))
      throw Error(ErrorKind::usage,
                  fmt::format("{}: a video of {} x {} pixels at {} frames a second", path.string(),
                              width, height, frames_per_second));
    temporary = path.parent_path() / fmt::format(".{}.{}", path.filename().string(), ::getpid());
    AVFormatContext* context = nullptr;
    check(avformat_alloc_output_context2(&context, nullptr, "mp4", nullptr),
          "this FFmpeg cannot write mp4");
    output.reset(context);
    open_encoder(frames_per_second);
    check(avio_open(&output->pb, ("file:" + temporary.string()).c_str(), AVIO_FLAG_WRITE),
          "cannot be written");
    check(avformat_write_header(output.get(), nullptr), "cannot be written");
  }

  ~State() {
    if (finished) return;
    output.reset();
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void check(int code, const char* what) const {
    if (code < 0)
      throw Error(ErrorKind::io,
                  fmt::format("{}: {} ({})", path.string(), what, ffmpeg::error_text(code)));
  }

  void open_encoder(double frames_per_second) {
    const AVCodec* encoder = avcodec_find_encoder(AV_CODEC_ID_H264);
    if (encoder == nullptr) encoder = avcodec_find_encoder(AV_CODEC_ID_MPEG4);
    if (encoder == nullptr)
      throw Error(ErrorKind::unsupported, "this FFmpeg has neither an H.264 nor an MPEG-4 encoder");
    codec.reset(avcodec_alloc_context3(encoder));
    codec->width = even(width);
    codec->height = even(height);
    codec->pix_fmt = AV_PIX_FMT_YUV420P;
    codec->framerate = av_d2q(frames_per_second, 100000);
    codec->time_base = av_inv_q(codec->framerate);
    codec->gop_size = 12;
    if ((output->oformat->flags & AVFMT_GLOBALHEADER) != 0)
      codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    if (encoder->id == AV_CODEC_ID_H264) {
      av_opt_set(codec->priv_data, "crf", "18", 0);
      av_opt_set(codec->priv_data, "preset", "veryfast", 0);
    } else {
      codec->flags |= AV_CODEC_FLAG_QSCALE;
      codec->global_quality = 3 * FF_QP2LAMBDA;
    }
    check(avcodec_open2(codec.get(), encoder, nullptr), "its encoder cannot be opened");
    AVStream* stream = avformat_new_stream(output.get(), nullptr);
    if (stream == nullptr) throw std::bad_alloc();
    stream->time_base = codec->time_base;
    stream->avg_frame_rate = codec->framerate;
    check(avcodec_parameters_from_context(stream->codecpar, codec.get()),
          "its encoder cannot be described");
    frame->width = codec->width;
    frame->height = codec->height;
    frame->format = codec->pix_fmt;
    if (av_frame_get_buffer(frame.get(), 0) < 0) throw std::bad_alloc();
    scaler.reset(sws_getContext(codec->width, codec->height, AV_PIX_FMT_RGB24, codec->width,
                                codec->height, codec->pix_fmt, SWS_BICUBIC, nullptr, nullptr,
                                nullptr));
    if (scaler == nullptr) throw std::bad_alloc();
  }

  // With the last column and row repeated where a side is odd.
  std::vector<std::uint8_t> padded(const Image& image) const {
    const auto wide = static_cast<std::size_t>(codec->width) * 3;
    std::vector<std::uint8_t> pixels(wide * static_cast<std::size_t>(codec->height));
    for (int y = 0; y < codec->height; ++y) {
      const auto* row =
          image.pixels.data() + static_cast<std::size_t>(std::min(y, height - 1)) * width * 3;
      auto* target = pixels.data() + static_cast<std::size_t>(y) * wide;
      std::memcpy(target, row, static_cast<std::size_t>(width) * 3);
      if (codec->width > width) std::memcpy(target + width * 3, row + (width - 1) * 3, 3);
    }
    return pixels;
  }

  void encode(const AVFrame* picture) {
    check(avcodec_send_frame(codec.get(), picture), "a frame cannot be encoded");
    while (true) {
      const int code = avcodec_receive_packet(codec.get(), packet.get());
      if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return;
      check(code, "a frame cannot be encoded");
      packet->stream_index = 0;
      packet->duration = 1;
      av_packet_rescale_ts(packet.get(), codec->time_base, output->streams[0]->time_base);
      check(av_interleaved_write_frame(output.get(), packet.get()), "cannot be written");
    }
  }
};

VideoWriter::VideoWriter(const std::filesystem::path& path, int height, int width,
                         double frames_per_second)
    : state_(std::make_unique<State>(path, height, width, frames_per_second)) {}
VideoWriter::~VideoWriter() = default;

void VideoWriter::write(const Image& image) {
  auto& state = *state_;
  if (image.height != state.height || image.width != state.width)
    throw Error(ErrorKind::usage, fmt::format("{}: a frame of {} x {} pixels in a video of {} x {}",
                                              state.path.string(), image.width, image.height,
                                              state.width, state.height));
  state.check(av_frame_make_writable(state.frame.get()), "no memory");
  const auto pixels = state.padded(image);
  const std::uint8_t* const source[1] = {pixels.data()};
  const int stride[1] = {3 * state.codec->width};
  sws_scale(state.scaler.get(), source, stride, 0, state.codec->height, state.frame->data,
            state.frame->linesize);
  state.frame->pts = state.frames++;
  state.encode(state.frame.get());
}

void VideoWriter::finish() {
  auto& state = *state_;
  state.encode(nullptr);
  state.check(av_write_trailer(state.output.get()), "cannot be written");
  state.check(avio_closep(&state.output->pb), "cannot be written");
  std::error_code code;
  std::filesystem::rename(state.temporary, state.path, code);
  if (code)
    throw Error(ErrorKind::io,
                fmt::format("{}: cannot be written: {}", state.path.string(), code.message()));
  state.finished = true;
}

}  // namespace poseheir
