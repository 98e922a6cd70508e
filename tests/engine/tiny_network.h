// A network small enough for difference quotients, with every kind of layer a ResNet has: folded
// batch norms, a subsampled shortcut, a sum, pooling, a head.
#pragma once

#include "poseheir/engine.h"

namespace poseheir {

class TinyNetwork {
 public:
  explicit TinyNetwork(bool batch_statistics) : batch_statistics_(batch_statistics) {
    Layer image;
    image.channels = 3;
    image.input_offset = {100, 110, 120};
    image.input_scale = {0.02F, 0.02F, 0.02F};
    network.layers.push_back(image);
    const int first = relu(norm(convolution(0, 3, 2)));
    const int pooled = other(LayerKind::max_pool, {first}, 3, 2);
    const int shortcut = other(LayerKind::subsample, {pooled}, 1, 2);
    const int inner = relu(norm(convolution(pooled, 1, 1)));
    const int middle = relu(norm(convolution(inner, 3, 2)));
    const int last = norm(convolution(middle, 1, 1));
    const int sum = relu(other(LayerKind::add, {last, shortcut}, 1, 1));
    Layer head;
    head.kind = LayerKind::transposed_convolution;
    head.name = "head";
    head.inputs = {sum};
    head.channels = 2;
    head.kernel = 3;
    head.stride = 2;
    head.weights = variable("head/weights", {3, 3, 2, 16}, Initializer::xavier_uniform);
    head.bias = variable("head/biases", {2}, Initializer::zeros);
    network.layers.push_back(head);
    network.outputs = {{"head", static_cast<int>(network.layers.size()) - 1}};
    network.spec.net_type = "tiny";
  }

  Network network;

 private:
  int variable(std::string name, std::vector<std::int64_t> shape, Initializer initializer,
               bool trainable = true) {
    Variable v;
    v.info = {std::move(name), DType::f32, std::move(shape)};
    v.initializer = initializer;
    v.trainable = trainable;
    network.variables.push_back(v);
    return static_cast<int>(network.variables.size()) - 1;
  }

  int add(Layer layer) {
    layer.name = layer.name.empty() ? "layer" : layer.name;
    network.layers.push_back(std::move(layer));
    return static_cast<int>(network.layers.size()) - 1;
  }

  int convolution(int input, int kernel, int stride) {
    Layer layer;
    layer.kind = LayerKind::convolution;
    layer.inputs = {input};
    layer.channels = 16;
    layer.kernel = kernel;
    layer.stride = stride;
    layer.padding = Padding::symmetric;
    scope_ = "conv" + std::to_string(input);
    layer.name = scope_;
    layer.weights =
        variable(scope_ + "/weights", {kernel, kernel, network.layers[input].channels, 16},
                 Initializer::he_truncated_normal);
    return add(layer);
  }

  int norm(int input) {
    Layer layer;
    layer.kind = LayerKind::batch_norm;
    layer.inputs = {input};
    layer.channels = 16;
    layer.epsilon = 0.01F;
    layer.decay = 0.9F;
    layer.batch_statistics = batch_statistics_;
    layer.gamma = variable(scope_ + "/gamma", {16}, Initializer::ones);
    layer.beta = variable(scope_ + "/beta", {16}, Initializer::zeros);
    layer.mean = variable(scope_ + "/mean", {16}, Initializer::zeros, false);
    layer.variance = variable(scope_ + "/variance", {16}, Initializer::ones, false);
    return add(layer);
  }

  int relu(int input) {
    Layer layer;
    layer.kind = LayerKind::activation;
    layer.inputs = {input};
    layer.channels = 16;
    return add(layer);
  }

  int other(LayerKind kind, std::vector<int> inputs, int kernel, int stride) {
    Layer layer;
    layer.kind = kind;
    layer.inputs = std::move(inputs);
    layer.channels = 16;
    layer.kernel = kernel;
    layer.stride = stride;
    return add(layer);
  }

  bool batch_statistics_;
  std::string scope_;
};

}  // namespace poseheir
