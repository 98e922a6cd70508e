// Everything needed to go on with a run exactly, in one file: train_state.safetensors.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "poseheir/engine.h"

namespace poseheir {

// Losses since the last row of learning_stats.csv.
struct LossSums {
  double total = 0, part = 0, locref = 0;
  std::int64_t count = 0;
  double pairwise = 0;
};

// A snapshot that there was no room for. The state holds its weights.
struct PendingSnapshot {
  std::int64_t iteration = 0;
  bool is_regular = true;
};

struct TrainingState {
  std::string identity;  // of the run: what must agree to go on (JSON text)
  std::int64_t next_iteration = 0;
  double seconds = 0;
  LossSums sums;
  std::vector<std::string> snapshots;  // kept, oldest first
  std::vector<std::string> irregular;  // those of them that are kept only while they are the best
  std::optional<PendingSnapshot> pending;
  Parameters parameters;
  OptimizerState optimizer;
};

// Of `state` all but the tensors, which are written from where the trainer has them.
void write_training_state(const std::filesystem::path& path, const Network& network,
                          const TrainingState& state, const Parameters& parameters,
                          const OptimizerState& optimizer);
// Only what run.json could tell: no tensors. Nothing where there is no file.
std::optional<TrainingState> read_training_state_header(const std::filesystem::path& path);
// Throws Error(mismatch) when the tensors are not those of the network.
TrainingState read_training_state(const std::filesystem::path& path, const Network& network);

}  // namespace poseheir
