// How good detections and animals are against labels, and which limbs serve assembly best
// (spec 8.4).
#pragma once

#include <map>
#include <span>
#include <vector>

#include "poseheir/assembly.h"

namespace poseheir {

// The label nearest to each other first, each gets the nearest of its three nearest candidates that
// is still free: an index for each label, -1 where none is left.
std::vector<int> match_nearest(std::span<const Point> labels, std::span<const Point> candidates);

struct LabelledFrame {
  std::vector<AnimalPose> animals;  // [individual][keypoint of animals]
  std::vector<Point> unique;        // [unique keypoint]
};

// Of one label: the peak it got, and how far it lies.
struct LabelError {
  PredictedPoint predicted;
  double distance = kMissing;
};

// [individual * keypoints of animals + keypoint], the unique ones after them.
std::vector<LabelError> label_errors(const LabelledFrame& labels, const Detections& detections);

struct OksOptions {
  double sigma = 0.1;
  double margin = 0;  // pixels around the labels
};

// Object keypoint similarity; missing for fewer than two labels or labels without extent.
double keypoint_similarity(const std::vector<AssembledPoint>& predicted, const AnimalPose& labelled,
                           const OksOptions& options);

// Mean average precision and recall over similarities of 0.5, 0.55, … 0.95.
struct AveragePrecision {
  double map = 0, mar = 0;
};
struct JudgedFrame {
  std::vector<Animal> found;
  std::vector<AnimalPose> labelled;
};
AveragePrecision average_precision(std::span<const JudgedFrame> frames,
                                   const OksOptions& options = {});

struct EvaluatedFrame {
  LabelledFrame labels;
  Detections detections;
  bool train = false;
};

// Sets of limbs to try, from the least skeleton that connects everything to all limbs, and how well
// each limb tells an animal's own pairs from others' (area under the curve).
struct Skeletons {
  std::vector<std::vector<int>> limbs;
  std::map<int, double> separability;
};
Skeletons candidate_skeletons(std::span<const EvaluatedFrame> frames,
                              const std::vector<std::array<int, 2>>& graph, int most = 10);

struct SkeletonScore {
  std::vector<int> limbs;
  double miss_mean = kMissing, miss_deviation = kMissing;      // share of labels without a point
  double purity_mean = kMissing, purity_deviation = kMissing;  // share of points in their animal
  AveragePrecision train, test;
};

struct SkeletonChoice {
  std::vector<SkeletonScore> scores;
  std::size_t best = 0;  // what DeepLabCut writes as paf_best
};

// Assembles every frame with every set of limbs. `options.limbs` is ignored.
SkeletonChoice choose_skeleton(std::span<const EvaluatedFrame> frames,
                               const std::vector<std::vector<int>>& skeletons,
                               const AssemblyOptions& options, const OksOptions& oks = {});

}  // namespace poseheir
