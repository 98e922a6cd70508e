#include "network/graph.h"

#include <algorithm>
#include <numeric>

namespace poseheir {
namespace {

// The key of a backbone variable in the ImageNet start weights: its own name, but EfficientNet's
// are stored as averages and without the outer scope.
std::string imagenet_key(const std::string& name) {
  const std::string outer = "efficientnet/";
  if (name.starts_with(outer)) return name.substr(outer.size()) + "/ExponentialMovingAverage";
  if (name.starts_with("efficientnet-")) return name + "/ExponentialMovingAverage";
  return name;
}

}  // namespace

int Graph::push(LayerKind kind, const std::string& name, std::vector<int> inputs, int channels) {
  Layer layer;
  layer.kind = kind;
  layer.name = name;
  layer.inputs = std::move(inputs);
  layer.channels = channels;
  network_.layers.push_back(std::move(layer));
  return static_cast<int>(network_.layers.size()) - 1;
}

int Graph::variable(const std::string& name, const std::vector<int>& shape,
                    Initializer initializer) {
  Variable variable;
  variable.info = {name, DType::f32, {shape.begin(), shape.end()}};
  variable.initializer = initializer;
  variable.part = part_;
  variable.trainable = name.find("/moving_") == std::string::npos;
  if (part_ == NetworkPart::base || part_ == NetworkPart::last_block)
    variable.imagenet_key = imagenet_key(name);
  network_.variables.push_back(std::move(variable));
  return static_cast<int>(network_.variables.size()) - 1;
}

int Graph::image(const std::array<float, 3>& offset, const std::array<float, 3>& scale) {
  const int index = push(LayerKind::image, "image", {}, 3);
  at(index).input_offset = offset;
  at(index).input_scale = scale;
  return index;
}

int Graph::convolution(int input, const std::string& name, const std::string& weights,
                       const Kernel& kernel, Initializer initializer) {
  const int index = push(LayerKind::convolution, name, {input}, kernel.channels);
  auto& layer = at(index);
  layer.kernel = kernel.size;
  layer.stride = kernel.stride;
  layer.dilation = kernel.dilation;
  layer.padding = kernel.padding;
  layer.weights =
      variable(weights, {kernel.size, kernel.size, channels(input), kernel.channels}, initializer);
  return index;
}

int Graph::depthwise(int input, const std::string& name, const std::string& weights,
                     const Kernel& kernel) {
  const int index = push(LayerKind::depthwise_convolution, name, {input}, channels(input));
  auto& layer = at(index);
  layer.kernel = kernel.size;
  layer.stride = kernel.stride;
  layer.weights = variable(weights, {kernel.size, kernel.size, channels(input), 1},
                           Initializer::he_truncated_normal);
  return index;
}

int Graph::transposed(int input, const std::string& scope, int channels_out) {
  const int index = push(LayerKind::transposed_convolution, scope, {input}, channels_out);
  at(index).kernel = 3;
  at(index).stride = 2;
  at(index).weights = variable(scope + "/weights", {3, 3, channels_out, channels(input)},
                               Initializer::xavier_uniform);
  bias(index, scope + "/biases");
  return index;
}

void Graph::bias(int layer, const std::string& name) {
  at(layer).bias = variable(name, {channels(layer)}, Initializer::zeros);
}

int Graph::batch_norm(int input, const std::string& name, const std::string& scope,
                      const Norm& norm) {
  const int index = push(LayerKind::batch_norm, name, {input}, channels(input));
  const std::vector<int> shape = {channels(input)};
  auto& layer = at(index);
  if (norm.gamma) layer.gamma = variable(scope + "/gamma", shape, Initializer::ones);
  layer.beta = variable(scope + "/beta", shape, Initializer::zeros);
  layer.mean = variable(scope + "/moving_mean", shape, Initializer::zeros);
  layer.variance = variable(scope + "/moving_variance", shape, Initializer::ones);
  layer.epsilon = norm.epsilon;
  layer.decay = norm.decay;
  layer.batch_statistics = norm.batch_statistics;
  return index;
}

int Graph::activation(int input, const std::string& name, Activation kind) {
  const int index = push(LayerKind::activation, name, {input}, channels(input));
  at(index).activation = kind;
  return index;
}

int Graph::max_pool(int input, const std::string& name, int size, int stride) {
  const int index = push(LayerKind::max_pool, name, {input}, channels(input));
  at(index).kernel = size;
  at(index).stride = stride;
  return index;
}

int Graph::subsample(int input, const std::string& name, int stride) {
  const int index = push(LayerKind::subsample, name, {input}, channels(input));
  at(index).stride = stride;
  return index;
}

int Graph::add(int left, int right, const std::string& name) {
  return push(LayerKind::add, name, {left, right}, channels(left));
}

int Graph::concat(const std::vector<int>& inputs, const std::string& name) {
  const int sum = std::accumulate(inputs.begin(), inputs.end(), 0,
                                  [this](int total, int input) { return total + channels(input); });
  return push(LayerKind::concat, name, inputs, sum);
}

int Graph::resize(int input, int like, const std::string& name, ResizeRule rule, int factor) {
  const int index = push(LayerKind::resize, name, {input, like}, channels(input));
  at(index).resize_rule = rule;
  at(index).resize_factor = factor;
  return index;
}

int Graph::global_mean(int input, const std::string& name) {
  return push(LayerKind::global_mean, name, {input}, channels(input));
}

int Graph::scale_channels(int input, int by, const std::string& name) {
  return push(LayerKind::scale_channels, name, {input, by}, channels(input));
}

void Graph::rename(int layer, const std::string& name) { at(layer).name = name; }

Network Graph::finish() {
  auto& variables = network_.variables;
  std::vector<std::size_t> order(variables.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return variables[a].info.name < variables[b].info.name;
  });
  std::vector<int> place(variables.size());
  std::vector<Variable> sorted;
  for (const auto old : order) {
    place[old] = static_cast<int>(sorted.size());
    sorted.push_back(std::move(variables[old]));
  }
  variables = std::move(sorted);
  for (auto& layer : network_.layers) {
    for (auto* index :
         {&layer.weights, &layer.bias, &layer.gamma, &layer.beta, &layer.mean, &layer.variance}) {
      if (*index >= 0) *index = place[static_cast<std::size_t>(*index)];
    }
  }
  return std::move(network_);
}

}  // namespace poseheir
