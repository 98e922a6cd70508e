// poseheir analyze --model: pictures and videos without a project.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/analyze_animals.h"
#include "poseheir/predict_superanimal.h"

namespace poseheir {

struct SuperAnimalArguments {
  std::string model, scales;
  std::vector<std::string> files;
  std::string folder;
  VideoOptions video;
  bool overwrite = false, quiet = false;
};
std::vector<Analyzed> analyze_superanimal(const SuperAnimalArguments& arguments);

}  // namespace poseheir
