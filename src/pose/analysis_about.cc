#include "pose/analysis_about.h"

#include <chrono>

#include "base/file.h"

namespace poseheir {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

AnalysisAbout about_analysis(const FrameBatches& batches, const VideoOptions& options,
                             double start_seconds) {
  const auto& video = batches.info();
  const auto& crop = batches.crop();
  AnalysisAbout about;
  about.start_seconds = start_seconds;
  about.stop_seconds = seconds_now();
  about.frames_per_second = video.frames_per_second;
  about.batch_size = options.batch_size;
  about.height = video.height;
  about.width = video.width;
  // DeepLabCut tells the number that the container declares.
  about.frames = video.declared_frames > 0 ? video.declared_frames : batches.frame_count();
  about.cropping = options.crop.has_value();
  about.crop = {crop.x1, crop.x2, crop.y1, crop.y2};
  return about;
}

void write_analysis_meta(const std::filesystem::path& path, const AnalysisAbout& about,
                         const PoseConfig& test_config) {
  write_file(path, format_analysis_meta_pickle(about, test_config));
}

}  // namespace poseheir
