// SuperAnimal inference at several sizes of the same picture: DeepLabCut's spatial pyramid, for one
// animal (spec superanimal-and-dlc3 7.1).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "poseheir/detections.h"
#include "poseheir/predictions.h"

namespace poseheir {

// Heights to try where none are asked for: the picture's own and 50 pixels around it.
std::vector<int> default_scales(int height);

struct ScaledSize {
  int height = 0, width = 0;
  bool operator==(const ScaledSize&) const = default;
};
// The picture at that height, its width rounded to keep the aspect.
ScaledSize scaled_size(int height, int width, int scaled_height);

struct PyramidOptions {
  double minimal_confidence = 0.1;
  double minimal_cosine = 0.997;  // to the median's direction from the picture's corner
};

// One scale's detections; nothing if its batch had no peak at all.
struct ScaleDetections {
  int height = 0;
  std::optional<Detections> detections;
};

// The most confident peak of each keypoint at each scale, carried back to the picture, and their
// median where the scales agree. Keypoints without any are missing; with a single scale that found
// nothing at all the likelihoods are 0, as DeepLabCut stores it.
std::vector<PredictedPoint> combine_scales(std::span<const ScaleDetections> scales, int height,
                                           int keypoints, const PyramidOptions& options = {});

}  // namespace poseheir
