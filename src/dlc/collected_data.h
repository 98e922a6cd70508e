// The two files of annotations, in memory.
#pragma once

#include <string>

#include "poseheir/project.h"

namespace poseheir {

struct CollectedData {
  std::string h5, csv;
};
CollectedData format_collected_data(const Labels& labels);

}  // namespace poseheir
