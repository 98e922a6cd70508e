// The two files of annotations, in memory.
#pragma once

#include <string>

#include "poseheir/error.h"
#include "poseheir/project.h"

namespace poseheir {

struct CollectedData {
  std::string h5, csv;
};
CollectedData format_collected_data(const Labels& labels);
CollectedData format_collected_data(const AnimalLabels& labels);

// The annotation files that are merged, in their order; empty where there is none.
std::vector<std::filesystem::path> label_files(const Project& project);
Error no_labels(const Project& project);

}  // namespace poseheir
