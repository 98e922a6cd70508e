// Swish and sigmoid on their own, and squeeze-excite's mean over pixels and scaling of channels.
#include "engine/onednn/nodes.h"

namespace poseheir::onednn {
namespace {

class CurveNode final : public Node {
 public:
  CurveNode(Context& context, int op)
      : context_(context),
        op_(context.graph.ops[op]),
        in_(context.values[op_.inputs[0]]),
        out_(context.values[op_.output]) {
    context.plan.use(in_.buffer, op);
    out_.buffer = context.plan.add(out_.desc.get_size(), op);
    out_.needs_gradient = in_.needs_gradient;
  }

  void plan_backward(int time) override {
    if (!out_.needs_gradient || out_.gradients.empty()) return;
    has_backward_ = true;
    merge_ = plan_merge(context_, op_.output, kernels::Clamp::none, kNoBuffer, time, curve_of(op_),
                        in_.buffer);
    in_.gradients.push_back({merge_.out, merge_.writable});
  }

  void forward() override {
    context_.gates.curve(context_.address(in_.buffer), in_.view.size(), curve_of(op_),
                         context_.address(out_.buffer));
  }

  void backward() override {
    if (has_backward_) merge_.run(context_);
  }

 private:
  Context& context_;
  const Op& op_;
  Value &in_, &out_;
  Merge merge_;
  bool has_backward_ = false;
};

class GlobalMeanNode final : public Node {
 public:
  GlobalMeanNode(Context& context, int op)
      : context_(context),
        op_(context.graph.ops[op]),
        in_(context.values[op_.inputs[0]]),
        out_(context.values[op_.output]) {
    context.plan.use(in_.buffer, op);
    workspace_ = context.floats(kernels::workspace_floats(in_.view), op);
    out_.buffer = context.plan.add(out_.desc.get_size(), op);
    out_.needs_gradient = in_.needs_gradient;
  }

  void plan_backward(int time) override {
    if (!out_.needs_gradient || out_.gradients.empty()) return;
    has_backward_ = true;
    merge_ = plan_merge(context_, op_.output, kernels::Clamp::none, kNoBuffer, time);
    for (const auto& gradient : in_.gradients)
      if (gradient.writable) dx_ = gradient.buffer;
    accumulates_ = dx_ != kNoBuffer;
    if (!accumulates_) {
      dx_ = context_.plan.add(in_.desc.get_size(), time);
      in_.gradients.push_back({dx_, true});
    }
    context_.plan.use(dx_, time);
  }

  void forward() override {
    context_.gates.mean(context_.address(in_.buffer), in_.view, context_.floats_at(workspace_),
                        context_.address(out_.buffer));
  }

  void backward() override {
    if (!has_backward_) return;
    merge_.run(context_);
    context_.gates.mean_backward(context_.address(merge_.out), in_.view, accumulates_,
                                 context_.address(dx_));
  }

 private:
  Context& context_;
  const Op& op_;
  Value &in_, &out_;
  Merge merge_;
  BufferId workspace_ = kNoBuffer, dx_ = kNoBuffer;
  bool accumulates_ = false, has_backward_ = false;
};

class ScaleChannelsNode final : public Node {
 public:
  ScaleChannelsNode(Context& context, int op)
      : context_(context),
        op_(context.graph.ops[op]),
        in_(context.values[op_.inputs[0]]),
        gate_(context.values[op_.inputs[1]]),
        out_(context.values[op_.output]) {
    context.plan.use(in_.buffer, op);
    context.plan.use(gate_.buffer, op);
    out_.buffer = context.plan.add(out_.desc.get_size(), op);
    out_.needs_gradient = in_.needs_gradient || gate_.needs_gradient;
  }

  void plan_backward(int time) override {
    if (!out_.needs_gradient || out_.gradients.empty()) return;
    has_backward_ = true;
    merge_ = plan_merge(context_, op_.output, kernels::Clamp::none, kNoBuffer, time);
    if (gate_.needs_gradient) {
      context_.plan.use(in_.buffer, time);
      workspace_ = context_.floats(kernels::workspace_floats(in_.view), time);
      dgate_ = context_.plan.add(gate_.desc.get_size(), time);
      gate_.gradients.push_back({dgate_, true});
    }
    if (!in_.needs_gradient) return;
    context_.plan.use(gate_.buffer, time);
    dx_ = merge_.writable ? merge_.out : context_.plan.add(in_.desc.get_size(), time);
    in_.gradients.push_back({dx_, true});
  }

  void forward() override {
    context_.gates.scale(context_.address(in_.buffer), context_.address(gate_.buffer), in_.view,
                         context_.address(out_.buffer));
  }

  void backward() override {
    if (!has_backward_) return;
    merge_.run(context_);
    const void* dy = context_.address(merge_.out);
    if (dgate_ != kNoBuffer)
      context_.gates.scale_gate(dy, context_.address(in_.buffer), in_.view,
                                context_.floats_at(workspace_), context_.address(dgate_));
    if (dx_ != kNoBuffer)
      context_.gates.scale(dy, context_.address(gate_.buffer), in_.view, context_.address(dx_));
  }

 private:
  Context& context_;
  const Op& op_;
  Value &in_, &gate_, &out_;
  Merge merge_;
  BufferId workspace_ = kNoBuffer, dgate_ = kNoBuffer, dx_ = kNoBuffer;
  bool has_backward_ = false;
};

}  // namespace

std::unique_ptr<Node> make_curve(Context& context, int op) {
  return std::make_unique<CurveNode>(context, op);
}
std::unique_ptr<Node> make_global_mean(Context& context, int op) {
  return std::make_unique<GlobalMeanNode>(context, op);
}
std::unique_ptr<Node> make_scale_channels(Context& context, int op) {
  return std::make_unique<ScaleChannelsNode>(context, op);
}

}  // namespace poseheir::onednn
