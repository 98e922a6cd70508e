#pragma once

#include <ATen/ATen.h>

#include "engine/engines.h"

namespace poseheir::libtorch {

std::unique_ptr<TrainerEngine> make_trainer(const Network& network, Parameters parameters,
                                            const OptimizerOptions& optimizer, at::Device device,
                                            const EngineOptions& options);

}  // namespace poseheir::libtorch
