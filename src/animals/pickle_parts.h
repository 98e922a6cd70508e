// Parts that several of DeepLabCut's pickles share.
#pragma once

#include <string>
#include <vector>

#include "base/pickle.h"
#include "poseheir/detections.h"
#include "poseheir/project.h"

namespace poseheir {

// Items of a dict that is open: coordinates, confidence, costs, identity.
void write_detections(PickleWriter& pickle, const Detections& detections,
                      const DetectionOptions& options);
// A dict's value: {limb: {"m1": matrix, "distance": matrix}}.
void write_costs(PickleWriter& pickle, const std::vector<LimbCosts>& costs);
// Items of the open dict `metadata`.
void write_detection_options(PickleWriter& pickle, const DetectionOptions& options,
                             const std::vector<std::string>& keypoint_names);

struct MultiIndex {
  std::vector<std::string> names;                // [level]
  std::vector<std::vector<std::string>> labels;  // [entry][level]
};
// By pandas' own constructor, so that every pandas opens it.
void write_multi_index(PickleWriter& pickle, const MultiIndex& index);

// A configuration as a dict: numbers, truth values and texts as YAML tells them apart.
void write_config(PickleWriter& pickle, const PoseConfig& config);

}  // namespace poseheir
