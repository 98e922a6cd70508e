// What merging single and several animals' annotations has in common.
#pragma once

#include <filesystem>
#include <vector>

#include "poseheir/error.h"
#include "poseheir/project.h"

namespace poseheir {

CollectedData format_collected_data(const AnimalLabels& labels);

// The annotation files that are merged, in their order; empty where there is none.
std::vector<std::filesystem::path> label_files(const Project& project);
Error no_labels(const Project& project);

}  // namespace poseheir
