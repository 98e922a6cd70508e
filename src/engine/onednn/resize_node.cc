// Bilinear resizing by TensorFlow's two rules.
#include <algorithm>
#include <cmath>

#include "engine/onednn/nodes.h"

namespace poseheir::onednn {
namespace {

struct Axis {
  Axis(int in, int out, ResizeRule rule) : readers(in, {out, 0}) {
    const float scale = static_cast<float>(in) / static_cast<float>(out);
    for (int i = 0; i < out; ++i) {
      const auto place = static_cast<float>(i);
      const float source = rule == ResizeRule::tf1 ? place * scale : (place + 0.5F) * scale - 0.5F;
      const float floor = std::floor(source);
      const int lower = std::max(static_cast<int>(floor), 0);
      const int next = rule == ResizeRule::tf1 ? lower + 1 : static_cast<int>(std::ceil(source));
      taps.push_back({lower, std::clamp(next, 0, in - 1), source - floor});
      for (const int read : {taps.back().lower, taps.back().upper}) {
        readers[read].first = std::min(readers[read].first, i);
        readers[read].last = std::max(readers[read].last, i + 1);
      }
    }
  }
  kernels::ResizeAxis view() const {
    return {static_cast<int>(readers.size()), static_cast<int>(taps.size()), taps.data(),
            readers.data()};
  }
  std::vector<kernels::ResizeTap> taps;
  std::vector<kernels::Span> readers;
};

class ResizeNode final : public Node {
 public:
  ResizeNode(Context& context, int op)
      : context_(context),
        op_(context.graph.ops[op]),
        in_(context.values[op_.inputs[0]]),
        out_(context.values[op_.output]),
        rows_(in_.size.height, out_.size.height, context.layer(op_).resize_rule),
        columns_(in_.size.width, out_.size.width, context.layer(op_).resize_rule) {
    context.plan.use(in_.buffer, op);
    out_.buffer = context.plan.add(out_.desc.get_size(), op);
    out_.needs_gradient = in_.needs_gradient;
  }

  void plan_backward(int time) override {
    if (!out_.needs_gradient || out_.gradients.empty()) return;
    merge_ = plan_merge(context_, op_.output, kernels::Clamp::none, kNoBuffer, time);
    dx_ = context_.plan.add(in_.desc.get_size(), time);
    in_.gradients.push_back({dx_, true});
  }

  void forward() override {
    context_.kernels.resize(context_.address(in_.buffer), in_.view, rows_.view(), columns_.view(),
                            context_.address(out_.buffer));
  }

  void backward() override {
    if (dx_ == kNoBuffer) return;
    merge_.run(context_);
    context_.kernels.resize_backward(context_.address(merge_.out), in_.view, rows_.view(),
                                     columns_.view(), context_.address(dx_));
  }

 private:
  Context& context_;
  const Op& op_;
  Value &in_, &out_;
  Axis rows_, columns_;
  Merge merge_;
  BufferId dx_ = kNoBuffer;
};

}  // namespace

std::unique_ptr<Node> make_resize(Context& context, int op) {
  return std::make_unique<ResizeNode>(context, op);
}

}  // namespace poseheir::onednn
