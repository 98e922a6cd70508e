#include "engine/onednn/folded_norm.h"

#include <cmath>

namespace poseheir::onednn {

FoldedNorm::FoldedNorm(Context& context, const Layer& layer, const Layer* norm, std::size_t rows)
    : context_(context), layer_(layer), norm_(norm), rows_(rows), outputs_(layer.channels) {
  trains_ = context.is_trained(layer.weights);
  trains_bias_ = context.is_trained(layer.bias);
  if (norm == nullptr) return;
  scale_.resize(outputs_);
  inverse_.resize(outputs_);
  trains_ |= context.is_trained(norm->gamma);
  trains_bias_ = trains_ || context.is_trained(norm->beta);
}

void FoldedNorm::plan_gradients() {
  const auto gradient_of = [&](int variable, std::size_t count) {
    if (variable >= 0) context_.gradients[variable].resize(count);
  };
  if (trains_) {
    gradient_of(layer_.weights, rows_ * outputs_);
    sums_.resize(outputs_);
    workspace_.resize(kernels::kFoldPieces * outputs_);
  }
  if (trains_bias_ && norm_ == nullptr) gradient_of(layer_.bias, outputs_);
  if (trains_bias_ && norm_ != nullptr) {
    gradient_of(norm_->gamma, outputs_);
    gradient_of(norm_->beta, outputs_);
  }
}

const float* FoldedNorm::pack(const Parameters& parameters, float* bias, float* folded) {
  weights_ = parameters[layer_.weights].data();
  if (norm_ == nullptr) {
    if (layer_.bias >= 0) std::copy_n(parameters[layer_.bias].data(), outputs_, bias);
    return weights_;
  }
  mean_ = parameters[norm_->mean].data();
  const auto& variance = parameters[norm_->variance];
  for (int o = 0; o < outputs_; ++o) {
    inverse_[o] = 1.0F / std::sqrt(variance[o] + norm_->epsilon);
    scale_[o] = inverse_[o] * (norm_->gamma >= 0 ? parameters[norm_->gamma][o] : 1.0F);
    const float own = layer_.bias >= 0 ? parameters[layer_.bias][o] : 0.0F;
    bias[o] = (norm_->beta >= 0 ? parameters[norm_->beta][o] : 0.0F) + (own - mean_[o]) * scale_[o];
  }
  context_.vectors.fold(weights_, scale_.data(), rows_, outputs_, folded);
  return folded;
}

void FoldedNorm::unfold(const float* bias_gradient) {
  if (!trains_bias_) return;
  if (norm_ == nullptr) {
    std::copy_n(bias_gradient, outputs_, context_.gradients[layer_.bias].data());
    return;
  }
  if (norm_->beta >= 0)
    std::copy_n(bias_gradient, outputs_, context_.gradients[norm_->beta].data());
  if (!trains_) return;
  context_.vectors.unfold(context_.gradients[layer_.weights].data(), weights_, scale_.data(), rows_,
                          outputs_, workspace_.data(), sums_.data());
  if (norm_->gamma < 0) return;
  for (int o = 0; o < outputs_; ++o)
    context_.gradients[norm_->gamma][o] = (sums_[o] - mean_[o] * bias_gradient[o]) * inverse_[o];
}

}  // namespace poseheir::onednn
