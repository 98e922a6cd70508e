// Swish and sigmoid on their own, and squeeze-excite's mean over pixels and scaling of channels.
#include <algorithm>

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
    for (auto& gradient : in_.gradients) {
      if (gradient.gate != kNoBuffer) {
        gradient.mean = merge_.out;
        return;
      }
      if (gradient.writable) dx_ = gradient.buffer;
    }
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
    if (dx_ == kNoBuffer) return;
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
    // Forward only, the result may replace what nobody reads again.
    const bool in_place = !context.training() && context.graph.last_use[op_.inputs[0]] == op &&
                          !context.graph.is_output[op_.inputs[0]];
    out_.buffer = in_place ? in_.buffer : context.plan.add(out_.desc.get_size(), op);
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
    if (gate_.needs_gradient && is_squeezed()) {
      in_.gradients.push_back(
          {.buffer = merge_.out, .writable = merge_.writable, .gate = gate_.buffer});
      return;
    }
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
  // Whether only this and the mean behind the gate read a swish's value that keeps what went in.
  bool is_squeezed() const {
    int others = 0, means = 0;
    bool swish = false;
    for (const auto& op : context_.graph.ops) {
      swish |= op.output == op_.inputs[0] && op.kind == OpKind::fixed_depthwise &&
               curve_of(op) == kernels::Curve::swish;
      if (&op == &op_ || op.residual == op_.inputs[0] ||
          std::find(op.inputs.begin(), op.inputs.end(), op_.inputs[0]) == op.inputs.end()) {
        others += op.residual == op_.inputs[0];
        continue;
      }
      (op.kind == OpKind::global_mean ? means : others) += 1;
    }
    return swish && means == 1 && others == 0 && !context_.graph.is_output[op_.inputs[0]];
  }

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
