// Values side by side along channels, and parts of a gradient back.
#include "engine/onednn/nodes.h"

namespace poseheir::onednn {

BufferId writable_gradient(const Value& value) {
  for (const auto& gradient : value.gradients)
    if (gradient.writable) return gradient.buffer;
  return kNoBuffer;
}

namespace {

class ConcatNode final : public Node {
 public:
  ConcatNode(Context& context, int op)
      : context_(context), op_(context.graph.ops[op]), out_(context.values[op_.output]) {
    for (const int input : op_.inputs) {
      context.plan.use(context.values[input].buffer, op);
      out_.needs_gradient = out_.needs_gradient || context.values[input].needs_gradient;
    }
    out_.buffer = context.plan.add(out_.desc.get_size(), op);
  }

  // A value that several concatenations read (a decoder's features) has one gradient, to which each
  // adds its own.
  void plan_backward(int time) override {
    if (!out_.needs_gradient || out_.gradients.empty()) return;
    has_backward_ = true;
    merge_ = plan_merge(context_, op_.output, kernels::Clamp::none, kNoBuffer, time);
    for (const int input : op_.inputs) {
      auto& value = context_.values[input];
      Part part;
      if (value.needs_gradient) {
        part.dx = writable_gradient(value);
        part.accumulates = part.dx != kNoBuffer;
        if (!part.accumulates) {
          part.dx = context_.plan.add(value.desc.get_size(), time);
          value.gradients.push_back({part.dx, true});
        }
        context_.plan.use(part.dx, time);
      }
      parts_.push_back(part);
    }
  }

  void forward() override {
    int first = 0;
    for (const int input : op_.inputs) {
      const auto& value = context_.values[input];
      const bool last = first + value.channels == out_.channels;
      context_.kernels.copy_channels(
          context_.address(value.buffer), value.view, 0, context_.address(out_.buffer), out_.view,
          {first, value.channels, last ? out_.view.channels() - out_.channels : 0, false});
      first += value.channels;
    }
  }

  void backward() override {
    if (!has_backward_) return;
    merge_.run(context_);
    int first = 0;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const auto& value = context_.values[op_.inputs[i]];
      const auto& part = parts_[i];
      if (part.dx != kNoBuffer)
        context_.kernels.copy_channels(
            context_.address(merge_.out), out_.view, first, context_.address(part.dx), value.view,
            {0, value.channels, part.accumulates ? 0 : value.view.channels() - value.channels,
             part.accumulates});
      first += value.channels;
    }
  }

 private:
  struct Part {
    BufferId dx = kNoBuffer;
    bool accumulates = false;
  };

  Context& context_;
  const Op& op_;
  Value& out_;
  Merge merge_;
  std::vector<Part> parts_;
  bool has_backward_ = false;
};

}  // namespace

std::unique_ptr<Node> make_concat(Context& context, int op) {
  return std::make_unique<ConcatNode>(context, op);
}

}  // namespace poseheir::onednn
