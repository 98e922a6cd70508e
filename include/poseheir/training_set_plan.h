// What create_training_dataset would write: create-training-dataset --dry-run.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "poseheir/project.h"

namespace poseheir {

struct PlannedFile {
  std::filesystem::path path;
  std::string content;
  bool replaces = false;  // there is one of this name
};

struct TrainingSetPlan {
  CreatedTrainingSet set;  // as create_training_dataset returns it
  std::vector<PlannedFile> files;
  std::string net_type, augmenter;
};

// Throws as create_training_dataset does, also where it could not write; writes nothing.
TrainingSetPlan plan_training_dataset(const Project& project, const TrainingSetOptions& options);

}  // namespace poseheir
