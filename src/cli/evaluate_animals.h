// poseheir evaluate for models of several animals.
#pragma once

#include <string>
#include <vector>

#include "cli/model_options.h"

namespace poseheir {

struct EvaluateArguments {
  ModelOptions model;
  EngineOptions engine;
  std::string snapshot;
  bool overwrite = false, quiet = false, json = false;
};

void evaluate_several_animals(const Project& project, const EvaluateArguments& arguments,
                              const ModelPaths& paths, const std::vector<Snapshot>& snapshots,
                              const PoseConfig& train_config);

}  // namespace poseheir
