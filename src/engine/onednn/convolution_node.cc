// A convolution with what was folded into it: batch norm with fixed statistics, bias, residual,
// activation.
//
// With s = gamma / sqrt(variance + epsilon) the folded weights are w s and the folded bias is
// beta - mean s. Backward, the folded weights' gradient G and the folded bias's gradient b give
//   dL/dw = G s,  dL/dbeta = b,  dL/dgamma = (sum G w - mean b) / sqrt(variance + epsilon),
// so batch norm costs no pass over activations in either direction.
#include <cmath>

#include "engine/onednn/convolution.h"
#include "engine/onednn/nodes.h"

namespace poseheir::onednn {
namespace {

class ConvolutionNode final : public Node {
 public:
  ConvolutionNode(Context& context, int op)
      : context_(context),
        op_(context.graph.ops[op]),
        layer_(context.layer(op_)),
        norm_(op_.fixed_norm >= 0 ? &context.network.layers[op_.fixed_norm] : nullptr),
        in_(context.values[op_.inputs[0]]),
        out_(context.values[op_.output]),
        outputs_(layer_.channels),
        rows_(std::size_t(layer_.kernel) * layer_.kernel * in_.channels),
        plain_({layer_.channels, in_.channels, layer_.kernel, layer_.kernel}, Type::f32, Tag::hwio),
        passes_(context, layer_.name,
                shape_of(layer_, context.request.images, in_.channels, in_.size, out_.size)) {
    ConvolutionPasses::PostOps post;
    post.clamp = clamp_of(op_);
    if (norm_ != nullptr || layer_.bias >= 0) post.bias = bias_ = context.lasting_floats(outputs_);
    if (norm_ != nullptr) {
      folded_ = context.shared_scratch(4 * rows_ * outputs_);
      scale_.resize(outputs_);
      inverse_.resize(outputs_);
    }
    // Scores and fields come unrounded.
    if (context.graph.is_output[op_.output] && context.graph.last_use[op_.output] < 0 &&
        !op_.activated)
      out_.desc = context.desc_of(out_.channels, out_.size, Type::f32);
    if (op_.residual >= 0) add_residual(op, post);
    if (out_.buffer == kNoBuffer) out_.buffer = context.plan.add(out_.desc.get_size(), op);
    context.plan.use(out_.buffer, op);
    passes_.plan_forward({in_.desc, in_.buffer}, {out_.desc, out_.buffer}, post, op);
    trains_ = context.is_trained(layer_.weights);
    trains_bias_ = context.is_trained(layer_.bias);
    if (norm_ != nullptr) {
      trains_ |= context.is_trained(norm_->gamma);
      trains_bias_ = trains_ || context.is_trained(norm_->beta);
    }
    out_.needs_gradient = trains_ || trains_bias_ || in_.needs_gradient ||
                          (op_.residual >= 0 && context.values[op_.residual].needs_gradient);
  }

  void plan_backward(int time) override {
    if (!out_.needs_gradient || out_.gradients.empty()) return;
    has_backward_ = true;
    if (trains_bias_) bias_gradient_ = context_.floats(out_.view.channels(), time);
    merge_ = plan_merge(context_, op_.output, clamp_of(op_), bias_gradient_, time);
    const ConvolutionPasses::Place dz{context_.desc_of(out_.channels, out_.size, context_.type),
                                      merge_.out};
    if (trains_) {
      passes_.plan_backward_weights({in_.desc, in_.buffer}, dz, plain_, time);
      gradient_of(layer_.weights, rows_ * outputs_);
      sums_.resize(outputs_);
      workspace_.resize(kernels::kFoldPieces * outputs_);
    }
    if (trains_bias_ && norm_ == nullptr) gradient_of(layer_.bias, outputs_);
    if (norm_ != nullptr && trains_bias_) {
      gradient_of(norm_->gamma, outputs_);
      gradient_of(norm_->beta, outputs_);
    }
    if (in_.needs_gradient) {
      const auto dx = context_.plan.add(in_.desc.get_size(), time);
      passes_.plan_backward_data({in_.desc, dx}, dz, time);
      in_.gradients.push_back({dx, true});
    }
    if (op_.residual >= 0 && context_.values[op_.residual].needs_gradient)
      context_.values[op_.residual].gradients.push_back({merge_.out, merge_.writable});
  }

  void pack(const Parameters& parameters) override {
    weights_ = parameters[layer_.weights].data();
    float* bias = context_.floats_at(bias_);
    if (norm_ == nullptr) {
      passes_.pack(plain_, weights_);
      if (layer_.bias >= 0) std::copy_n(parameters[layer_.bias].data(), outputs_, bias);
      return;
    }
    mean_ = parameters[norm_->mean].data();
    const auto& variance = parameters[norm_->variance];
    for (int o = 0; o < outputs_; ++o) {
      inverse_[o] = 1.0F / std::sqrt(variance[o] + norm_->epsilon);
      scale_[o] = inverse_[o] * (norm_->gamma >= 0 ? parameters[norm_->gamma][o] : 1.0F);
      const float own = layer_.bias >= 0 ? parameters[layer_.bias][o] : 0.0F;
      bias[o] =
          (norm_->beta >= 0 ? parameters[norm_->beta][o] : 0.0F) + (own - mean_[o]) * scale_[o];
    }
    float* folded = context_.floats_at(folded_);
    context_.vectors.fold(weights_, scale_.data(), rows_, outputs_, folded);
    passes_.pack(plain_, folded);
  }

  void forward() override { passes_.forward(); }

  void backward() override {
    if (!has_backward_) return;
    merge_.run(context_);
    if (in_.needs_gradient) passes_.backward_data();
    if (trains_) passes_.backward_weights(context_.gradients[layer_.weights].data());
    const float* bias_gradient = context_.floats_at(bias_gradient_);
    if (norm_ != nullptr && trains_bias_)
      unfold_gradients(bias_gradient);
    else if (trains_bias_)
      std::copy_n(bias_gradient, outputs_, context_.gradients[layer_.bias].data());
  }

  void list(std::vector<std::string>& implementations) const override {
    passes_.list(implementations);
  }

 private:
  void add_residual(int op, ConvolutionPasses::PostOps& post) {
    const auto& residual = context_.values[op_.residual];
    const bool dies = context_.graph.last_use[op_.residual] == op &&
                      !context_.graph.is_output[op_.residual] && op_.residual != op_.inputs[0];
    if (dies && !context_.training()) {
      out_.buffer = residual.buffer;
      post.sum_in_place = true;
    } else {
      post.addend = {residual.desc, residual.buffer};
    }
  }

  void gradient_of(int variable, std::size_t count) {
    if (variable >= 0) context_.gradients[variable].resize(count);
  }

  void unfold_gradients(const float* bias_gradient) {
    if (norm_->beta >= 0)
      std::copy_n(bias_gradient, outputs_, context_.gradients[norm_->beta].data());
    if (!trains_) return;
    context_.vectors.unfold(context_.gradients[layer_.weights].data(), weights_, scale_.data(),
                            rows_, outputs_, workspace_.data(), sums_.data());
    if (norm_->gamma < 0) return;
    for (int o = 0; o < outputs_; ++o)
      context_.gradients[norm_->gamma][o] = (sums_[o] - mean_[o] * bias_gradient[o]) * inverse_[o];
  }

  Context& context_;
  const Op& op_;
  const Layer& layer_;
  const Layer* norm_;
  Value &in_, &out_;
  int outputs_;
  std::size_t rows_;  // of the weights as a matrix with a column for each output
  Desc plain_;
  ConvolutionPasses passes_;
  BufferId bias_ = kNoBuffer, folded_ = kNoBuffer, bias_gradient_ = kNoBuffer;
  std::vector<float> scale_, inverse_, sums_, workspace_;
  const float *weights_ = nullptr, *mean_ = nullptr;
  Merge merge_;
  bool trains_ = false, trains_bias_ = false, has_backward_ = false;
};

}  // namespace

std::unique_ptr<Node> make_convolution(Context& context, int op) {
  return std::make_unique<ConvolutionNode>(context, op);
}

}  // namespace poseheir::onednn
