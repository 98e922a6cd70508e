// poseheir evaluate for models of several animals.
#pragma once

#include <string>
#include <vector>

#include "cli/model_options.h"
#include "cli/output.h"

namespace poseheir {

struct EvaluateArguments {
  ModelOptions model;
  EngineOptions engine;
  std::string snapshot;
  Output output;
  bool overwrite = false, json = false;
};

void evaluate_several_animals(const NamedModel& named, const EvaluateArguments& arguments,
                              const ModelPaths& paths, const std::vector<Snapshot>& snapshots,
                              const PoseConfig& train_config);

}  // namespace poseheir
