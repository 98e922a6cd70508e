// What a run starts from: DeepLabCut's rules for init_weights (spec 6.4).
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "poseheir/engine.h"
#include "poseheir/project.h"

namespace poseheir {

struct StartWeights {
  Parameters parameters;
  std::int64_t first_iteration = 0;
  std::string source;          // path; empty: everything initialised afresh
  std::string description;     // for people and run.json
  int restored = 0;            // variables taken from the source
  std::uint64_t checksum = 0;  // FNV-1a of the values that were taken
};

// `init` as in TrainOptions. A name that contains "snapshot" gives all variables and the iteration
// to go on from, unless keep_heads is false; any other only the backbone. Nothing is taken by
// halves: a variable that is absent or of another shape is an Error(mismatch).
StartWeights load_start_weights(const Network& network, const PoseConfig& config,
                                const std::filesystem::path& project_folder,
                                const std::string& init, bool keep_heads, std::uint64_t seed);

// The iteration in a snapshot's name, as DeepLabCut finds it; nothing if only the backbone would be
// taken. Throws Error(usage) for a name that holds "snapshot" but no number where it must be.
std::optional<std::int64_t> snapshot_iteration(const std::string& file_name);

}  // namespace poseheir
