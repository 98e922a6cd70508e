// A transposed convolution whose result is read on. It is what a convolution 3x3 of stride 2 does
// backward: its kernel [3, 3, out, in] is that convolution's HWIO, and its own backward pass is
// that convolution's forward pass.
#include "engine/onednn/convolution.h"
#include "engine/onednn/nodes.h"

namespace poseheir::onednn {
namespace {

ConvolutionShape reversed(int images, const Value& in, const Value& out) {
  ConvolutionShape shape;
  shape.src = {images, out.channels, out.size.height, out.size.width};
  shape.weights = {in.channels, out.channels, 3, 3};
  shape.dst = {images, in.channels, in.size.height, in.size.width};
  shape.strides = {2, 2};
  shape.dilates = {0, 0};
  shape.padding_begin = {0, 0};
  shape.padding_end = {1, 1};
  return shape;
}

class UpsampleNode final : public Node {
 public:
  UpsampleNode(Context& context, int op)
      : context_(context),
        op_(context.graph.ops[op]),
        layer_(context.layer(op_)),
        in_(context.values[op_.inputs[0]]),
        out_(context.values[op_.output]),
        plain_({in_.channels, out_.channels, 3, 3}, Type::f32, Tag::hwio),
        passes_(context, layer_.name, reversed(context.request.images, in_, out_)),
        ones_(out_.view.channels(), 1.0F),
        bias_(out_.view.channels(), 0.0F) {
    out_.buffer = context.plan.add(out_.desc.get_size(), op);
    passes_.describe(out_.desc, in_.desc);
    passes_.plan_backward_data({out_.desc, out_.buffer}, {in_.desc, in_.buffer}, op);
    trains_ = context.is_trained(layer_.weights);
    out_.needs_gradient = trains_ || context.is_trained(layer_.bias) || in_.needs_gradient;
  }

  void plan_backward(int time) override {
    if (!out_.needs_gradient || out_.gradients.empty()) return;
    has_backward_ = true;
    if (context_.is_trained(layer_.bias)) {
      bias_gradient_ = context_.floats(out_.view.channels(), time);
      context_.gradients[layer_.bias].resize(out_.channels);
    }
    merge_ = plan_merge(context_, op_.output, clamp_of(op_), bias_gradient_, time);
    const ConvolutionPasses::Place dy{out_.desc, merge_.out};
    if (trains_) {
      context_.gradients[layer_.weights].resize(std::size_t(9) * in_.channels * out_.channels);
      passes_.plan_backward_weights(dy, {in_.desc, in_.buffer}, plain_, time);
    }
    if (!in_.needs_gradient) return;
    auto dx = writable_gradient(in_);
    const bool accumulates = dx != kNoBuffer;
    if (!accumulates) {
      dx = context_.plan.add(in_.desc.get_size(), time);
      in_.gradients.push_back({dx, true});
    }
    ConvolutionPasses::PostOps post;
    post.sum_in_place = accumulates;
    passes_.plan_forward(dy, {in_.desc, dx}, post, time);
  }

  void pack(const Parameters& parameters) override {
    passes_.pack(plain_, parameters[layer_.weights].data());
    if (layer_.bias >= 0) std::copy_n(parameters[layer_.bias].data(), out_.channels, bias_.data());
  }

  void forward() override {
    passes_.backward_data();
    void* out = context_.address(out_.buffer);
    context_.kernels.normalise(out, nullptr, out_.view, ones_.data(), bias_.data(), clamp_of(op_),
                               out);
  }

  void backward() override {
    if (!has_backward_) return;
    merge_.run(context_);
    passes_.forward();
    if (trains_) passes_.backward_weights(context_.gradients[layer_.weights].data());
    if (bias_gradient_ != kNoBuffer)
      std::copy_n(context_.floats_at(bias_gradient_), out_.channels,
                  context_.gradients[layer_.bias].data());
  }

  void list(std::vector<std::string>& implementations) const override {
    passes_.list(implementations);
  }

 private:
  Context& context_;
  const Op& op_;
  const Layer& layer_;
  Value &in_, &out_;
  Desc plain_;
  ConvolutionPasses passes_;
  std::vector<float> ones_, bias_;
  BufferId bias_gradient_ = kNoBuffer;
  Merge merge_;
  bool trains_ = false, has_backward_ = false;
};

}  // namespace

std::unique_ptr<Node> make_upsample(Context& context, int op) {
  return std::make_unique<UpsampleNode>(context, op);
}

}  // namespace poseheir::onednn
