#include "transfer/train_folder.h"

#include "base/file.h"
#include "poseheir/project.h"

namespace poseheir {

namespace fs = std::filesystem;

fs::path folder_of(const fs::path& pose_config) {
  const auto folder = pose_config.parent_path();
  return folder.empty() ? fs::path(".") : folder;
}

std::optional<std::string> text_of(const fs::path& path) {
  if (!fs::exists(path)) return std::nullopt;
  return read_file(path);
}

void stage_pose_config(const Staging& staging, const fs::path& path, const std::string& value) {
  const auto edit = edit_yaml_value(read_file(path), path.string(), "init_weights", value);
  write_file(staging / path.filename().string(), edit.text);
  std::error_code ignored;
  fs::permissions(staging / path.filename().string(), fs::status(path).permissions(), ignored);
}

}  // namespace poseheir
