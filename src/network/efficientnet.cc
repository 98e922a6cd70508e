// EfficientNet b0 to b6 as DeepLabCut runs them: without the last convolution, and the sixth stage
// keeps stride 1.
#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>

#include "network/families.h"

namespace poseheir {
namespace {

constexpr Norm kNorm = {0.001F, 0.99F, false, true};
constexpr int kFirstLateStage = 5;  // the stages that ran at 1/32 in the original
constexpr double kSqueezeRatio = 0.25;

struct Stage {
  int repeats, kernel, stride, expansion, channels;
};

constexpr std::array<Stage, 7> kStages = {{{1, 3, 1, 1, 16},
                                           {2, 3, 2, 6, 24},
                                           {2, 5, 2, 6, 40},
                                           {3, 3, 2, 6, 80},
                                           {3, 5, 1, 6, 112},
                                           {4, 5, 1, 6, 192},
                                           {1, 3, 1, 6, 320}}};

struct Variant {
  double width, depth;
  std::size_t fine_block;  // the block at 1/8 that dual fusion takes
};

constexpr std::array<Variant, 7> kVariants = {{{1.0, 1.0, 4},
                                               {1.0, 1.1, 7},
                                               {1.1, 1.2, 7},
                                               {1.2, 1.4, 7},
                                               {1.4, 1.8, 9},
                                               {1.6, 2.2, 12},
                                               {1.8, 2.6, 14}}};

int scaled(int channels, double width) {
  const double wanted = channels * width;
  int rounded = std::max(8, static_cast<int>(wanted + 4) / 8 * 8);
  if (rounded < 0.9 * wanted) rounded += 8;
  return rounded;
}

// Keras numbers the layers of one kind inside a scope: conv2d, conv2d_1, …
std::string numbered(const std::string& kind, int number) {
  return number == 0 ? kind : fmt::format("{}_{}", kind, number);
}

int normalised(Graph& graph, int input, const std::string& scope, int number) {
  const auto name = scope + "/" + numbered("tpu_batch_normalization", number);
  return graph.batch_norm(input, name, name, kNorm);
}

int squeeze_excite(Graph& graph, int input, const std::string& scope, int squeezed) {
  int gate = graph.global_mean(input, scope + "/mean");
  gate = graph.convolution(gate, scope + "/conv2d", scope + "/conv2d/kernel", {squeezed});
  graph.bias(gate, scope + "/conv2d/bias");
  gate = graph.activation(gate, scope + "/swish", Activation::swish);
  gate = graph.convolution(gate, scope + "/conv2d_1", scope + "/conv2d_1/kernel",
                           {graph.channels(input)});
  graph.bias(gate, scope + "/conv2d_1/bias");
  gate = graph.activation(gate, scope + "/sigmoid", Activation::sigmoid);
  return graph.scale_channels(input, gate, scope);
}

int add_block(Graph& graph, int input, const std::string& scope, const Stage& stage) {
  int convolutions = 0, norms = 0, net = input;
  const auto convolve = [&](int channels) {
    const auto name = scope + "/" + numbered("conv2d", convolutions++);
    net = graph.convolution(net, name, name + "/kernel", {channels});
    net = normalised(graph, net, scope, norms++);
  };
  if (stage.expansion != 1) {
    convolve(stage.expansion * graph.channels(input));
    net = graph.activation(net, scope + "/expand_swish", Activation::swish);
  }
  const auto depthwise = scope + "/depthwise_conv2d";
  net = graph.depthwise(net, depthwise, depthwise + "/depthwise_kernel",
                        {0, stage.kernel, stage.stride});
  net = normalised(graph, net, scope, norms++);
  net = graph.activation(net, scope + "/depthwise_swish", Activation::swish);
  const int squeezed = std::max(1, static_cast<int>(graph.channels(input) * kSqueezeRatio));
  net = squeeze_excite(graph, net, scope + "/se", squeezed);
  convolve(stage.channels);
  if (stage.stride == 1 && graph.channels(input) == stage.channels)
    return graph.add(net, input, scope);
  graph.rename(net, scope);
  return net;
}

}  // namespace

Backbone add_efficientnet(Graph& graph, const std::string& outer_scope, int image) {
  const auto& type = graph.spec().net_type;
  const auto& variant = kVariants[static_cast<std::size_t>(type.back() - '0')];
  const auto scope = outer_scope + type;
  const auto stem = scope + "/stem";
  int net = graph.convolution(image, stem + "/conv2d", stem + "/conv2d/kernel",
                              {scaled(32, variant.width), 3, 2});
  net = normalised(graph, net, stem, 0);
  net = graph.activation(net, stem, Activation::swish);
  std::vector<int> blocks;
  for (std::size_t i = 0; i < kStages.size(); ++i) {
    if (i == kFirstLateStage) graph.enter(NetworkPart::last_block);
    auto stage = kStages[i];
    stage.channels = scaled(stage.channels, variant.width);
    const int repeats = static_cast<int>(std::ceil(variant.depth * stage.repeats));
    for (int repeat = 0; repeat < repeats; ++repeat) {
      net = add_block(graph, net, fmt::format("{}/blocks_{}", scope, blocks.size()), stage);
      blocks.push_back(net);
      stage.stride = 1;
    }
  }
  Backbone backbone;
  backbone.features = net;
  backbone.fine = blocks[variant.fine_block];
  return backbone;
}

}  // namespace poseheir
