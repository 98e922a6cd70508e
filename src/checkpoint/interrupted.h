// A TensorFlow checkpoint is two files, and no file system renames two at once. The data file is
// put in place first, then the index; whoever is killed between the two leaves the index under its
// temporary name (base/leftovers.h), where it is still found: a snapshot is whole at any moment.
#pragma once

#include <filesystem>
#include <optional>

namespace poseheir {

// The index that belongs to the data file in place, when it is not the one in place.
std::optional<std::filesystem::path> pending_index(const std::filesystem::path& prefix);

// Puts such indexes in place and removes the other parts of snapshots, of processes that are gone.
void finish_interrupted_writes(const std::filesystem::path& folder);

}  // namespace poseheir
