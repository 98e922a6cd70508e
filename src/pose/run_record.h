// What a run is: what must agree for it to go on, and what run.json tells to repeat it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "pose/start_weights.h"
#include "pose/training_pictures.h"
#include "pose/training_plan.h"
#include "poseheir/train.h"

namespace poseheir {

struct RunSubject {
  const Project& project;
  const ModelChoice& choice;
  const TrainOptions& options;
  const PoseConfig& config;
  const Dataset& dataset;
  const StartWeights& start;
  const TrainingPlan& plan;
  int ranks;
  const PictureSums& pictures;
};

// What must agree for an interrupted run to go on. The number of iterations is not part of
// DeepLabCut's recipe: its schedule does not know where it will end.
nlohmann::json identity_of(const RunSubject& run);

// What runs recorded by a version that did not know the key had.
nlohmann::json before_it_was_told(const std::string& key);

// Keys of run.json for people: checksums of each training picture and of its labels, and what
// pose_cfg.yaml said.
inline constexpr const char* kPictures = "pictures";
inline constexpr const char* kPictureSum = "crc32c";
inline constexpr const char* kLabelsSum = "labels_crc32c";
inline constexpr const char* kPoseConfigText = "pose_cfg_text";
nlohmann::json with_details(nlohmann::json identity, const RunSubject& run);

// Written to run.json in `folder`.
std::string format_run_record(const RunSubject& run, const std::filesystem::path& folder);
// The same with what the ranks of the last call had to tell each other.
std::string with_sums(const std::string& run_record, const TrainResult& result);

}  // namespace poseheir
