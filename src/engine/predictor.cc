#include <fmt/format.h>

#include "engine/engines.h"
#include "engine/threads.h"
#include "poseheir/error.h"

namespace poseheir {

void check_images(const ImageBatch& images) {
  if (images.count < 1 || images.height < 1 || images.width < 1)
    throw Error(ErrorKind::usage, fmt::format("a batch of {} images of {} x {} pixels",
                                              images.count, images.width, images.height));
  const auto bytes = std::size_t(images.count) * images.height * images.width * 3;
  if (images.pixels.size() != bytes)
    throw Error(
        ErrorKind::mismatch,
        fmt::format("{} images of {} x {} RGB pixels are {} bytes, but {} were given", images.count,
                    images.width, images.height, bytes, images.pixels.size()));
}

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
  const Network network;
  const EngineOptions options;
  std::unique_ptr<PredictorEngine> engine;
};

Predictor::Predictor(const Network& network, const Parameters& parameters,
                     const EngineOptions& options)
    : state_(new State{network, with_threads(options), nullptr}) {
  check_parameters(network, parameters);
  const ThreadScope threads(options.threads);
  state_->engine = engine_of(options).predictor(state_->network, parameters, state_->options);
}
Predictor::~Predictor() = default;
Predictor::Predictor(Predictor&&) noexcept = default;

FeatureMaps Predictor::run(const ImageBatch& images) {
  check_images(images);
  const ThreadScope threads(state_->options.threads);
  return state_->engine->run(images);
}

FeatureMap Predictor::run_to_layer(const ImageBatch& images, int layer) {
  if (layer < 0 || layer >= static_cast<int>(state_->network.layers.size()))
    throw Error(ErrorKind::usage, fmt::format("layer {} of a network of {} layers", layer,
                                              state_->network.layers.size()));
  check_images(images);
  const ThreadScope threads(state_->options.threads);
  return state_->engine->run_to_layer(images, layer);
}

std::vector<std::string> Predictor::implementations() const {
  return state_->engine->implementations();
}

std::vector<OperationTime> Predictor::times() const { return state_->engine->times(); }

}  // namespace poseheir
