// The image, pooling, subsampling and sums.
#include <fmt/format.h>

#include "engine/onednn/convolution.h"
#include "engine/onednn/nodes.h"

namespace poseheir::onednn {

ImageNode::ImageNode(Context& context, int op)
    : context_(context),
      layer_(context.layer(context.graph.ops[op])),
      value_(context.values[context.graph.ops[op].output]) {
  value_.buffer = context.plan.add(value_.desc.get_size(), op);
}

void ImageNode::forward() {
  context_.kernels.image(pixels_, context_.request.images, value_.size.height * value_.size.width,
                         layer_.input_offset.data(), layer_.input_scale.data(), context_.block != 0,
                         context_.address(value_.buffer));
}

namespace {

class MaxPoolNode final : public Node {
 public:
  MaxPoolNode(Context& context, int op)
      : context_(context),
        op_(context.graph.ops[op]),
        layer_(context.layer(op_)),
        in_(context.values[op_.inputs[0]]),
        out_(context.values[op_.output]) {
    const auto shape = shape_of(layer_, context.request.images, in_.channels, in_.size, out_.size);
    descs_ = {in_.desc,
              out_.desc,
              shape.strides,
              {layer_.kernel, layer_.kernel},
              shape.padding_begin,
              shape.padding_end};
    out_.needs_gradient = in_.needs_gradient;
    forward_desc_ = describe_pool(context.engine,
                                  out_.needs_gradient ? dnnl::prop_kind::forward_training
                                                      : dnnl::prop_kind::forward_inference,
                                  descs_);
    out_.buffer = context.plan.add(out_.desc.get_size(), op);
    context.plan.use(in_.buffer, op);
    forward_.primitive = dnnl::pooling_forward(forward_desc_);
    forward_.arguments = {{DNNL_ARG_SRC, context.at(in_.desc, in_.buffer)},
                          {DNNL_ARG_DST, context.at(out_.desc, out_.buffer)},
                          {DNNL_ARG_SCRATCHPAD, context.scratchpad(forward_desc_, op)}};
    if (out_.needs_gradient) {
      workspace_ = context.plan.add(forward_desc_.workspace_desc().get_size(), op);
      forward_.arguments[DNNL_ARG_WORKSPACE] =
          context.at(forward_desc_.workspace_desc(), workspace_);
    }
  }

  void plan_backward(int time) override {
    if (!out_.needs_gradient || out_.gradients.empty()) return;
    has_backward_ = true;
    merge_ = plan_merge(context_, op_.output, kernels::Clamp::none, kNoBuffer, time);
    const auto dx = context_.plan.add(in_.desc.get_size(), time);
    in_.gradients.push_back({dx, true});
    context_.plan.use(workspace_, time);
    const auto desc = describe_pool_backward(context_.engine, descs_, forward_desc_);
    implementation_ = desc.impl_info_str();
    backward_.primitive = dnnl::pooling_backward(desc);
    backward_.arguments = {
        {DNNL_ARG_DIFF_DST, context_.at(out_.desc, merge_.out)},
        {DNNL_ARG_DIFF_SRC, context_.at(in_.desc, dx)},
        {DNNL_ARG_WORKSPACE, context_.at(forward_desc_.workspace_desc(), workspace_)},
        {DNNL_ARG_SCRATCHPAD, context_.scratchpad(desc, time)}};
  }

  void forward() override { forward_.primitive.execute(context_.stream, forward_.arguments); }

  void backward() override {
    if (!has_backward_) return;
    merge_.run(context_);
    backward_.primitive.execute(context_.stream, backward_.arguments);
  }

  void list(std::vector<std::string>& implementations) const override {
    implementations.push_back(
        fmt::format("{} forward, {}", layer_.name, forward_desc_.impl_info_str()));
    if (has_backward_)
      implementations.push_back(fmt::format("{} backward, {}", layer_.name, implementation_));
  }

 private:
  Context& context_;
  const Op& op_;
  const Layer& layer_;
  Value &in_, &out_;
  PoolDescs descs_;
  dnnl::pooling_forward::primitive_desc forward_desc_;
  BufferId workspace_ = kNoBuffer;
  Run forward_, backward_;
  Merge merge_;
  std::string implementation_;
  bool has_backward_ = false;
};

class SubsampleNode final : public Node {
 public:
  SubsampleNode(Context& context, int op)
      : context_(context),
        op_(context.graph.ops[op]),
        stride_(context.layer(op_).stride),
        in_(context.values[op_.inputs[0]]),
        out_(context.values[op_.output]) {
    context.plan.use(in_.buffer, op);
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
    context_.kernels.subsample(context_.address(in_.buffer), in_.view, in_.size.height,
                               in_.size.width, stride_, context_.address(out_.buffer));
  }

  void backward() override {
    if (!has_backward_) return;
    merge_.run(context_);
    context_.kernels.subsample_backward(context_.address(merge_.out), in_.view, in_.size.height,
                                        in_.size.width, stride_, accumulates_,
                                        context_.address(dx_));
  }

 private:
  Context& context_;
  const Op& op_;
  int stride_;
  Value &in_, &out_;
  Merge merge_;
  BufferId dx_ = kNoBuffer;
  bool accumulates_ = false, has_backward_ = false;
};

// A sum, or an activation, that found no other operation to be part of.
class AddNode final : public Node {
 public:
  AddNode(Context& context, int op)
      : context_(context), op_(context.graph.ops[op]), out_(context.values[op_.output]) {
    for (const int input : op_.inputs) {
      context.plan.use(context.values[input].buffer, op);
      out_.needs_gradient = out_.needs_gradient || context.values[input].needs_gradient;
    }
    out_.buffer = context.plan.add(out_.desc.get_size(), op);
  }

  void plan_backward(int time) override {
    if (!out_.needs_gradient || out_.gradients.empty()) return;
    has_backward_ = true;
    merge_ = plan_merge(context_, op_.output, clamp_of(op_), kNoBuffer, time);
    const bool writable = merge_.writable && op_.inputs.size() == 1;
    for (const int input : op_.inputs)
      if (context_.values[input].needs_gradient)
        context_.values[input].gradients.push_back({merge_.out, writable});
  }

  void forward() override {
    const auto& first = context_.values[op_.inputs[0]];
    const auto second = op_.inputs.size() > 1 ? context_.values[op_.inputs[1]].buffer : kNoBuffer;
    context_.kernels.add(context_.address(first.buffer), context_.address(second),
                         first.view.size(), clamp_of(op_), context_.address(out_.buffer));
  }

  void backward() override {
    if (has_backward_) merge_.run(context_);
  }

 private:
  Context& context_;
  const Op& op_;
  Value& out_;
  Merge merge_;
  bool has_backward_ = false;
};

}  // namespace

std::unique_ptr<Node> make_max_pool(Context& context, int op) {
  return std::make_unique<MaxPoolNode>(context, op);
}
std::unique_ptr<Node> make_subsample(Context& context, int op) {
  return std::make_unique<SubsampleNode>(context, op);
}
std::unique_ptr<Node> make_add(Context& context, int op) {
  return std::make_unique<AddNode>(context, op);
}

}  // namespace poseheir::onednn
