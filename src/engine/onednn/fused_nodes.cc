// Depthwise and 1x1 convolutions by our own kernels, which normalise what they read and leave the
// sums that the norms around them need: each activation is written once and read once forward,
// and twice backward, where its gradient is written and read once.
#include <fmt/format.h>

#include "engine/onednn/convolution.h"
#include "engine/onednn/fusion.h"
#include "engine/onednn/nodes.h"
#include "poseheir/error.h"

namespace poseheir::onednn {
namespace {

kernels::DepthwiseShape depthwise_shape(const Context& context, const Op& op) {
  const auto& layer = context.layer(op);
  const auto &in = context.values[op.inputs[0]], &out = context.values[op.output];
  if (layer.dilation != 1 || layer.bias >= 0 || context.block != 0 || layer.stride > 2 ||
      (layer.kernel != 3 && layer.kernel != 5))
    throw Error(
        ErrorKind::unsupported,
        fmt::format("'{}': depthwise convolution other than 3x3 or 5x5 of stride 1 or 2 without "
                    "dilation and bias",
                    layer.name));
  return kernel_shape(layer, context.request.images, in, out);
}

// What the two have in common: their operands, and what their backward pass gives.
class FusedNode : public Node {
 public:
  void list(std::vector<std::string>& implementations) const override {
    implementations.push_back(layer_.name + ", own");
  }

  void backward() override {
    if (!has_backward_) return;
    gradient_.run(context_);
    run_backward(gradient_.operand(context_, out_), operand_of(context_, in_),
                 {context_.address(result_.buffer), context_.outgrows_caches(in_.desc.get_size()),
                  context_.floats_at(result_.sums.buffer),
                  trains_ ? context_.gradients[layer_.weights].data() : nullptr,
                  context_.floats_at(workspace_)});
  }

 protected:
  FusedNode(Context& context, int op)
      : context_(context),
        op_(context.graph.ops[op]),
        layer_(context.layer(op_)),
        in_(context.values[op_.inputs[0]]),
        out_(context.values[op_.output]) {
    context.plan.use(in_.buffer, op);
    out_.buffer = context.plan.add(out_.desc.get_size(), op);
    out_.needs_gradient = in_.needs_gradient || context.is_trained(layer_.weights);
  }

  // `pieces` leave sums each; the gradient of the weights needs `floats` to work.
  void plan_backward_of(long pieces, std::size_t weights, std::size_t floats, int time) {
    if (!out_.needs_gradient || out_.gradients.empty()) return;
    has_backward_ = true;
    gradient_ = plan_fused_gradient(context_, op_.output, time);
    trains_ = context_.is_trained(layer_.weights);
    if (trains_) {
      context_.gradients[layer_.weights].resize(weights);
      workspace_ = context_.floats(floats, time);
      context_.plan.use(in_.buffer, time);
    }
    if (in_.needs_gradient) result_ = plan_operand_gradient(context_, in_, pieces, time);
  }

  kernels::Result result() const {
    return {context_.address(out_.buffer), context_.floats_at(out_.moments.buffer),
            context_.outgrows_caches(out_.desc.get_size())};
  }
  virtual void run_backward(const kernels::GradientOperand& out, const kernels::Operand& in,
                            const kernels::FusedGradients& gradients) = 0;

  Context& context_;
  const Op& op_;
  const Layer& layer_;
  Value &in_, &out_;
  bool has_backward_ = false;

 private:
  FusedGradient gradient_;
  Gradient result_;
  BufferId workspace_ = kNoBuffer;
  bool trains_ = false;
};

class DepthwiseNode final : public FusedNode {
 public:
  DepthwiseNode(Context& context, int op)
      : FusedNode(context, op), shape_(depthwise_shape(context, op_)) {
    plan_moments(context, op,
                 kernels::strips_of(shape_.images, shape_.out_height, shape_.out_width));
  }

  void plan_backward(int time) override {
    const long strips = kernels::strips_of(shape_.images, shape_.height, shape_.width);
    const auto weights = std::size_t(shape_.kernel) * shape_.kernel * shape_.channels;
    plan_backward_of(strips, weights, std::size_t(strips) * weights, time);
  }
  void pack(const Parameters& parameters) override { weights_ = parameters[layer_.weights].data(); }
  void forward() override {
    context_.kernels.depthwise(operand_of(context_, in_), weights_, shape_, result());
  }

 private:
  void run_backward(const kernels::GradientOperand& out, const kernels::Operand& in,
                    const kernels::FusedGradients& gradients) override {
    context_.kernels.depthwise_backward(out, in, weights_, shape_, gradients);
  }

  const kernels::DepthwiseShape shape_;
  const float* weights_ = nullptr;
};

// Weights that change are packed just before the product that reads them: they are still in the
// cache then, and all layers share the room.
class PointwiseNode final : public FusedNode {
 public:
  PointwiseNode(Context& context, int op)
      : FusedNode(context, op),
        shape_(kernels::pointwise_shape(long(context.request.images) * in_.view.pixels,
                                        in_.channels, out_.channels, context.kernels.tile_values)),
        changes_(context.is_trained(layer_.weights)),
        forward_(room(op)) {
    plan_moments(context, op, shape_.parts);
  }

  void plan_backward(int time) override {
    plan_backward_of(shape_.parts, weights(), kernels::workspace_floats(shape_), time);
    if (has_backward_ && in_.needs_gradient) backward_ = room(time);
  }

  void pack(const Parameters& parameters) override {
    weights_ = parameters[layer_.weights].data();
    if (!changes_) pack_into(address(forward_), address(backward_));
  }

  void forward() override {
    float* packed = address(forward_);
    if (changes_) pack_into(packed, nullptr);
    context_.kernels.pointwise(operand_of(context_, in_), packed, shape_, result());
  }

 private:
  struct Packed {
    std::vector<float> own;
    BufferId shared = kNoBuffer;
  };

  std::size_t weights() const { return std::size_t(shape_.inputs) * shape_.outputs; }
  Packed room(int time) {
    if (changes_) return {{}, context_.floats(weights(), time)};
    return {std::vector<float>(weights()), kNoBuffer};
  }
  float* address(Packed& packed) {
    if (packed.shared != kNoBuffer) return context_.floats_at(packed.shared);
    return packed.own.empty() ? nullptr : packed.own.data();
  }
  void pack_into(float* packed, float* transposed) {
    context_.kernels.pack_pointwise(weights_, shape_.inputs, shape_.outputs, packed, transposed);
  }

  void run_backward(const kernels::GradientOperand& out, const kernels::Operand& in,
                    const kernels::FusedGradients& gradients) override {
    float* transposed = address(backward_);
    if (changes_ && transposed != nullptr) pack_into(nullptr, transposed);
    context_.kernels.pointwise_backward(out, in, transposed, shape_, gradients);
  }

  const kernels::PointwiseShape shape_;
  const bool changes_;
  Packed forward_, backward_;
  const float* weights_ = nullptr;
};

}  // namespace

std::unique_ptr<Node> make_depthwise(Context& context, int op) {
  return std::make_unique<DepthwiseNode>(context, op);
}
std::unique_ptr<Node> make_pointwise(Context& context, int op) {
  return std::make_unique<PointwiseNode>(context, op);
}

}  // namespace poseheir::onednn
