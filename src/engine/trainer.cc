#include <fmt/format.h>

#include "engine/engines.h"
#include "engine/threads.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

void check_gradients(const FeatureMaps& outputs, const FeatureMaps& gradients) {
  for (const auto& [name, given] : gradients) {
    const auto found = outputs.find(name);
    if (found == outputs.end())
      throw Error(ErrorKind::mismatch, fmt::format("the network has no output '{}'", name));
    const auto& map = found->second;
    if (given.count != map.count || given.height != map.height || given.width != map.width ||
        given.channels != map.channels || given.values.size() != map.values.size())
      throw Error(ErrorKind::mismatch,
                  fmt::format("the gradient of '{}' is {}x{}x{}x{}, the output {}x{}x{}x{}", name,
                              given.count, given.height, given.width, given.channels, map.count,
                              map.height, map.width, map.channels));
  }
}

void check_state(const Network& network, const OptimizerState& given, const OptimizerState& own) {
  const auto fits = [](const Parameters& a, const Parameters& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < b.size(); ++i)
      if (a[i].size() != b[i].size()) return false;
    return true;
  };
  if (!fits(given.first, own.first) || !fits(given.second, own.second))
    throw Error(ErrorKind::mismatch,
                fmt::format("the optimizer's state is of another network or optimizer than this "
                            "{} with {} variables",
                            network.spec.net_type, network.variables.size()));
}

}  // namespace

struct Trainer::State {
  void require_forward() const {
    if (outputs == nullptr)
      throw Error(ErrorKind::usage, "backward or step without a forward pass");
  }

  const Network network;
  const EngineOptions options;
  std::unique_ptr<TrainerEngine> engine;
  const FeatureMaps* outputs = nullptr;  // of the last forward
};

Trainer::Trainer(const Network& network, Parameters parameters, const OptimizerOptions& optimizer,
                 const EngineOptions& options)
    : state_(new State{network, with_threads(options), nullptr}) {
  check_parameters(network, parameters);
  const ThreadScope threads(options.threads);
  state_->engine = engine_of(options).trainer(state_->network, std::move(parameters), optimizer,
                                              state_->options);
  set_trained(std::vector<bool>(network.variables.size(), true));
}
Trainer::~Trainer() = default;
Trainer::Trainer(Trainer&&) noexcept = default;

void Trainer::set_trained(const std::vector<bool>& by_variable) {
  const auto& variables = state_->network.variables;
  if (by_variable.size() != variables.size())
    throw Error(ErrorKind::mismatch, fmt::format("{} choices for a network of {} variables",
                                                 by_variable.size(), variables.size()));
  std::vector<bool> trained;
  for (std::size_t i = 0; i < by_variable.size(); ++i)
    trained.push_back(by_variable[i] && variables[i].trainable);
  state_->outputs = nullptr;
  state_->engine->set_trained(trained);
}

void Trainer::set_sum_over_parts(const SumOverParts& sum) {
  state_->outputs = nullptr;
  state_->engine->set_sum_over_parts(sum);
}

std::size_t Trainer::bytes_for(int count, int height, int width) {
  const ThreadScope threads(state_->options.threads);
  state_->outputs = nullptr;
  return state_->engine->bytes_for(count, height, width);
}

const FeatureMaps& Trainer::forward(const ImageBatch& images) {
  check_images(images);
  const ThreadScope threads(state_->options.threads);
  state_->outputs = nullptr;
  state_->outputs = &state_->engine->forward(images);
  return *state_->outputs;
}

void Trainer::backward(const FeatureMaps& output_gradients) { backward(output_gradients, {}); }

void Trainer::backward(const FeatureMaps& output_gradients, const GradientReady& ready) {
  state_->require_forward();
  check_gradients(*state_->outputs, output_gradients);
  const ThreadScope threads(state_->options.threads);
  state_->engine->backward(output_gradients, ready);
}

void Trainer::step(float learning_rate) { step(learning_rate, {}); }

void Trainer::step(float learning_rate, std::span<const float> rate_factors) {
  if (const auto count = state_->network.variables.size();
      !rate_factors.empty() && rate_factors.size() != count)
    throw Error(ErrorKind::mismatch, fmt::format("{} rate factors for a network of {} variables",
                                                 rate_factors.size(), count));
  state_->require_forward();
  const ThreadScope threads(state_->options.threads);
  state_->engine->step(learning_rate, rate_factors);
}

std::vector<float> Trainer::gradient(int variable) const {
  const ThreadScope threads(state_->options.threads);
  return state_->engine->gradient(variable);
}

const Parameters& Trainer::parameters() const {
  const ThreadScope threads(state_->options.threads);
  return state_->engine->parameters();
}

const OptimizerState& Trainer::optimizer_state() const {
  const ThreadScope threads(state_->options.threads);
  return state_->engine->optimizer_state();
}

void Trainer::restore(OptimizerState state) {
  const ThreadScope threads(state_->options.threads);
  check_state(state_->network, state, state_->engine->optimizer_state());
  state_->engine->restore(std::move(state));
}

std::vector<OperationTime> Trainer::times() const { return state_->engine->times(); }
std::vector<std::string> Trainer::implementations() const {
  return state_->engine->implementations();
}

}  // namespace poseheir
