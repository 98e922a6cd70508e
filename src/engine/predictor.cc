#include <fmt/format.h>

#include "engine/plan_cache.h"
#include "engine/threads.h"
#include "poseheir/error.h"

namespace poseheir {

void check_parameters(const Network& network, const Parameters& parameters) {
  if (parameters.size() != network.variables.size())
    throw Error(ErrorKind::mismatch, fmt::format("{} parameters for a network of {} variables",
                                                 parameters.size(), network.variables.size()));
  for (std::size_t i = 0; i < parameters.size(); ++i)
    if (const auto& info = network.variables[i].info;
        parameters[i].size() != element_count(info.shape))
      throw Error(
          ErrorKind::mismatch,
          fmt::format("'{}' has {} values, its shape {} needs {}", info.name, parameters[i].size(),
                      shape_text(info.shape), element_count(info.shape)));
}

struct Predictor::State {
  // Two sizes: a video's frames, and what is left of the last batch.
  State(const Network& network_in, const Parameters& parameters_in, const EngineOptions& options_in)
      : network(network_in),
        parameters(parameters_in),
        options(options_in),
        plans(network, options.precision, 2) {
    check_parameters(network, parameters);
  }

  const Network network;
  const Parameters parameters;
  const EngineOptions options;
  PlanCache plans;
  const Plan* last = nullptr;
};

Predictor::Predictor(const Network& network, const Parameters& parameters,
                     const EngineOptions& options)
    : state_(std::make_unique<State>(network, parameters, options)) {}
Predictor::~Predictor() = default;
Predictor::Predictor(Predictor&&) noexcept = default;

FeatureMaps Predictor::run(const ImageBatch& images) {
  const ThreadScope threads(state_->options.threads);
  auto& plan = state_->plans.get(images, state_->parameters);
  state_->last = &plan;
  return plan.forward(images.pixels.data());
}

FeatureMap Predictor::run_to_layer(const ImageBatch& images, int layer) {
  if (layer < 0 || layer >= static_cast<int>(state_->network.layers.size()))
    throw Error(ErrorKind::usage, fmt::format("layer {} of a network of {} layers", layer,
                                              state_->network.layers.size()));
  check_images(images);
  const ThreadScope threads(state_->options.threads);
  // The network's beginning is a network too, and nothing of it is fused beyond the layer.
  auto part = state_->network;
  part.layers.resize(static_cast<std::size_t>(layer) + 1);
  part.outputs = {{"layer", layer}};
  Plan plan(part, {images.count, {images.height, images.width}, state_->options.precision, {}});
  plan.pack(state_->parameters);
  return plan.forward(images.pixels.data()).at("layer");
}

std::vector<std::string> Predictor::implementations() const {
  return state_->last == nullptr ? std::vector<std::string>{} : state_->last->implementations();
}

std::vector<OperationTime> Predictor::times() const {
  return state_->last == nullptr ? std::vector<OperationTime>{} : state_->last->times();
}

}  // namespace poseheir
