// TensorFlow's optimizers over a network's parameters.
#pragma once

#include "poseheir/engine.h"

namespace poseheir {

class Optimizer {
 public:
  Optimizer(const Network& network, const OptimizerOptions& options);

  // Updates each variable that is trained and has a gradient; `factors` as in Trainer::step.
  void step(Parameters& parameters, const Parameters& gradients, const std::vector<bool>& trained,
            float rate, std::span<const float> factors);

  const OptimizerState& state() const { return state_; }
  void restore(OptimizerState state) { state_ = std::move(state); }

 private:
  OptimizerOptions options_;
  OptimizerState state_;
};

}  // namespace poseheir
