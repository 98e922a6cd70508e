// From detections to animals: which peaks belong to one individual (spec 11.3), with DeepLabCut's
// choices to the last tie.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "poseheir/detections.h"
#include "poseheir/predictions.h"

namespace poseheir {

struct AssemblyOptions {
  int individuals = 1;             // [topktoretain]
  int keypoints_of_animals = 0;    // the multi-animal ones; the unique ones come after them
  double confidence_cutoff = 0.1;  // [pcutoff]
  double minimal_affinity = 0.1;   // [pafthreshold]
  double minimal_links = 2;        // [minimalnumberofconnections]
  double maximal_overlap = 0.8;    // of two animals; outside (0, 1) nothing is suppressed
  bool greedy = false;             // pairs by falling affinity instead of the best assignment
  bool identity_only = false;      // trust the identity channels alone, where there are some
  bool add_discarded = false;      // give left-over peaks to the nearest animal
  int window = 0;  // [window_size]: prefer links like those of so many frames before
  std::vector<std::array<int, 2>> graph;  // [partaffinityfield_graph]
  std::vector<int> limbs;  // the ones to look at, in this order; empty: all that have costs
};

// A keypoint of an animal. Where it was not found place and identity are missing and, as in
// DeepLabCut, the likelihood is 0.
struct AssembledPoint {
  double x = kMissing, y = kMissing, likelihood = 0;
  double identity = kMissing;  // the strongest identity channel of the peak, -1 without any
  bool missing() const { return std::isnan(x); }
};

struct Animal {
  std::vector<AssembledPoint> points;  // [keypoint of animals]
  double affinity = 0;                 // of all links together
  int links = 0;

  int found() const;  // how many keypoints
};

struct FrameAnimals {
  std::vector<Animal> animals;
  // One a unique keypoint; absent where none was found.
  std::optional<std::vector<PredictedPoint>> unique;
};

using AnimalPose = std::vector<Point>;  // [keypoint of animals]

// Distances between the keypoints of labelled animals: what a plausible animal looks like.
struct Calibration {
  int keypoints = 0;
  std::vector<double> mean;      // of the squared distance of each pair 0-1, 0-2, … 1-2, …
  std::vector<double> variance;  // of DeepLabCut's kernel density, a pair each
  std::vector<double> inverse;   // of its covariance, [pair][pair]
};

// From poses that are at least 90 % complete. Nothing where there is a single keypoint, no such
// pose, or too few different ones to tell how distances vary.
std::optional<Calibration> calibrate(std::span<const AnimalPose> labelled);

// The animals of one frame, whatever was in the frames before it.
FrameAnimals assemble(const Detections& detections, const AssemblyOptions& options,
                      const Calibration* calibration = nullptr);

struct AnimalsOfFrame {
  int frame = 0;
  FrameAnimals found;
};

// The animals of frames that follow each other.
std::vector<AnimalsOfFrame> assemble(std::span<const DetectionsOfFrame> frames,
                                     const AssemblyOptions& options,
                                     const Calibration* calibration = nullptr);

}  // namespace poseheir
