// A model of generated weights as a checkpoint: values are made when they are read.
#pragma once

#include <algorithm>

#include "poseheir/checkpoint.h"
#include "poseheir/reference.h"

namespace poseheir {

inline Checkpoint generated_checkpoint(const NetworkSpec& spec, const std::string& scope = "") {
  const auto network = std::make_shared<const Network>(build_network(spec));
  Checkpoint checkpoint;
  checkpoint.path = "a/snapshot-1000";
  checkpoint.format = "generated";
  for (int i = 0; i < static_cast<int>(network->variables.size()); ++i) {
    auto info = network->variables[static_cast<std::size_t>(i)].info;
    info.name.insert(0, scope);
    checkpoint.tensors.push_back(
        {info,
         [network, i, info] { return make_tensor(info, generated_values(*network, i)).read(); },
         std::nullopt});
  }
  return checkpoint;
}

}  // namespace poseheir
