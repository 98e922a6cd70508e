// What a run does from its first iteration to its last, for each recipe.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "pose/batches.h"
#include "pose/losses.h"
#include "poseheir/engine.h"
#include "poseheir/train.h"

namespace poseheir {

struct TrainingPlan {
  BatchOptions batches;
  LossOptions losses;
  OptimizerOptions optimizer;
  std::function<double(std::int64_t iteration)> rate;
  std::int64_t first_iteration = 0, last_iteration = 0;  // both are computed, as in DeepLabCut
  std::int64_t display_iterations = 1000, save_iterations = 50000;
  std::int64_t eval_iterations = 0;  // 0: never; after the last iteration, too
  bool eval_at_snapshots = true;     // also at those between
  std::vector<bool> trained;         // by variable
  std::vector<float> rate_factors;   // by variable; empty: all ones
  // Warm-up of new heads: before this iteration these factors count.
  std::int64_t heads_alone_until = 0;
  std::vector<float> head_factors;

  const std::vector<float>& factors_at(std::int64_t iteration) const {
    return iteration < heads_alone_until ? head_factors : rate_factors;
  }
};

// Measures errors no more often than every `interval` iterations: at snapshots, where it can be.
void measure_errors_every(std::int64_t interval, TrainingPlan& plan);

TrainingPlan plan_training(const Network& network, const PoseConfig& config,
                           const TrainOptions& options, std::int64_t first_iteration);

}  // namespace poseheir
