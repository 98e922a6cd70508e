// What an engine implements. Predictor and Trainer check what they are given and hand it on.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "poseheir/engine.h"

namespace poseheir {

// Its methods mean what Predictor's do.
class PredictorEngine {
 public:
  virtual ~PredictorEngine() = default;

  virtual FeatureMaps run(const ImageBatch& images) = 0;
  virtual FeatureMap run_to_layer(const ImageBatch& images, int layer) = 0;
  virtual std::vector<std::string> implementations() const { return {}; }
  virtual std::vector<OperationTime> times() const { return {}; }
};

// Its methods mean what Trainer's do.
class TrainerEngine {
 public:
  virtual ~TrainerEngine() = default;

  virtual void set_trained(const std::vector<bool>& by_variable) = 0;  // trainable ones alone
  virtual void set_sum_over_parts(const Trainer::SumOverParts& sum) = 0;
  virtual std::size_t bytes_for(int count, int height, int width) = 0;
  virtual const FeatureMaps& forward(const ImageBatch& images) = 0;
  virtual void backward(const FeatureMaps& output_gradients,
                        const Trainer::GradientReady& ready) = 0;
  virtual void step(float learning_rate, std::span<const float> rate_factors) = 0;
  virtual std::vector<float> gradient(int variable) const = 0;
  virtual const Parameters& parameters() const = 0;
  virtual const OptimizerState& optimizer_state() const = 0;
  virtual void restore(OptimizerState state) = 0;  // of this network and optimizer
  virtual std::vector<std::string> implementations() const { return {}; }
  virtual std::vector<OperationTime> times() const { return {}; }
};

// The network outlives what is made for it.
class Engine {
 public:
  virtual ~Engine() = default;

  virtual std::string about() const = 0;  // "libtorch 1.13.1, no GPU"
  // "cpu" or "cuda". Throws Error(usage or unsupported) where `device` of the options is none that
  // this engine can compute on.
  virtual std::string device_of(const EngineOptions& options) const = 0;
  virtual std::unique_ptr<PredictorEngine> predictor(const Network& network,
                                                     const Parameters& parameters,
                                                     const EngineOptions& options) = 0;
  virtual std::unique_ptr<TrainerEngine> trainer(const Network& network, Parameters parameters,
                                                 const OptimizerOptions& optimizer,
                                                 const EngineOptions& options) = 0;
};

Engine& onednn_engine();
// Opened with its first use; null where this build has none.
Engine* torch_engine();
// The engine of these options; throws Error(unsupported) where this build lacks it.
Engine& engine_of(const EngineOptions& options);

// The options as an engine gets them: with the number of threads that they mean.
EngineOptions with_threads(EngineOptions options);

// Throw Error(usage or mismatch) for what no engine can take.
void check_images(const ImageBatch& images);
void check_parameters(const Network& network, const Parameters& parameters);

}  // namespace poseheir
