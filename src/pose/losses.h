// Losses of a network's outputs against targets, and their gradients (spec 5.4).
#pragma once

#include <optional>
#include <vector>

#include "pose/targets.h"
#include "poseheir/engine.h"

namespace poseheir {

struct LossOptions {
  bool weigh_parts = false;      // [weigh_part_predictions]
  double locref_weight = 1.0;    // [locref_loss_weight]
  bool locref_huber = true;      // [locref_huber_loss]; else squared error
  double pairwise_weight = 0.1;  // [pairwise_loss_weight]
  bool pairwise_huber = true;    // [pairwise_huber_loss]
  int threads = 1;
};

struct LossValues {
  double part = 0, total = 0;
  std::optional<double> part_interm, locref, pairwise;  // of the heads that the network has
};

// What each loss is divided by: how many cells take part. Where several processes share a batch the
// counts of all of them; losses and gradients then are this process's shares.
struct LossCounts {
  double part = 0, part_interm = 0, locref = 0, pairwise = 0;
};
LossCounts count_cells(const FeatureMaps& outputs, const Targets& targets,
                       const PairwiseTargets* pairwise, const LossOptions& options);

// Which heads take part follows from `outputs`. `gradients` receives d total / d output for each of
// them; its memory is reused. The same values for any number of threads. Throws Error(mismatch)
// when maps and targets have other sizes, and for a pairwise head without targets.
LossValues compute_losses(const FeatureMaps& outputs, const Targets& targets,
                          const PairwiseTargets* pairwise, const LossOptions& options,
                          FeatureMaps& gradients);
LossValues compute_losses(const FeatureMaps& outputs, const Targets& targets,
                          const PairwiseTargets* pairwise, const LossOptions& options,
                          const LossCounts& counts, FeatureMaps& gradients);

}  // namespace poseheir
