// The files of one run in its train folder: snapshots, curves, state.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "pose/error_history.h"
#include "pose/training_state.h"
#include "poseheir/metrics.h"

namespace poseheir {

class RunFolder {
 public:
  RunFolder(std::filesystem::path folder, int max_snapshots)
      : folder_(std::move(folder)), max_snapshots_(max_snapshots) {}

  std::filesystem::path state_file() const { return folder_ / "train_state.safetensors"; }
  std::filesystem::path path(const std::string& name) const { return folder_ / name; }

  // Begins anew: the curves and the state of an earlier run go, its snapshots stay (as
  // DeepLabCut's). Where the run continues one, learning_stats.csv keeps that one's rows.
  void clear(std::int64_t first_iteration) const;
  // What a killed process left half written.
  void clear_leftovers() const;
  // The errors measured before an iteration.
  ErrorHistory history(std::int64_t next_iteration) const;
  // Takes back rows of the curves that lie behind the state from which the run goes on; the errors
  // that stay.
  ErrorHistory cut_curves(std::int64_t next_iteration) const;

  void add_learning_stats(std::int64_t iteration, double mean_loss, double rate) const;
  // DeepLabCut writes sentences there for several animals.
  void add_animal_stats(std::int64_t iteration, const LossSums& means, double rate) const;
  void add_loss(const LossPoint& point) const;
  void add_error(const ErrorPoint& point) const;

  // snapshot-N, the checkpoint file and the state, in this order: a kill between any two loses
  // nothing, for the run goes on from the state and writes the rest again. Keeps the newest
  // regular snapshots of this run, and the best, which best_snapshot.json names.
  void save(std::int64_t iteration, const Network& network, TrainingState& state,
            const Parameters& parameters, const OptimizerState& optimizer,
            bool is_regular = true) const;

 private:
  void remove_old(TrainingState& state, const std::string& best) const;
  std::optional<ErrorPoint> best_of(const std::vector<std::string>& snapshots) const;
  void mark_best(const std::optional<ErrorPoint>& best) const;

  std::filesystem::path folder_;
  int max_snapshots_;
};

}  // namespace poseheir
