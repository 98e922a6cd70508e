// What `_meta.pickle` tells of an analysis.
#pragma once

#include "pose/frame_batches.h"
#include "poseheir/animal_files.h"

namespace poseheir {

double seconds_now();  // since the epoch

// After the end of the batches. Scorer and what the project says are left to the caller.
AnalysisAbout about_analysis(const FrameBatches& batches, const VideoOptions& options,
                             double start_seconds);

}  // namespace poseheir
