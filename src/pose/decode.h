// From a network's maps to points in the image (spec 8.1, 9.3).
#pragma once

#include <vector>

#include "poseheir/engine.h"
#include "poseheir/predictions.h"

namespace poseheir {

// Which of DeepLabCut's paths computes the positions; they round differently.
enum class DecodeArithmetic {
  graph,  // float32 throughout: video analysis
  numpy,  // float64 sum of the cell's centre and a float32 offset: evaluation
};

struct DecodeOptions {
  double stride_pixels = 8;
  double locref_stdev = 7.2801;
  int outputs = 1;  // [num_outputs]: so many of the best cells, best first, for each keypoint
  DecodeArithmetic arithmetic = DecodeArithmetic::graph;
};

// Logits to scores in (0, 1).
void apply_sigmoid(FeatureMap& map);

// Poses of the images of a batch, from scores and raw offsets: [image][keypoint * outputs + rank].
// Among equal scores the first cell in row-major order wins. Positions are in pixels of the
// network's input. A map with fewer cells than outputs: Error(mismatch).
std::vector<std::vector<PredictedPoint>> decode_poses(const FeatureMap& scores,
                                                      const FeatureMap& locref,
                                                      const DecodeOptions& options);

}  // namespace poseheir
