#include "engine/optimizer.h"

#include <cmath>

#include "engine/onednn/context.h"

namespace poseheir {

Optimizer::Optimizer(const Network& network, const OptimizerOptions& options) : options_(options) {
  for (auto* slots : {&state_.first, &state_.second}) {
    slots->resize(network.variables.size());
    if (slots == &state_.second && options.kind == OptimizerKind::sgd_momentum) continue;
    for (std::size_t i = 0; i < slots->size(); ++i)
      if (network.variables[i].trainable)
        (*slots)[i].assign(element_count(network.variables[i].info.shape), 0.0F);
  }
}

void Optimizer::step(Parameters& parameters, const Parameters& gradients,
                     const std::vector<bool>& trained, float rate, std::span<const float> factors) {
  const auto& kernels = kernels::vector_kernels(onednn::effective_isa());
  const auto t = static_cast<double>(++state_.steps);
  const double correction = options_.kind == OptimizerKind::adam
                                ? std::sqrt(1.0 - std::pow(double(options_.beta2), t)) /
                                      (1.0 - std::pow(double(options_.beta1), t))
                                : 1.0;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (!trained[i] || gradients[i].empty()) continue;
    const auto own_rate = static_cast<float>(double(rate) * correction *
                                             (factors.empty() ? 1.0 : double(factors[i])));
    auto& w = parameters[i];
    if (options_.kind == OptimizerKind::adam)
      kernels.adam(w.data(), state_.first[i].data(), state_.second[i].data(), gradients[i].data(),
                   w.size(), own_rate, options_.beta1, options_.beta2, options_.epsilon);
    else
      kernels.momentum(w.data(), state_.first[i].data(), gradients[i].data(), w.size(), own_rate,
                       options_.momentum);
  }
}

}  // namespace poseheir
