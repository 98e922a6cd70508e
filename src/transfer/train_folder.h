// What a transfer leaves in model C's train folder.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "transfer/staging.h"

namespace poseheir {

inline constexpr const char* kSnapshot = "snapshot-0";
inline constexpr const char* kData = "snapshot-0.data-00000-of-00001";
inline constexpr const char* kIndex = "snapshot-0.index";
inline constexpr const char* kMeta = "snapshot-0.meta";
inline constexpr const char* kState = "checkpoint";
inline constexpr const char* kProvenance = "transfer.json";
inline constexpr const char* kPoseConfig = "pose_cfg.yaml";
// DeepLabCut enters the train folder before it restores, so this needs no absolute path.
inline constexpr const char* kInitWeights = "./snapshot-0";

std::filesystem::path folder_of(const std::filesystem::path& pose_config);
std::optional<std::string> text_of(const std::filesystem::path& path);  // nothing where no file is

// Stages `path` with init_weights set to `value`.
void stage_pose_config(const Staging& staging, const std::filesystem::path& path,
                       const std::string& value);

}  // namespace poseheir
