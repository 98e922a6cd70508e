// What a path names: the prefix or the files of one checkpoint.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace poseheir {

struct Located {
  enum class Kind { bundle, shards, file };
  Kind kind = Kind::file;
  std::filesystem::path path;  // of a bundle or of shards: what their names begin with
  std::vector<std::filesystem::path> files;  // of a bundle: the index alone
  std::string note;                          // what its folder says beside; may be empty
};

// Throws Error(io) that says what was looked for and what is near.
Located locate_checkpoint(const std::filesystem::path& path);

std::filesystem::path index_of(const std::filesystem::path& prefix);
std::filesystem::path data_file_of(const std::filesystem::path& prefix, std::uint32_t shard,
                                   std::uint32_t shards);

// The number in "snapshot-500", "model.ckpt-500" or "snapshot-500.pt".
std::optional<std::int64_t> step_of_name(const std::filesystem::path& path);

}  // namespace poseheir
