// What a run is: what must agree for it to go on, and what run.json tells to repeat it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "pose/start_weights.h"
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
  std::uint32_t pictures_crc32c;
};

// What must agree for an interrupted run to go on. The number of iterations is not part of
// DeepLabCut's recipe: its schedule does not know where it will end.
nlohmann::json identity_of(const RunSubject& run);

// "seed (0 there, 1 now)", of what decides over the weights; empty where all agrees.
std::string difference(const nlohmann::json& there, const nlohmann::json& now);
// The labels themselves only decide over the errors that are measured.
bool labels_differ(const nlohmann::json& there, const nlohmann::json& now);

// Written to run.json in `folder`.
std::string format_run_record(const RunSubject& run, const std::filesystem::path& folder);
// The same with what the ranks of the last call had to tell each other.
std::string with_sums(const std::string& run_record, const TrainResult& result);

}  // namespace poseheir
