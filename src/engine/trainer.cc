#include <fmt/format.h>

#include "engine/optimizer.h"
#include "engine/plan_cache.h"
#include "engine/threads.h"
#include "poseheir/error.h"

namespace poseheir {

void check_parameters(const Network& network, const Parameters& parameters);  // predictor.cc

struct Trainer::State {
  // Training images come in many sizes; a plan is large.
  State(const Network& network_in, Parameters parameters_in,
        const OptimizerOptions& optimizer_options, const EngineOptions& options_in)
      : network(network_in),
        parameters(std::move(parameters_in)),
        options(options_in),
        optimizer(network, optimizer_options),
        plans(network, options.precision, 3) {
    check_parameters(network, parameters);
    for (const auto& variable : network.variables) trained.push_back(variable.trainable);
    plans.set_trained(trained);
  }

  Plan& current() const {
    if (plan == nullptr) throw Error(ErrorKind::usage, "backward or step without a forward pass");
    return *plan;
  }

  const Network network;
  Parameters parameters;
  const EngineOptions options;
  Optimizer optimizer;
  PlanCache plans;
  std::vector<bool> trained;
  Plan* plan = nullptr;  // of the last forward
};

Trainer::Trainer(const Network& network, Parameters parameters, const OptimizerOptions& optimizer,
                 const EngineOptions& options)
    : state_(std::make_unique<State>(network, std::move(parameters), optimizer, options)) {}
Trainer::~Trainer() = default;
Trainer::Trainer(Trainer&&) noexcept = default;

void Trainer::set_trained(const std::vector<bool>& by_variable) {
  if (by_variable.size() != state_->network.variables.size())
    throw Error(ErrorKind::mismatch,
                fmt::format("{} choices for a network of {} variables", by_variable.size(),
                            state_->network.variables.size()));
  for (std::size_t i = 0; i < by_variable.size(); ++i)
    state_->trained[i] = by_variable[i] && state_->network.variables[i].trainable;
  state_->plan = nullptr;
  state_->plans.set_trained(state_->trained);
}

void Trainer::set_sum_over_parts(const SumOverParts& sum) {
  state_->plan = nullptr;
  state_->plans.set_sum_over_parts(sum);
}

std::size_t Trainer::bytes_for(int count, int height, int width) {
  const ThreadScope threads(state_->options.threads);
  state_->plan = nullptr;
  return state_->plans.bytes_for(count, height, width);
}

const FeatureMaps& Trainer::forward(const ImageBatch& images) {
  const ThreadScope threads(state_->options.threads);
  state_->plan = &state_->plans.get(images, state_->parameters);
  return state_->plan->forward(images.pixels.data());
}

void Trainer::backward(const FeatureMaps& output_gradients) { backward(output_gradients, {}); }

void Trainer::backward(const FeatureMaps& output_gradients, const GradientReady& ready) {
  const ThreadScope threads(state_->options.threads);
  state_->current().backward(output_gradients, ready);
}

void Trainer::step(float learning_rate) { step(learning_rate, {}); }

void Trainer::step(float learning_rate, std::span<const float> rate_factors) {
  if (!rate_factors.empty() && rate_factors.size() != state_->parameters.size())
    throw Error(ErrorKind::mismatch, fmt::format("{} rate factors for a network of {} variables",
                                                 rate_factors.size(), state_->parameters.size()));
  const ThreadScope threads(state_->options.threads);
  state_->optimizer.step(state_->parameters, state_->current().gradients(), state_->trained,
                         learning_rate, rate_factors);
  state_->current().move_statistics(state_->parameters);
  state_->plans.parameters_changed();
}

std::vector<float> Trainer::gradient(int variable) const {
  if (state_->plan == nullptr || !state_->trained.at(variable)) return {};
  return state_->plan->gradients().at(variable);
}

const Parameters& Trainer::parameters() const { return state_->parameters; }
const OptimizerState& Trainer::optimizer_state() const { return state_->optimizer.state(); }

void Trainer::restore(OptimizerState state) {
  state_->optimizer.restore(state_->network, std::move(state));
}

std::vector<OperationTime> Trainer::times() const {
  return state_->plan == nullptr ? std::vector<OperationTime>{} : state_->plan->times();
}

std::vector<std::string> Trainer::implementations() const {
  return state_->plan == nullptr ? std::vector<std::string>{} : state_->plan->implementations();
}

}  // namespace poseheir
