// A network's operations in libtorch, on one device: what predicting and training share.
#pragma once

#include <ATen/ATen.h>
#include <map>
#include <optional>
#include <vector>

#include "engine/graph.h"
#include "poseheir/engine.h"

namespace poseheir::libtorch {

using at::Tensor;

// Kernels are folded once and kept where the variables do not change.
enum class Use { prediction, training };

// The statistics of the last batch, as a batch norm's moving statistics take them up.
struct BatchStatistics {
  const Layer* layer = nullptr;
  Tensor mean, variance;
};

class TorchNetwork {
 public:
  // `network` must outlive it.
  TorchNetwork(const Network& network, const Parameters& parameters, at::Device device,
               Precision precision, Use use);

  // The outputs in the network's order: fp32, [count, channels, height, width].
  std::vector<Tensor> forward(const ImageBatch& images);
  void set_sum_over_parts(const Trainer::SumOverParts& sum) { sum_over_parts_ = sum; }
  const std::vector<BatchStatistics>& statistics() const { return statistics_; }

  // By variable: fp32, in libtorch's layouts.
  std::vector<Tensor>& variables() { return variables_; }
  const std::vector<Tensor>& variables() const { return variables_; }
  Tensor to_device(int variable, const std::vector<float>& values) const;
  std::vector<float> to_host(int variable, const Tensor& values) const;

  // Bytes of the values that a forward pass keeps for the backward pass, and of the largest.
  struct Bytes {
    std::size_t kept = 0, largest = 0;
  };
  Bytes bytes_for(int count, MapSize image) const;

 private:
  // A convolution's kernel and bias with the batch norm that follows in them, as it is applied.
  struct Kernel {
    Tensor weights, bias;
  };

  Tensor compute(const Op& op, const ImageBatch& images);
  Tensor image(const Op& op, const ImageBatch& images) const;
  Tensor convolution(const Op& op);
  Tensor transposed(const Layer& layer, const Tensor& input, at::ScalarType type) const;
  Tensor batch_norm(const Op& op);
  Tensor max_pool(const Op& op);
  Tensor resize(const Op& op);
  Tensor finish(const Op& op, Tensor value, bool is_own) const;

  Kernel fold(const Op& op) const;
  Kernel kernel_of(const Op& op);
  Tensor interpolation(int in, int out, ResizeRule rule);
  const Layer& layer_of(const Op& op) const { return network_.layers[op.layer]; }
  const Tensor& input(const Op& op, std::size_t i = 0) const { return values_[op.inputs[i]]; }
  Tensor variable(int index) const { return index < 0 ? Tensor() : variables_[index]; }

  const Network& network_;
  const Graph graph_;
  const at::Device device_;
  const at::ScalarType type_;  // of activations
  const Use use_;
  std::vector<std::vector<std::int64_t>> orders_;  // by variable: TensorFlow's axes as libtorch's
  std::vector<Tensor> variables_;
  Trainer::SumOverParts sum_over_parts_;

  std::vector<MapSize> sizes_;  // by value, of the pass
  std::vector<Tensor> values_;
  std::vector<BatchStatistics> statistics_;
  std::map<int, Kernel> kernels_;  // by layer
  std::map<std::tuple<int, int, ResizeRule>, Tensor> interpolations_;
};

// Copies to fp32 row-major [count, height, width, channels].
void copy_map(const Tensor& output, FeatureMap& map);

}  // namespace poseheir::libtorch
