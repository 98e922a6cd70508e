// Training by libtorch's autograd; TensorFlow's optimizers, on the device.
#include "engine/torch/trainer.h"

#include <cmath>
#include <torch/csrc/autograd/autograd.h>

#include "engine/torch/guard.h"
#include "engine/torch/network.h"

namespace poseheir::libtorch {
namespace {

class TorchTrainer final : public TrainerEngine {
 public:
  TorchTrainer(const Network& network, Parameters parameters, const OptimizerOptions& optimizer,
               at::Device device, const EngineOptions& options)
      : network_(network),
        optimizer_(optimizer),
        device_(device),
        options_(options),
        computed_(network, parameters, device, options.precision, Use::training),
        host_(std::move(parameters)),
        gradients_(network.variables.size()),
        host_gradients_(network.variables.size()) {
    for (auto* slots : {&first_, &second_}) {
      slots->resize(network.variables.size());
      if (slots == &second_ && optimizer.kind == OptimizerKind::sgd_momentum) continue;
      for (std::size_t i = 0; i < slots->size(); ++i)
        if (network.variables[i].trainable) (*slots)[i] = at::zeros_like(computed_.variables()[i]);
    }
  }

  void set_trained(const std::vector<bool>& by_variable) override {
    trained_ = by_variable;
    for (std::size_t i = 0; i < trained_.size(); ++i)
      computed_.variables()[i].requires_grad_(trained_[i]);
    forget_pass();
  }

  void set_sum_over_parts(const Trainer::SumOverParts& sum) override {
    computed_.set_sum_over_parts(sum);
    forget_pass();
  }

  // The values kept, their gradients where most are alive at once, and what a convolution needs
  // beside. GPUs have memory of their own.
  std::size_t bytes_for(int count, int height, int width) override {
    if (device_.is_cuda()) return 0;
    const auto bytes = computed_.bytes_for(count, {height, width});
    return bytes.kept + 6 * bytes.largest;
  }

  const FeatureMaps& forward(const ImageBatch& images) override {
    return guarded(options_, [&]() -> const FeatureMaps& {
      forget_pass();
      outputs_ = computed_.forward(images);
      for (std::size_t i = 0; i < outputs_.size(); ++i)
        copy_map(outputs_[i], maps_[network_.outputs[i].name]);
      return maps_;
    });
  }

  void backward(const FeatureMaps& output_gradients, const Trainer::GradientReady& ready) override {
    guarded(options_, [&] {
      compute_gradients(output_gradients);
      if (ready) tell(ready);
    });
  }

  void step(float learning_rate, std::span<const float> rate_factors) override {
    guarded(options_, [&] {
      const at::NoGradGuard no_gradient;
      take_told_gradients();
      update(learning_rate, rate_factors);
      move_statistics();
      is_host_current_ = false;
    });
  }

  std::vector<float> gradient(int variable) const override {
    return guarded(options_, [&]() -> std::vector<float> {
      if (!trained_.at(variable) || !gradients_[variable].defined()) return {};
      if (is_told_) return host_gradients_[variable];
      return computed_.to_host(variable, gradients_[variable]);
    });
  }

  const Parameters& parameters() const override {
    if (is_host_current_) return host_;
    guarded(options_, [&] { host_ = to_host(computed_.variables()); });
    is_host_current_ = true;
    return host_;
  }

  const OptimizerState& optimizer_state() const override {
    guarded(options_, [&] { host_state_ = {steps_, to_host(first_), to_host(second_)}; });
    return host_state_;
  }

  void restore(OptimizerState state) override {
    guarded(options_, [&] {
      const at::NoGradGuard no_gradient;
      steps_ = state.steps;
      fill(first_, state.first);
      fill(second_, state.second);
    });
  }

 private:
  void forget_pass() {
    outputs_.clear();
    for (auto& gradient : gradients_) gradient = Tensor();
    is_told_ = false;
  }

  Parameters to_host(const std::vector<Tensor>& tensors) const {
    Parameters values(tensors.size());
    for (std::size_t i = 0; i < tensors.size(); ++i)
      if (tensors[i].defined()) values[i] = computed_.to_host(static_cast<int>(i), tensors[i]);
    return values;
  }

  void fill(std::vector<Tensor>& tensors, const Parameters& values) const {
    for (std::size_t i = 0; i < tensors.size(); ++i)
      if (tensors[i].defined())
        tensors[i].copy_(computed_.to_device(static_cast<int>(i), values[i]));
  }

  Tensor gradient_of(const FeatureMaps& gradients, std::size_t output) const {
    const auto found = gradients.find(network_.outputs[output].name);
    if (found == gradients.end()) return at::zeros_like(outputs_[output]);
    const auto& map = found->second;
    return at::from_blob(const_cast<float*>(map.values.data()),
                         {map.count, map.height, map.width, map.channels}, at::kFloat)
        .to(device_)
        .permute({0, 3, 1, 2});
  }

  void compute_gradients(const FeatureMaps& output_gradients) {
    std::vector<Tensor> outputs, seeds, inputs;
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      if (!outputs_[i].requires_grad()) continue;
      outputs.push_back(outputs_[i]);
      seeds.push_back(gradient_of(output_gradients, i));
    }
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < trained_.size(); ++i) {
      if (!trained_[i]) continue;
      places.push_back(i);
      inputs.push_back(computed_.variables()[i]);
    }
    is_told_ = false;
    for (auto& gradient : gradients_) gradient = Tensor();
    if (outputs.empty() || inputs.empty()) return;
    const auto found = torch::autograd::grad(outputs, inputs, seeds, /*retain_graph=*/false,
                                             /*create_graph=*/false, /*allow_unused=*/true);
    for (std::size_t i = 0; i < places.size(); ++i) gradients_[places[i]] = found[i];
  }

  // After the whole pass, since autograd keeps its order to itself. The last layers first.
  void tell(const Trainer::GradientReady& ready) {
    for (auto i = gradients_.size(); i-- > 0;)
      if (gradients_[i].defined())
        host_gradients_[i] = computed_.to_host(static_cast<int>(i), gradients_[i]);
    is_told_ = true;
    for (auto i = gradients_.size(); i-- > 0;)
      if (gradients_[i].defined()) ready(static_cast<int>(i), host_gradients_[i]);
  }

  // Who was told of gradients may have changed them.
  void take_told_gradients() {
    if (!is_told_) return;
    for (std::size_t i = 0; i < gradients_.size(); ++i)
      if (gradients_[i].defined())
        gradients_[i] = computed_.to_device(static_cast<int>(i), host_gradients_[i]);
  }

  void update(float learning_rate, std::span<const float> factors) {
    const auto t = static_cast<double>(++steps_);
    const auto& o = optimizer_;
    const bool adam = o.kind == OptimizerKind::adam;
    const double correction =
        adam ? std::sqrt(1 - std::pow(double(o.beta2), t)) / (1 - std::pow(double(o.beta1), t)) : 1;
    for (std::size_t i = 0; i < gradients_.size(); ++i) {
      const auto& gradient = gradients_[i];
      if (!trained_[i] || !gradient.defined()) continue;
      const double rate =
          double(learning_rate) * correction * (factors.empty() ? 1 : double(factors[i]));
      auto& values = computed_.variables()[i];
      if (adam) {
        first_[i].mul_(o.beta1).add_(gradient, 1 - o.beta1);
        second_[i].mul_(o.beta2).addcmul_(gradient, gradient, 1 - o.beta2);
        values.addcdiv_(first_[i], second_[i].sqrt().add_(o.epsilon), -rate);
      } else {
        first_[i].mul_(o.momentum).add_(gradient);
        values.add_(first_[i], -rate);
      }
    }
  }

  void move_statistics() {
    for (const auto& batch : computed_.statistics()) {
      const double share = 1 - batch.layer->decay;
      auto& variables = computed_.variables();
      if (batch.layer->mean >= 0) variables[batch.layer->mean].lerp_(batch.mean, share);
      if (batch.layer->variance >= 0) variables[batch.layer->variance].lerp_(batch.variance, share);
    }
  }

  const Network& network_;
  const OptimizerOptions optimizer_;
  const at::Device device_;
  const EngineOptions options_;
  TorchNetwork computed_;
  mutable Parameters host_;  // the variables as they were when somebody last asked
  mutable bool is_host_current_ = true;
  std::vector<bool> trained_;

  std::int64_t steps_ = 0;
  std::vector<Tensor> first_, second_;  // the optimizer's slots
  mutable OptimizerState host_state_;   // the same as somebody last asked for them

  std::vector<Tensor> outputs_;  // of the last forward pass
  FeatureMaps maps_;
  std::vector<Tensor> gradients_;  // of the last backward pass
  Parameters host_gradients_;      // the same where somebody was told of them
  bool is_told_ = false;
};

}  // namespace

std::unique_ptr<TrainerEngine> make_trainer(const Network& network, Parameters parameters,
                                            const OptimizerOptions& optimizer, at::Device device,
                                            const EngineOptions& options) {
  return std::make_unique<TorchTrainer>(network, std::move(parameters), optimizer, device, options);
}

}  // namespace poseheir::libtorch
