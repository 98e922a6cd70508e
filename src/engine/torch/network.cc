#include "engine/torch/network.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fmt/format.h>

#include "engine/torch/norm.h"
#include "poseheir/error.h"

namespace poseheir::libtorch {
namespace {

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;

std::vector<int> output_layers(const Network& network) {
  std::vector<int> layers;
  for (const auto& output : network.outputs) layers.push_back(output.layer);
  return layers;
}

// TensorFlow's HWIO and HW-out-in become out-in-HW and in-out-HW, HWC1 becomes C1HW.
std::vector<std::vector<std::int64_t>> axis_orders(const Network& network) {
  std::vector<std::vector<std::int64_t>> orders(network.variables.size());
  for (std::size_t i = 0; i < orders.size(); ++i)
    if (network.variables[i].info.shape.size() == 4) orders[i] = {3, 2, 0, 1};
  for (const auto& layer : network.layers)
    if (layer.kind == LayerKind::depthwise_convolution) orders[layer.weights] = {2, 3, 0, 1};
  return orders;
}

std::vector<std::int64_t> inverse(const std::vector<std::int64_t>& order) {
  std::vector<std::int64_t> back(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) back[order[i]] = static_cast<std::int64_t>(i);
  return back;
}

struct Border {
  std::int64_t begin = 0, end = 0;
};

// TensorFlow's SAME puts the odd pixel behind; symmetric padding may leave pixels over there.
Border border(const Layer& layer, int in, int out) {
  const int reach = (layer.kernel - 1) * layer.dilation;
  if (layer.padding == Padding::symmetric) return {reach / 2, reach / 2};
  const int total = std::max((out - 1) * layer.stride + reach + 1 - in, 0);
  return {total / 2, total - total / 2};
}

// What libtorch cannot pad by itself, which takes the same on both sides.
Tensor pad(const Tensor& x, const Border& rows, const Border& columns, double value) {
  return at::constant_pad_nd(x, {columns.begin, columns.end, rows.begin, rows.end}, value);
}

bool is_even(const Border& border) { return border.begin == border.end; }

}  // namespace

TorchNetwork::TorchNetwork(const Network& network, const Parameters& parameters, at::Device device,
                           Precision precision, Use use)
    : network_(network),
      graph_(lower(network, output_layers(network))),
      device_(device),
      type_(precision == Precision::bf16 ? at::kBFloat16 : at::kFloat),
      use_(use),
      orders_(axis_orders(network)) {
  for (std::size_t i = 0; i < parameters.size(); ++i)
    variables_.push_back(to_device(static_cast<int>(i), parameters[i]));
}

Tensor TorchNetwork::to_device(int variable, const std::vector<float>& values) const {
  const auto& order = orders_[variable];
  auto tensor = at::from_blob(const_cast<float*>(values.data()),
                              network_.variables[variable].info.shape, at::kFloat);
  if (order.empty()) return tensor.to(device_, at::kFloat, false, true);
  return tensor.permute(order).to(device_, at::kFloat, false, true, kChannelsLast);
}

std::vector<float> TorchNetwork::to_host(int variable, const Tensor& values) const {
  auto tensor = values.detach();
  if (const auto& order = orders_[variable]; !order.empty())
    tensor = tensor.permute(inverse(order));
  tensor = tensor.contiguous().to(at::kCPU);
  const auto* first = tensor.data_ptr<float>();
  return {first, first + tensor.numel()};
}

std::vector<Tensor> TorchNetwork::forward(const ImageBatch& images) {
  sizes_ = map_sizes(network_, {images.height, images.width});
  values_.assign(network_.layers.size(), Tensor());
  statistics_.clear();
  for (std::size_t i = 0; i < graph_.ops.size(); ++i) {
    const auto& op = graph_.ops[i];
    if (op.kind == OpKind::heads)
      // Locations are read from them to a fraction of a pixel: in fp32 always.
      for (const int head : op.heads)
        values_[head] = transposed(network_.layers[head], input(op), at::kFloat);
    else
      values_[op.output] = compute(op, images);
    const auto release = [&](int value) {
      if (graph_.last_use[value] == static_cast<int>(i) && !graph_.is_output[value])
        values_[value] = Tensor();
    };
    for (const int value : op.inputs) release(value);
    if (op.residual >= 0) release(op.residual);
  }
  std::vector<Tensor> outputs;
  for (const auto& output : network_.outputs)
    outputs.push_back(values_[output.layer].to(at::kFloat));
  values_.clear();
  return outputs;
}

Tensor TorchNetwork::compute(const Op& op, const ImageBatch& images) {
  switch (op.kind) {
    case OpKind::image:
      return image(op, images);
    case OpKind::convolution:
    case OpKind::depthwise:
    case OpKind::fixed_depthwise:
      return finish(op, convolution(op), true);
    case OpKind::upsample:
      return finish(op, transposed(layer_of(op), input(op), type_), false);
    case OpKind::batch_norm:
      return finish(op, batch_norm(op), true);
    case OpKind::add:
      if (op.inputs.size() == 1) return finish(op, input(op), false);
      return finish(op, input(op) + input(op, 1), true);
    case OpKind::curve:
      return finish(op, input(op), false);
    case OpKind::max_pool:
      return max_pool(op);
    case OpKind::subsample: {
      const auto stride = layer_of(op).stride;
      return input(op)
          .slice(2, 0, input(op).size(2), stride)
          .slice(3, 0, input(op).size(3), stride)
          .contiguous(kChannelsLast);
    }
    case OpKind::concat: {
      std::vector<Tensor> parts;
      for (const int value : op.inputs) parts.push_back(values_[value]);
      return at::cat(parts, 1);
    }
    case OpKind::resize:
      return resize(op);
    case OpKind::global_mean:
      return input(op).mean({2, 3}, true);
    case OpKind::scale_channels:
      return input(op) * input(op, 1);
    case OpKind::heads:
      break;
  }
  throw Error(ErrorKind::unsupported, "an operation that the engine torch does not know");
}

Tensor TorchNetwork::image(const Op& op, const ImageBatch& images) const {
  const auto& layer = layer_of(op);
  const auto row = [&](const std::array<float, 3>& values) {
    return at::tensor(at::ArrayRef<float>(values.data(), values.size()))
        .view({1, 3, 1, 1})
        .to(device_);
  };
  return at::from_blob(const_cast<std::uint8_t*>(images.pixels.data()),
                       {images.count, images.height, images.width, 3}, at::kByte)
      .to(device_)
      .permute({0, 3, 1, 2})
      .to(at::kFloat)
      .sub_(row(layer.input_offset))
      .mul_(row(layer.input_scale))
      .to(type_);
}

// y = conv(x, w) * scale + shift is conv(x, w * scale) + shift; gamma's and beta's gradients follow
// from those of the small kernel, and no pass over the map is needed for them.
TorchNetwork::Kernel TorchNetwork::fold(const Op& op) const {
  const auto& layer = layer_of(op);
  Kernel kernel{variable(layer.weights), variable(layer.bias)};
  if (op.fixed_norm >= 0) {
    const auto& norm = network_.layers[op.fixed_norm];
    auto scale = (variable(norm.variance) + norm.epsilon).rsqrt();
    if (norm.gamma >= 0) scale = scale * variable(norm.gamma);
    auto shift = -variable(norm.mean) * scale;
    if (kernel.bias.defined()) shift = shift + kernel.bias * scale;
    if (norm.beta >= 0) shift = shift + variable(norm.beta);
    kernel = {kernel.weights * scale.view({-1, 1, 1, 1}), shift};
  }
  kernel.weights = kernel.weights.to(type_);
  if (kernel.bias.defined()) kernel.bias = kernel.bias.to(type_);
  return kernel;
}

TorchNetwork::Kernel TorchNetwork::kernel_of(const Op& op) {
  if (use_ == Use::training) return fold(op);
  const auto found = kernels_.find(op.layer);
  if (found != kernels_.end()) return found->second;
  return kernels_.emplace(op.layer, fold(op)).first->second;
}

Tensor TorchNetwork::convolution(const Op& op) {
  const auto& layer = layer_of(op);
  const auto [in, out] = std::pair{sizes_[op.inputs[0]], sizes_[op.layer]};
  const auto rows = border(layer, in.height, out.height);
  const auto columns = border(layer, in.width, out.width);
  const bool is_depthwise = op.kind != OpKind::convolution;
  const auto groups = is_depthwise ? input(op).size(1) : std::int64_t(1);
  const auto kernel = kernel_of(op);
  const bool even = is_even(rows) && is_even(columns);
  const auto x = even ? input(op) : pad(input(op), rows, columns, 0);
  const std::vector<std::int64_t> padding = {even ? rows.begin : 0, even ? columns.begin : 0};
  return at::conv2d(x, kernel.weights, kernel.bias, {layer.stride, layer.stride}, padding,
                    {layer.dilation, layer.dilation}, groups);
}

// TensorFlow's SAME is libtorch's unpadded one without its last row and column.
Tensor TorchNetwork::transposed(const Layer& layer, const Tensor& input,
                                at::ScalarType type) const {
  const auto weights = variable(layer.weights).to(type);
  const auto bias = layer.bias >= 0 ? variable(layer.bias).to(type) : Tensor();
  return at::conv_transpose2d(input.to(type), weights, bias, {layer.stride, layer.stride})
      .slice(2, 0, layer.stride * input.size(2))
      .slice(3, 0, layer.stride * input.size(3));
}

Tensor TorchNetwork::batch_norm(const Op& op) {
  const auto& layer = layer_of(op);
  const NormVariables variables{variable(layer.gamma), variable(layer.beta), layer.epsilon};
  auto normalised = normalise(input(op), variables, sum_over_parts_);
  statistics_.push_back({&layer, normalised.mean, normalised.variance});
  return normalised.value;
}

Tensor TorchNetwork::max_pool(const Op& op) {
  const auto& layer = layer_of(op);
  const auto [in, out] = std::pair{sizes_[op.inputs[0]], sizes_[op.layer]};
  const auto rows = border(layer, in.height, out.height);
  const auto columns = border(layer, in.width, out.width);
  const bool even = is_even(rows) && is_even(columns);
  const auto x = even ? input(op) : pad(input(op), rows, columns, -INFINITY);
  const std::vector<std::int64_t> padding = {even ? rows.begin : 0, even ? columns.begin : 0};
  return at::max_pool2d(x, {layer.kernel, layer.kernel}, {layer.stride, layer.stride}, padding);
}

// Row i: with what weights the cells of a line of `in` make up cell i of `out`.
Tensor TorchNetwork::interpolation(int in, int out, ResizeRule rule) {
  auto& matrix = interpolations_[{in, out, rule}];
  if (matrix.defined()) return matrix;
  auto weights = at::zeros({out, in}, at::kFloat);
  auto* cells = weights.data_ptr<float>();
  const float scale = static_cast<float>(in) / static_cast<float>(out);
  for (int i = 0; i < out; ++i) {
    const auto place = static_cast<float>(i);
    const float source = rule == ResizeRule::tf1 ? place * scale : (place + 0.5F) * scale - 0.5F;
    const float floor = std::floor(source);
    const int lower = std::max(static_cast<int>(floor), 0);
    const int next = rule == ResizeRule::tf1 ? lower + 1 : static_cast<int>(std::ceil(source));
    cells[i * in + lower] += 1 - (source - floor);
    cells[i * in + std::clamp(next, 0, in - 1)] += source - floor;
  }
  return matrix = weights.to(device_);
}

// As two products, whose backward pass adds up in an order of its own on no device.
Tensor TorchNetwork::resize(const Op& op) {
  const auto rule = layer_of(op).resize_rule;
  const auto [in, out] = std::pair{sizes_[op.inputs[0]], sizes_[op.layer]};
  const auto rows = interpolation(in.height, out.height, rule);
  const auto columns = interpolation(in.width, out.width, rule);
  const auto wide = at::matmul(input(op).to(at::kFloat), columns.t());
  return at::matmul(rows, wide).contiguous(kChannelsLast).to(type_);
}

// Residual sum and activation. `is_own`: nobody else holds the value, nor needs it for a gradient.
Tensor TorchNetwork::finish(const Op& op, Tensor value, bool is_own) const {
  if (op.residual >= 0)
    value = is_own ? value.add_(values_[op.residual]) : value + values_[op.residual];
  if (!op.activated) return value;
  switch (op.activation) {
    case Activation::relu:
      return is_own ? value.relu_() : value.relu();
    case Activation::relu6:
      return is_own ? at::hardtanh_(value, 0, 6) : at::hardtanh(value, 0, 6);
    case Activation::swish:
      return at::silu(value);
    case Activation::sigmoid:
      return value.sigmoid();
  }
  return value;
}

TorchNetwork::Bytes TorchNetwork::bytes_for(int count, MapSize image) const {
  const auto sizes = map_sizes(network_, image);
  const auto width = at::elementSize(type_);
  Bytes bytes;
  for (const auto& op : graph_.ops) {
    const auto& size = sizes[op.layer];
    const auto own = std::size_t(count) * size.height * size.width * layer_of(op).channels * width;
    const bool keeps_input = op.activated && op.activation == Activation::swish;
    bytes.kept += keeps_input ? 2 * own : own;
    bytes.largest = std::max(bytes.largest, own);
  }
  return bytes;
}

void copy_map(const Tensor& output, FeatureMap& map) {
  const auto values =
      output.detach().permute({0, 2, 3, 1}).to(at::kFloat).contiguous().to(at::kCPU);
  map.count = static_cast<int>(values.size(0));
  map.height = static_cast<int>(values.size(1));
  map.width = static_cast<int>(values.size(2));
  map.channels = static_cast<int>(values.size(3));
  const auto* first = values.data_ptr<float>();
  map.values.assign(first, first + values.numel());
}

}  // namespace poseheir::libtorch
