// What the processes of one run do together. A process alone is a team of one, for which all of
// this costs nothing.
#pragma once

#include <optional>
#include <string>

#include "pose/batches.h"
#include "pose/gradient_sums.h"
#include "pose/losses.h"
#include "pose/training_state.h"
#include "poseheir/engine.h"
#include "poseheir/ranks.h"

namespace poseheir {

class Team {
 public:
  explicit Team(Ranks* ranks) : ranks_(ranks) {
    if (ranks != nullptr) gradients_.emplace(*ranks);
  }

  bool is_alone() const { return ranks_ == nullptr; }
  bool leads() const { return is_alone() || ranks_->rank() == 0; }
  int size() const { return is_alone() ? 1 : ranks_->size(); }

  std::size_t memory() const;  // that this process may take

  // Threads for this process where the options leave it open.
  EngineOptions with_threads(EngineOptions engine) const;
  // Does `part`; when it throws on any rank, all throw that Error.
  void agree(const std::function<void()>& part);
  // What left agree(), all have; anything else only this rank.
  bool has_failed_together() const { return failed_together_; }
  // Tells what went wrong on this rank alone, and ends the processes of all.
  [[noreturn]] void end_all(const std::string& why) const;

  // The pictures of a batch that this rank computes: consecutive ones, as evenly as can be.
  BatchChoice share_of(BatchChoice whole) const;
  // Throws Error(usage) where a batch has fewer pictures than there are ranks.
  void require_share(int pictures, const std::filesystem::path& folder) const;

  bool any(bool mine) const;
  LossCounts total(LossCounts mine) const;
  LossValues total(LossValues mine) const;

  // Rank 0's, on all: what is needed to go on, and nothing that only its files need.
  void share_state(TrainingState& state) const;
  // Throw, on all ranks, where they were not given the same run; where their networks have come
  // apart.
  void require_same_run(const std::string& identity);
  void require_same_networks(const Parameters& parameters);

  // Batch statistics over the pictures of all ranks.
  void connect(Trainer& trainer) const;
  // The backward pass; after it each rank has the gradients of the whole batch.
  void backward(Trainer& trainer, const FeatureMaps& output_gradients);

  std::size_t bytes_per_step() const { return gradients_ ? gradients_->bytes() : 0; }
  double waited_seconds() const { return gradients_ ? gradients_->waited_seconds() : 0; }

 private:
  Ranks* ranks_;
  std::optional<GradientSums> gradients_;
  bool failed_together_ = false;
};

}  // namespace poseheir
