// Pictures and videos: the only door to codec libraries.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace poseheir {

// uint8 RGB, row-major [height, width, 3].
struct Image {
  int height = 0, width = 0;
  std::vector<std::uint8_t> pixels;
};

// Grey is replicated, alpha blended on white, 16 bits scaled to 8. Throws Error(io or corrupt).
Image read_image(const std::filesystem::path& path);
struct ImageSize {
  int height = 0, width = 0, channels = 0;  // channels as stored: 1, 3 or 4
};
ImageSize read_image_size(const std::filesystem::path& path);             // from the header
void write_image(const std::filesystem::path& path, const Image& image);  // .png, .jpg

struct VideoInfo {
  int height = 0, width = 0;
  double frames_per_second = 0;
  std::int64_t declared_frames = 0;  // what the container says; may be wrong
  std::string codec;
};

// Reads frames in order of presentation; pixel for pixel what OpenCV, and so DeepLabCut, sees.
class VideoReader {
 public:
  explicit VideoReader(const std::filesystem::path& path);
  ~VideoReader();
  VideoReader(VideoReader&&) noexcept;

  const VideoInfo& info() const;
  bool next(Image& frame);  // false at the end
  // Frames known to be lost to damage right before the one that next() gave, or at the end.
  // (OpenCV, and so DeepLabCut, passes over them: all later frames move up.)
  int lost() const;
  // Packets that could not be decoded and frames decoded with damage so far, a line each.
  const std::vector<std::string>& problems() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Writes an mp4; finish() makes it appear under its name.
class VideoWriter {
 public:
  VideoWriter(const std::filesystem::path& path, int height, int width, double frames_per_second);
  ~VideoWriter();
  void write(const Image& frame);
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace poseheir
