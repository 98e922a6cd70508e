// Checkpoints that TensorFlow wrote, and what its own reader says of them: expected.json.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "shared.h"

namespace poseheir {

inline nlohmann::json read_json(const std::filesystem::path& path) {
  std::ifstream stream(path);
  return nlohmann::json::parse(stream);
}

// The small ones are part of the repository.
inline std::filesystem::path reference_checkpoint(const std::string& name) {
  const auto local = std::filesystem::path(POSEHEIR_TEST_DATA) / "checkpoints" / name;
  return std::filesystem::exists(local) ? local
                                        : shared_folder() / "reference" / "checkpoints" / name;
}

}  // namespace poseheir
