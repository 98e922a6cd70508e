// Batch norm with fixed statistics, folded into the convolution before it, and its gradients.
//
// With s = gamma / sqrt(variance + epsilon) the folded weights are w s and the folded bias is
// beta - mean s. Backward, the folded weights' gradient G and the folded bias's gradient b give
//   dL/dw = G s,  dL/dbeta = b,  dL/dgamma = (sum G w - mean b) / sqrt(variance + epsilon),
// so batch norm costs no pass over activations in either direction.
#pragma once

#include "engine/onednn/context.h"

namespace poseheir::onednn {

class FoldedNorm {
 public:
  // Of a layer whose weights are a matrix of `rows`, a column for each output; `norm` may be null.
  FoldedNorm(Context& context, const Layer& layer, const Layer* norm, std::size_t rows);

  bool has_bias() const { return norm_ != nullptr || layer_.bias >= 0; }
  bool trains_weights() const { return trains_; }
  bool trains_bias() const { return trains_bias_; }
  void plan_gradients();

  // Writes the bias, and the weights to `folded`; without a norm the weights stay where they are.
  const float* pack(const Parameters& parameters, float* bias, float* folded);
  // From the folded bias's gradient, and that of the folded weights in gradients[weights].
  void unfold(const float* bias_gradient);

 private:
  Context& context_;
  const Layer& layer_;
  const Layer* norm_;
  std::size_t rows_;
  int outputs_;
  std::vector<float> scale_, inverse_, sums_, workspace_;
  const float *weights_ = nullptr, *mean_ = nullptr;
  bool trains_ = false, trains_bias_ = false;
};

}  // namespace poseheir::onednn
