#include "media/ffmpeg.h"

#include <fmt/format.h>
#include <mutex>

#include "poseheir/error.h"

namespace poseheir::ffmpeg {

std::string error_text(int code) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(code, text, sizeof(text));
  return text;
}

void silence_log() {
  static std::once_flag once;
  std::call_once(once, [] { av_log_set_level(AV_LOG_QUIET); });
}

Frame make_frame() {
  Frame frame(av_frame_alloc());
  if (frame == nullptr) throw std::bad_alloc();
  return frame;
}

Packet make_packet() {
  Packet packet(av_packet_alloc());
  if (packet == nullptr) throw std::bad_alloc();
  return packet;
}

Codec make_decoder(const AVCodecParameters& parameters) {
  const AVCodec* decoder = avcodec_find_decoder(parameters.codec_id);
  if (decoder == nullptr)
    throw Error(ErrorKind::unsupported, fmt::format("this FFmpeg has no decoder for {}",
                                                    avcodec_get_name(parameters.codec_id)));
  Codec codec(avcodec_alloc_context3(decoder));
  if (codec == nullptr) throw std::bad_alloc();
  const int code = avcodec_parameters_to_context(codec.get(), &parameters);
  if (code < 0) throw Error(ErrorKind::corrupt, "damaged stream header: " + error_text(code));
  return codec;
}

}  // namespace poseheir::ffmpeg
