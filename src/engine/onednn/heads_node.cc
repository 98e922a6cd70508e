// A transposed convolution 3x3 of stride 2 is a matrix product, 9 columns for each output channel,
// whose results are added up where they overlap. All heads on one value share the product.
// TensorFlow's kernels [3, 3, out, in] are this matrix's rows as they lie.
#include <algorithm>

#include "engine/onednn/heads_product.h"
#include "engine/onednn/nodes.h"

namespace poseheir::onednn {

struct HeadsNode::Parts {
  struct Head {
    const Layer* layer = nullptr;
    kernels::HeadShape shape;
    std::vector<float> bias, zeros;
    std::size_t weights() const { return std::size_t(9) * shape.channels; }  // rows
  };
  std::vector<Head> heads;
  std::unique_ptr<HeadsProduct> product;
  kernels::View view;
  BufferId matrix = kNoBuffer, scratch = kNoBuffer, diff_matrix = kNoBuffer;
  bool trains = false, has_backward = false;
};

HeadsNode::~HeadsNode() = default;

HeadsNode::HeadsNode(Context& context, int op) : context_(context), op_(context.graph.ops[op]) {
  auto& in = context.values[op_.inputs[0]];
  std::vector<Parts::Head> heads;
  int columns = 0;
  for (const int index : op_.heads) {
    const auto& layer = context.network.layers[index];
    Parts::Head head;
    head.layer = &layer;
    head.shape = {context.request.images, in.size.height, in.size.width, layer.channels, columns};
    head.bias.assign(layer.channels, 0.0F);
    columns += 9 * layer.channels;
    heads.push_back(std::move(head));
    auto& out = context.values[index];
    out.needs_gradient =
        in.needs_gradient || context.is_trained(layer.weights) || context.is_trained(layer.bias);
  }
  // The last head clears what pads the matrix: the product's gradients run over it too.
  const int padded = matrix_columns(context, op_);
  heads.back().shape.cleared = padded - columns;
  parts_ = std::make_unique<Parts>();
  parts_->heads = std::move(heads);
  parts_->view = context.view_of(padded, in.size);
  parts_->matrix = context.plan.add(context.desc_of(padded, in.size, Type::f32).get_size(), op);
  parts_->product = make_heads_product(context, op, parts_->matrix);
  parts_->scratch = context.shared_scratch(std::size_t(4) * padded * in.channels);
  outputs_.resize(op_.heads.size(), nullptr);
  output_gradients_.resize(op_.heads.size(), nullptr);
}

void HeadsNode::plan_backward(int time) {
  auto& parts = *parts_;
  auto& in = context_.values[op_.inputs[0]];
  for (auto& head : parts.heads) {
    const auto& layer = *head.layer;
    if (context_.is_trained(layer.weights)) {
      parts.trains = true;
      context_.gradients[layer.weights].resize(head.weights() * in.channels);
    }
    if (context_.is_trained(layer.bias)) context_.gradients[layer.bias].resize(layer.channels);
    head.zeros.assign(
        std::size_t(4) * context_.request.images * in.size.height * in.size.width * layer.channels,
        0.0F);
    parts.has_backward |= context_.is_trained(layer.bias);
  }
  parts.has_backward |= parts.trains || in.needs_gradient;
  if (!parts.trains && !in.needs_gradient) return;
  const auto desc = context_.desc_of(parts.product->columns(), in.size, context_.type);
  parts.diff_matrix = context_.plan.add(desc.get_size(), time);
  parts.product->plan_backward(parts.diff_matrix, parts.trains, time);
}

void HeadsNode::pack(const Parameters& parameters) {
  float* packed = context_.floats_at(parts_->scratch);
  float* to = packed;
  for (auto& head : parts_->heads) {
    const auto& weights = parameters[head.layer->weights];
    to = std::copy(weights.begin(), weights.end(), to);
    if (head.layer->bias >= 0) head.bias = parameters[head.layer->bias];
  }
  const auto inputs = std::size_t(context_.values[op_.inputs[0]].channels);
  std::fill(to, packed + inputs * std::size_t(parts_->product->columns()), 0.0F);
  parts_->product->pack(packed);
}

void HeadsNode::forward() {
  parts_->product->forward();
  for (std::size_t i = 0; i < parts_->heads.size(); ++i) {
    const auto& head = parts_->heads[i];
    context_.kernels.head(context_.floats_at(parts_->matrix), parts_->view, head.shape,
                          head.bias.data(), outputs_[i]);
  }
}

void HeadsNode::backward() {
  auto& parts = *parts_;
  if (!parts.has_backward) return;
  for (std::size_t i = 0; i < parts.heads.size(); ++i) {
    const auto& head = parts.heads[i];
    const float* gradient = output_gradients_[i] ? output_gradients_[i] : head.zeros.data();
    if (parts.diff_matrix != kNoBuffer)
      context_.kernels.head_backward(gradient, parts.view, head.shape,
                                     context_.address(parts.diff_matrix));
    if (!context_.is_trained(head.layer->bias)) continue;
    std::vector<double> sums(head.shape.channels, 0.0);
    for (const float* cell = gradient; cell < gradient + head.zeros.size(); cell += sums.size())
      for (std::size_t c = 0; c < sums.size(); ++c) sums[c] += double(cell[c]);
    for (std::size_t c = 0; c < sums.size(); ++c)
      context_.gradients[head.layer->bias][c] = float(sums[c]);
  }
  if (parts.diff_matrix == kNoBuffer) return;
  float* from = context_.floats_at(parts.scratch);
  parts.product->backward(from);
  if (!parts.trains) return;
  const std::size_t inputs = context_.values[op_.inputs[0]].channels;
  for (const auto& head : parts.heads) {
    if (context_.is_trained(head.layer->weights))
      std::copy_n(from, head.weights() * inputs, context_.gradients[head.layer->weights].data());
    from += head.weights() * inputs;
  }
}

void HeadsNode::list(std::vector<std::string>& implementations) const {
  parts_->product->list(implementations);
}

}  // namespace poseheir::onednn
