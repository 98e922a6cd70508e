// From the maps of a multi-animal network to its detections: peaks of every keypoint, and how well
// each limb connects them (spec 11.1).
#pragma once

#include <array>
#include <span>
#include <vector>

#include "poseheir/engine.h"

namespace poseheir {

struct DetectionOptions {
  int keypoints = 0;
  int identity_channels = 0;  // [num_idchannel]
  double stride_pixels = 8;
  double locref_stdev = 7.2801;
  double nms_radius = 5;  // [nmsradius]: cells; window of a peak and reach of the smoothing
  double sigma = 1;       // of the smoothing, cells
  double minimal_confidence = 0.01;       // [minconfidence], of the smoothed map
  bool smooth_locref = false;             // [locref_smooth]
  std::vector<std::array<int, 2>> graph;  // [partaffinityfield_graph]; empty: no costs
  std::vector<int> limbs;                 // [paf_best]: which limbs of the graph count; empty: all
  int limb_samples = 10;                  // points on a limb

  std::vector<int> used_limbs() const;
};

struct Peak {
  double x = 0, y = 0;   // pixels of the network's input, rounded to 3 decimals
  float confidence = 0;  // unsmoothed score, rounded to 3 decimals
};

// What a limb says of every pair of its keypoints' peaks.
struct LimbCosts {
  int limb = 0;                 // index into the graph
  int rows = 0, columns = 0;    // peaks of the limb's first and second keypoint; 0 x 0 if one lacks
  std::vector<float> affinity;  // [row * columns + column], rounded to 3 decimals ["m1"]
  std::vector<float> distance;  // cells
};

// Of one picture.
struct Detections {
  std::vector<std::vector<Peak>> peaks;  // [keypoint]
  std::vector<LimbCosts> costs;          // in the order of the used limbs; empty: none asked for
  // [keypoint][peak * identity channels + channel], rounded to 3 decimals; empty: no such channels.
  std::vector<std::vector<float>> identity;
  int identity_channels = 0;
};

struct DetectionsOfFrame {
  int frame = 0;
  Detections detections;
};

// A cell that is a peak.
struct PeakCell {
  int image = 0, row = 0, column = 0, keypoint = 0;
  bool operator==(const PeakCell&) const = default;
};

// Local maxima of the smoothed scores in row-major order; equal neighbours are all peaks. `scores`
// holds probabilities.
std::vector<PeakCell> find_peaks(const FeatureMap& scores, const DetectionOptions& options);

// Costs of the used limbs between given cells, for each picture. Cells outside the field are moved
// to its border.
std::vector<std::vector<LimbCosts>> limb_costs(const FeatureMap& fields,
                                               std::span<const PeakCell> cells,
                                               const DetectionOptions& options);

// Detections of every picture of a batch; nothing at all if the batch has no peak, as DeepLabCut
// leaves such frames out. `part_pred` holds logits; `fields` may be null if the graph is empty.
// Throws Error(mismatch) if the maps do not fit the options.
std::vector<Detections> detect(const FeatureMap& part_pred, const FeatureMap& locref,
                               const FeatureMap* fields, const DetectionOptions& options);

}  // namespace poseheir
