// The smoothing that comes before peaks, for maps of offsets as well.
#pragma once

#include "poseheir/detections.h"

namespace poseheir {

FeatureMap smoothed(const FeatureMap& map, const DetectionOptions& options);

}  // namespace poseheir
