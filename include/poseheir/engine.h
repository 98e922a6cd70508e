// The engine: runs a network forward and backward on a device. It knows arithmetic, not animals.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "poseheir/network.h"

namespace poseheir {

enum class Precision { fp32, bf16 };

// What computes. Both run the same networks; libtorch's is a module that not every build has.
enum class EngineKind { onednn, torch };

struct EngineOptions {
  int threads = 0;  // 0: all that the process may use
  Precision precision = Precision::fp32;
  EngineKind engine = EngineKind::onednn;
  std::string device = "auto";  // cpu, cuda or cuda:N; auto: a GPU where the engine can take one
};

// The threads that these options mean.
int thread_count(const EngineOptions& options);

// What computes by these options: "onednn", "torch on cpu", "torch on cuda". Throws Error(usage or
// unsupported) that says how to get it where this build or this machine does not have it.
std::string engine_text(const EngineOptions& options);

// Images of one size, uint8 RGB, row-major [count, height, width, 3]. Does not own its pixels.
struct ImageBatch {
  int count = 0, height = 0, width = 0;
  std::span<const std::uint8_t> pixels;
};

// One output of a network, float32 row-major [count, height, width, channels].
struct FeatureMap {
  int count = 0, height = 0, width = 0, channels = 0;
  std::vector<float> values;
};

using FeatureMaps = std::map<std::string, FeatureMap>;  // by NetworkOutput::name

// The values of every variable, in the order of Network::variables and TensorFlow's layouts.
using Parameters = std::vector<std::vector<float>>;

Parameters initial_parameters(const Network& network, std::uint64_t seed);

// Copies what `source` holds for the network's variables; throws Error(mismatch) for an absent name
// or another shape, naming both shapes.
Parameters load_parameters(const Network& network, const Checkpoint& source);
// A tensor for writing, whose values stay where they are and must outlive it.
StoredTensor tensor_view(const TensorInfo& info, const std::vector<float>& values);
std::vector<StoredTensor> stored_parameters(const Network& network, const Parameters& parameters);
std::vector<StoredTensor> stored_parameters(const Network& network, Parameters&&) = delete;

// Seconds that one operation took in the last pass in each direction.
struct OperationTime {
  std::string layer, kind;
  double forward = 0, backward = 0;
};

// Forward only: batch norm folded where it has fixed statistics, everything planned once a size.
class Predictor {
 public:
  Predictor(const Network& network, const Parameters& parameters, const EngineOptions& options);
  ~Predictor();
  Predictor(Predictor&&) noexcept;

  FeatureMaps run(const ImageBatch& images);
  // Output of one layer as well (tests, explanations): its index in Network::layers.
  FeatureMap run_to_layer(const ImageBatch& images, int layer);

  // "layer name, implementation" of each primitive of the last size, and the time each operation
  // took; of libtorch, which does not tell, nothing.
  std::vector<std::string> implementations() const;
  std::vector<OperationTime> times() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

enum class OptimizerKind { sgd_momentum, adam };

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::sgd_momentum;
  float momentum = 0.9F;
  float beta1 = 0.9F, beta2 = 0.999F, epsilon = 1e-8F;  // Adam in TensorFlow's form
};

// Everything needed to go on exactly: the optimizer's slots beside the parameters.
struct OptimizerState {
  std::int64_t steps = 0;
  Parameters first, second;  // momentum or m; v (Adam only)
};

class Trainer {
 public:
  Trainer(const Network& network, Parameters parameters, const OptimizerOptions& optimizer,
          const EngineOptions& options);
  ~Trainer();
  Trainer(Trainer&&) noexcept;

  // Variables whose gradient is computed and applied; all trainable ones until told otherwise.
  void set_trained(const std::vector<bool>& by_variable);

  // Where the batch is one part of a larger one, computed by several trainers: adds up values over
  // all of them, so that batch statistics are those of the whole.
  using SumOverParts = std::function<void(std::span<double>)>;
  void set_sum_over_parts(const SumOverParts& sum);

  // Bytes of this machine's memory that a batch of this size needs beside the parameters, planned
  // without touching them; estimated where the engine is libtorch.
  std::size_t bytes_for(int count, int height, int width);

  // Forward pass that keeps what backward needs. Batch statistics are those of this batch.
  const FeatureMaps& forward(const ImageBatch& images);
  // d loss / d output for each output that takes part; same shapes as forward returned.
  void backward(const FeatureMaps& output_gradients);
  // The same, telling of each trained variable's gradient as soon as it is complete, in an order
  // that depends on the network alone. Until step() it may be changed, or swapped for another.
  using GradientReady = std::function<void(int variable, std::vector<float>& gradient)>;
  void backward(const FeatureMaps& output_gradients, const GradientReady& ready);
  // One update with the gradients of the last backward; moving statistics move as in TensorFlow.
  void step(float learning_rate);
  // The same, with a factor on the rate for each variable (empty: all ones).
  void step(float learning_rate, std::span<const float> rate_factors);

  std::vector<float> gradient(int variable) const;  // of the last backward; empty if it has none
  const Parameters& parameters() const;
  const OptimizerState& optimizer_state() const;
  void restore(OptimizerState state);
  std::vector<std::string> implementations() const;
  std::vector<OperationTime> times() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace poseheir
