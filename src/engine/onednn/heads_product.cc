#include "engine/onednn/heads_product.h"

#include <algorithm>

#include "engine/onednn/convolution.h"
#include "engine/onednn/fusion.h"

namespace poseheir::onednn {
namespace {

// By the library, as a 1x1 convolution.
class LibraryProduct final : public HeadsProduct {
 public:
  LibraryProduct(Context& context, int op, BufferId matrix)
      : context_(context),
        in_(context.values[context.graph.ops[op].inputs[0]]),
        columns_(matrix_columns(context, context.graph.ops[op])),
        passes_(context, context.layer(context.graph.ops[op]).name, shape(op)),
        plain_({columns_, in_.channels, 1, 1}, Type::f32, Tag::oihw) {
    passes_.plan_forward({in_.desc, in_.buffer},
                         {context.desc_of(columns_, in_.size, Type::f32), matrix}, {}, op);
  }

  int columns() const override { return columns_; }

  void plan_backward(BufferId gradient, bool trains, int time) override {
    const auto desc = context_.desc_of(columns_, in_.size, context_.type);
    trains_ = trains;
    if (trains)
      passes_.plan_backward_weights({in_.desc, in_.buffer}, {desc, gradient}, plain_, time);
    if (!in_.needs_gradient) return;
    const auto dx = context_.plan.add(in_.desc.get_size(), time);
    passes_.plan_backward_data({in_.desc, dx}, {desc, gradient}, time);
    in_.gradients.push_back({dx, true});
  }

  void pack(const float* weights) override { passes_.pack(plain_, weights); }
  void forward() override { passes_.forward(); }
  void backward(float* weights) override {
    if (in_.needs_gradient) passes_.backward_data();
    if (trains_) passes_.backward_weights(weights);
  }
  void list(std::vector<std::string>& implementations) const override {
    passes_.list(implementations);
  }

 private:
  ConvolutionShape shape(int op) const {
    auto layer = Layer{};
    layer.kind = LayerKind::convolution;
    layer.name = context_.layer(context_.graph.ops[op]).name;
    layer.channels = columns_;
    return shape_of(layer, context_.request.images, in_.channels, in_.size, in_.size);
  }

  Context& context_;
  Value& in_;
  int columns_;
  ConvolutionPasses passes_;
  Desc plain_;
  bool trains_ = false;
};

// By our own kernel for 1x1 convolutions, with the norm before it.
class OwnProduct final : public HeadsProduct {
 public:
  OwnProduct(Context& context, int op, BufferId matrix)
      : context_(context),
        in_(context.values[context.graph.ops[op].inputs[0]]),
        shape_(heads_shape(context, context.graph.ops[op])),
        name_(context.layer(context.graph.ops[op]).name),
        matrix_(matrix),
        forward_weights_(weights()) {
    context.plan.use(in_.buffer, op);
  }

  int columns() const override { return shape_.outputs; }

  void plan_backward(BufferId gradient, bool trains, int time) override {
    gradient_ = gradient;
    if (trains) {
      gradient_weights_.resize(weights());
      workspace_ = context_.floats(kernels::workspace_floats(shape_), time);
      context_.plan.use(in_.buffer, time);
    }
    if (!in_.needs_gradient) return;
    backward_weights_.resize(weights());
    result_ = plan_operand_gradient(context_, in_, shape_.parts, time);
  }

  void pack(const float* weights) override {
    // The kernel's [inputs, outputs] are our [columns, inputs]: its backward is our forward.
    context_.kernels.pack_pointwise(weights, shape_.outputs, shape_.inputs,
                                    backward_weights_.empty() ? nullptr : backward_weights_.data(),
                                    forward_weights_.data());
  }

  void forward() override {
    context_.kernels.head_product(operand_of(context_, in_), forward_weights_.data(), shape_,
                                  {context_.address(matrix_)});
  }

  void backward(float* weights) override {
    context_.kernels.pointwise_backward(
        {context_.address(gradient_), nullptr, nullptr}, operand_of(context_, in_),
        backward_weights_.data(), shape_,
        {context_.address(result_.buffer), context_.outgrows_caches(in_.desc.get_size()),
         context_.floats_at(result_.sums.buffer),
         gradient_weights_.empty() ? nullptr : gradient_weights_.data(),
         context_.floats_at(workspace_)});
    if (gradient_weights_.empty()) return;
    constexpr int kLine = 16;  // a cache line of the result at a time
#pragma omp parallel for schedule(static)
    for (int first = 0; first < shape_.inputs; first += kLine)
      for (int column = 0; column < shape_.outputs; ++column)
        for (int k = first; k < std::min(first + kLine, shape_.inputs); ++k)
          weights[std::size_t(column) * shape_.inputs + k] =
              gradient_weights_[std::size_t(k) * shape_.outputs + column];
  }

  void list(std::vector<std::string>& implementations) const override {
    implementations.push_back(name_ + ", own");
  }

 private:
  std::size_t weights() const { return std::size_t(shape_.inputs) * shape_.outputs; }

  Context& context_;
  Value& in_;
  const kernels::PointwiseShape shape_;
  std::string name_;
  BufferId matrix_, gradient_ = kNoBuffer, workspace_ = kNoBuffer;
  Gradient result_;
  std::vector<float> forward_weights_, backward_weights_, gradient_weights_;
};

}  // namespace

std::unique_ptr<HeadsProduct> make_heads_product(Context& context, int op, BufferId matrix) {
  if (has_own_product(context, context.graph.ops[op]))
    return std::make_unique<OwnProduct>(context, op, matrix);
  return std::make_unique<LibraryProduct>(context, op, matrix);
}

int matrix_columns(const Context& context, const Op& op) {
  if (has_own_product(context, op)) return heads_shape(context, op).outputs;
  int columns = 0;
  for (const int head : op.heads) columns += 9 * context.network.layers[head].channels;
  return columns;
}

}  // namespace poseheir::onednn
