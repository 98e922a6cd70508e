// FFmpeg's objects with owners, and its error codes as texts.
#pragma once

#include <memory>
#include <string>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>
}

namespace poseheir::ffmpeg {

struct Deleter {
  void operator()(AVFormatContext* context) const { avformat_close_input(&context); }
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
  void operator()(SwsContext* context) const { sws_freeContext(context); }
};

using Input = std::unique_ptr<AVFormatContext, Deleter>;
using Codec = std::unique_ptr<AVCodecContext, Deleter>;
using Frame = std::unique_ptr<AVFrame, Deleter>;
using Packet = std::unique_ptr<AVPacket, Deleter>;
using Scaler = std::unique_ptr<SwsContext, Deleter>;

std::string error_text(int code);

// Errors reach the user as ours; FFmpeg's own lines on stderr would only tear a progress line
// apart.
void silence_log();

Frame make_frame();
Packet make_packet();

// A decoder for one stream, not yet opened. Throws Error(unsupported) where this FFmpeg has none.
Codec make_decoder(const AVCodecParameters& parameters);

}  // namespace poseheir::ffmpeg
