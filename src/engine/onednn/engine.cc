// The engine of our own on oneDNN: plans of the last few sizes, and an optimizer beside them.
#include <fmt/format.h>

#include "engine/engines.h"
#include "engine/onednn/about.h"
#include "engine/optimizer.h"
#include "engine/plan_cache.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

class OneDnnPredictor final : public PredictorEngine {
 public:
  // Two sizes: a video's frames, and what is left of the last batch.
  OneDnnPredictor(const Network& network, const Parameters& parameters,
                  const EngineOptions& options)
      : network_(network),
        parameters_(parameters),
        precision_(options.precision),
        plans_(network, options.precision, 2) {}

  FeatureMaps run(const ImageBatch& images) override {
    auto& plan = plans_.get(images, parameters_);
    last_ = &plan;
    return plan.forward(images.pixels.data());
  }

  FeatureMap run_to_layer(const ImageBatch& images, int layer) override {
    // The network's beginning is a network too, and nothing of it is fused beyond the layer.
    auto part = network_;
    part.layers.resize(static_cast<std::size_t>(layer) + 1);
    part.outputs = {{"layer", layer}};
    Plan plan(part, {images.count, {images.height, images.width}, precision_, {}});
    plan.pack(parameters_);
    return plan.forward(images.pixels.data()).at("layer");
  }

  std::vector<std::string> implementations() const override {
    return last_ == nullptr ? std::vector<std::string>{} : last_->implementations();
  }
  std::vector<OperationTime> times() const override {
    return last_ == nullptr ? std::vector<OperationTime>{} : last_->times();
  }

 private:
  const Network& network_;
  const Parameters parameters_;
  const Precision precision_;
  PlanCache plans_;
  const Plan* last_ = nullptr;
};

class OneDnnTrainer final : public TrainerEngine {
 public:
  // Training images come in many sizes; a plan is large.
  OneDnnTrainer(const Network& network, Parameters parameters, const OptimizerOptions& optimizer,
                const EngineOptions& options)
      : parameters_(std::move(parameters)),
        optimizer_(network, optimizer),
        plans_(network, options.precision, 3) {}

  void set_trained(const std::vector<bool>& by_variable) override {
    plan_ = nullptr;
    trained_ = by_variable;
    plans_.set_trained(trained_);
  }

  void set_sum_over_parts(const Trainer::SumOverParts& sum) override {
    plan_ = nullptr;
    plans_.set_sum_over_parts(sum);
  }

  std::size_t bytes_for(int count, int height, int width) override {
    plan_ = nullptr;
    return plans_.bytes_for(count, height, width);
  }

  const FeatureMaps& forward(const ImageBatch& images) override {
    plan_ = &plans_.get(images, parameters_);
    return plan_->forward(images.pixels.data());
  }

  void backward(const FeatureMaps& output_gradients, const Trainer::GradientReady& ready) override {
    plan_->backward(output_gradients, ready);
  }

  void step(float learning_rate, std::span<const float> rate_factors) override {
    optimizer_.step(parameters_, plan_->gradients(), trained_, learning_rate, rate_factors);
    plan_->move_statistics(parameters_);
    plans_.parameters_changed();
  }

  std::vector<float> gradient(int variable) const override {
    if (plan_ == nullptr || !trained_.at(variable)) return {};
    return plan_->gradients().at(variable);
  }

  const Parameters& parameters() const override { return parameters_; }
  const OptimizerState& optimizer_state() const override { return optimizer_.state(); }

  void restore(OptimizerState state) override { optimizer_.restore(std::move(state)); }

  std::vector<std::string> implementations() const override {
    return plan_ == nullptr ? std::vector<std::string>{} : plan_->implementations();
  }
  std::vector<OperationTime> times() const override {
    return plan_ == nullptr ? std::vector<OperationTime>{} : plan_->times();
  }

 private:
  Parameters parameters_;
  Optimizer optimizer_;
  PlanCache plans_;
  std::vector<bool> trained_;
  Plan* plan_ = nullptr;  // of the last forward
};

class OneDnnEngine final : public Engine {
 public:
  std::string about() const override { return onednn::version_text(); }

  std::string device_of(const EngineOptions& options) const override {
    if (options.device == "auto" || options.device == "cpu") return "cpu";
    throw Error(ErrorKind::usage,
                fmt::format("--device {}: the engine onednn computes on the processor alone; "
                            "--engine torch takes a GPU",
                            options.device));
  }

  std::unique_ptr<PredictorEngine> predictor(const Network& network, const Parameters& parameters,
                                             const EngineOptions& options) override {
    device_of(options);
    return std::make_unique<OneDnnPredictor>(network, parameters, options);
  }

  std::unique_ptr<TrainerEngine> trainer(const Network& network, Parameters parameters,
                                         const OptimizerOptions& optimizer,
                                         const EngineOptions& options) override {
    device_of(options);
    return std::make_unique<OneDnnTrainer>(network, std::move(parameters), optimizer, options);
  }
};

}  // namespace

Engine& onednn_engine() {
  static OneDnnEngine engine;
  return engine;
}

}  // namespace poseheir
