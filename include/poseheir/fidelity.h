// How far this machine's numbers lie from those that DeepLabCut's TensorFlow engine gave: outputs,
// losses and gradients of every network.
#pragma once

#include <string>
#include <vector>

#include "poseheir/engine.h"

namespace poseheir {

// The largest deviation of one quantity of a network, as a fraction: outputs and elements of the
// tensor's largest absolute value, losses and norms of the value itself.
struct Deviation {
  std::string quantity;  // "outputs", "losses", "gradient norms", "gradient elements"
  double largest = 0;
  double tolerance = 0;
  std::string where;  // the output, the loss or the variable

  bool passed() const { return largest <= tolerance; }  // false for NaN as well
};

struct NetworkFidelity {
  std::string network;
  std::vector<Deviation> deviations;
  std::string obstacle;  // why the network could not be run; empty where it could

  bool passed() const;
};

// The networks that a file of reference values knows, sorted. Their weights are generated
// (reference.h), except those of the name that ends in "_imagenet": its backbone is a real one.
std::vector<std::string> fidelity_networks(const Checkpoint& reference);

// Runs one network forward and backward. `backbone` holds MobileNetV2-0.35's ImageNet weights for
// the network that needs them; null: that network gets an obstacle. Throws Error(usage), naming the
// nearest, for an unknown network.
NetworkFidelity measure_fidelity(const Checkpoint& reference, const std::string& network,
                                 const EngineOptions& engine, const Checkpoint* backbone = nullptr);

}  // namespace poseheir
