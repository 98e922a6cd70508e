// A depthwise convolution with what was folded into it: batch norm with fixed statistics, swish.
#include <fmt/format.h>

#include "engine/onednn/convolution.h"
#include "engine/onednn/folded_norm.h"
#include "engine/onednn/nodes.h"
#include "poseheir/error.h"

namespace poseheir::onednn {
namespace {

kernels::DepthwiseShape depthwise_shape(const Context& context, const Layer& layer, const Value& in,
                                        const Value& out) {
  if (layer.dilation != 1 || context.block != 0 || (layer.kernel != 3 && layer.kernel != 5) ||
      (layer.stride != 1 && layer.stride != 2))
    throw Error(ErrorKind::unsupported,
                fmt::format("'{}': depthwise convolution with fixed statistics other than 3x3 or "
                            "5x5 of stride 1 or 2",
                            layer.name));
  return kernel_shape(layer, context.request.images, in, out);
}

class FixedDepthwiseNode final : public Node {
 public:
  FixedDepthwiseNode(Context& context, int op)
      : context_(context),
        op_(context.graph.ops[op]),
        layer_(context.layer(op_)),
        in_(context.values[op_.inputs[0]]),
        out_(context.values[op_.output]),
        shape_(depthwise_shape(context, layer_, in_, out_)),
        norm_(context, layer_, norm_of(context, op_), taps()),
        bias_(layer_.channels),
        folded_(taps() * layer_.channels) {
    out_.needs_gradient = norm_.trains_weights() || norm_.trains_bias() || in_.needs_gradient;
    context.plan.use(in_.buffer, op);
    out_.buffer = context.plan.add(out_.desc.get_size(), op);
    if (out_.needs_gradient && curve_of(op_) != kernels::Curve::none)
      z_ = context.plan.add(out_.desc.get_size(), op);
  }

  void plan_backward(int time) override {
    if (!out_.needs_gradient || out_.gradients.empty()) return;
    has_backward_ = true;
    if (norm_.trains_bias()) bias_gradient_ = context_.floats(layer_.channels, time);
    merge_ = plan_merge(context_, op_.output, kernels::Clamp::none, bias_gradient_, time,
                        curve_of(op_), z_);
    norm_.plan_gradients();
    if (norm_.trains_weights()) {
      workspace_ = context_.floats(kernels::workspace_floats(shape_), time);
      context_.plan.use(in_.buffer, time);
    }
    if (!in_.needs_gradient) return;
    dx_ = context_.plan.add(in_.desc.get_size(), time);
    in_.gradients.push_back({dx_, true});
  }

  void pack(const Parameters& parameters) override {
    weights_ = norm_.pack(parameters, bias_.data(), folded_.data());
  }

  void forward() override {
    context_.gates.depthwise(context_.address(in_.buffer), weights_, bias_.data(), shape_,
                             curve_of(op_), context_.address(z_), context_.address(out_.buffer));
  }

  void backward() override {
    if (!has_backward_) return;
    merge_.run(context_);
    const void* dz = context_.address(merge_.out);
    if (dx_ != kNoBuffer)
      context_.gates.depthwise_data(dz, weights_, shape_, context_.address(dx_));
    if (norm_.trains_weights())
      context_.gates.depthwise_weights(context_.address(in_.buffer), dz, shape_,
                                       context_.floats_at(workspace_),
                                       context_.gradients[layer_.weights].data());
    norm_.unfold(context_.floats_at(bias_gradient_));
  }

  void list(std::vector<std::string>& implementations) const override {
    implementations.push_back(layer_.name + ", own");
  }

 private:
  std::size_t taps() const { return std::size_t(layer_.kernel) * layer_.kernel; }

  Context& context_;
  const Op& op_;
  const Layer& layer_;
  Value &in_, &out_;
  kernels::DepthwiseShape shape_;
  FoldedNorm norm_;
  std::vector<float> bias_, folded_;
  const float* weights_ = nullptr;
  BufferId z_ = kNoBuffer, bias_gradient_ = kNoBuffer, workspace_ = kNoBuffer, dx_ = kNoBuffer;
  Merge merge_;
  bool has_backward_ = false;
};

}  // namespace

std::unique_ptr<Node> make_fixed_depthwise(Context& context, int op) {
  return std::make_unique<FixedDepthwiseNode>(context, op);
}

}  // namespace poseheir::onednn
