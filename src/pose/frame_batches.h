// Batches of a video's frames, decoded by a thread of their own while the network computes.
#pragma once

#include <memory>

#include "poseheir/engine.h"
#include "poseheir/predict.h"

namespace poseheir {

struct FrameBatch {
  std::vector<std::int64_t> frames;  // numbers in the video, lost frames counted
  std::vector<std::uint8_t> pixels;  // of a whole batch
  ImageBatch images;                 // always the whole batch: see below
};

class FrameBatches {
 public:
  // Throws Error(usage) for a crop or a range of frames that does not lie in the video.
  FrameBatches(const std::filesystem::path& video, const VideoOptions& options);
  ~FrameBatches();
  FrameBatches(const FrameBatches&) = delete;
  FrameBatches& operator=(const FrameBatches&) = delete;

  const VideoInfo& info() const;
  const Crop& crop() const;

  // The next batch, valid until the call after; nullptr at the end. As in DeepLabCut, the places
  // that the last one has no frames for hold those of the batch before, which matters to networks
  // that normalise with the statistics of a batch.
  const FrameBatch* next();

  // After the end.
  std::int64_t frame_count() const;  // from the first of the video on, lost ones counted
  std::vector<std::int64_t> lost() const;
  const std::vector<std::string>& problems() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace poseheir
