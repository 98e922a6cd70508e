// What TensorFlow's own reader says of a reference checkpoint: expected.json of
// reference/checkpoints.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "poseheir/checkpoint.h"
#include "shared.h"

namespace poseheir {

inline nlohmann::json read_json(const std::filesystem::path& path) {
  std::ifstream stream(path);
  return nlohmann::json::parse(stream);
}

inline std::filesystem::path reference_checkpoints() {
  return shared_folder() / "reference" / "checkpoints";
}

}  // namespace poseheir
