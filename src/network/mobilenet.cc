// MobileNet V2 as DeepLabCut runs it: the first 160-channel block keeps stride 1, and batch
// normalisation uses the batch's own statistics, at inference too.
#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <optional>

#include "network/families.h"

namespace poseheir {
namespace {

constexpr Norm kNorm = {0.001F, 0.997F, true, true};
constexpr int kBlocks = 17;
constexpr int kFirstLateBlock = 13;  // the blocks that ran at 1/32 in the original

struct Block {
  int channels, stride;
};

constexpr std::array<Block, kBlocks> kLayout = {{{16, 1},
                                                 {24, 2},
                                                 {24, 1},
                                                 {32, 2},
                                                 {32, 1},
                                                 {32, 1},
                                                 {64, 2},
                                                 {64, 1},
                                                 {64, 1},
                                                 {64, 1},
                                                 {96, 1},
                                                 {96, 1},
                                                 {96, 1},
                                                 {160, 1},
                                                 {160, 1},
                                                 {160, 1},
                                                 {320, 1}}};

// slim's rule: a multiple of 8, at least 8, and not more than a tenth below what was asked.
int scaled(int channels, double multiplier) {
  const double wanted = channels * multiplier;
  int rounded = std::max(8, static_cast<int>(wanted + 4) / 8 * 8);
  if (rounded < 0.9 * wanted) rounded += 8;
  return rounded;
}

int normalised(Graph& graph, int convolution, const std::string& scope,
               std::optional<Activation> activation) {
  const auto norm_name = activation ? scope + "/BatchNorm" : scope;
  const int norm = graph.batch_norm(convolution, norm_name, scope + "/BatchNorm", kNorm);
  return activation ? graph.activation(norm, scope, *activation) : norm;
}

int convolved(Graph& graph, int input, const std::string& scope, const Kernel& kernel,
              std::optional<Activation> activation) {
  const int conv = graph.convolution(input, scope + "/Conv2D", scope + "/weights", kernel);
  return normalised(graph, conv, scope, activation);
}

int add_block(Graph& graph, int input, const std::string& scope, int channels, int stride,
              bool expand) {
  int net = input;
  if (expand)
    net = convolved(graph, net, scope + "/expand", {6 * graph.channels(input)}, Activation::relu6);
  const auto depthwise = scope + "/depthwise";
  net = graph.depthwise(net, depthwise + "/DepthwiseConv2D", depthwise + "/depthwise_weights",
                        {0, 3, stride});
  net = normalised(graph, net, depthwise, Activation::relu6);
  net = convolved(graph, net, scope + "/project", {channels}, std::nullopt);
  if (stride == 1 && graph.channels(input) == channels) return graph.add(net, input, scope);
  graph.rename(net, scope);
  return net;
}

}  // namespace

Backbone add_mobilenet(Graph& graph, int image) {
  const auto& type = graph.spec().net_type;
  const double multiplier = std::stod(type.substr(type.rfind('_') + 1));
  Backbone backbone;
  backbone.end_point_name = "layer_";
  int net = convolved(graph, image, "MobilenetV2/Conv", {scaled(32, multiplier), 3, 2},
                      Activation::relu6);
  backbone.end_points.push_back(net);
  for (int i = 0; i < kBlocks; ++i) {
    if (i == kFirstLateBlock) graph.enter(NetworkPart::last_block);
    const auto& block = kLayout[static_cast<std::size_t>(i)];
    const auto scope =
        i == 0 ? "MobilenetV2/expanded_conv" : fmt::format("MobilenetV2/expanded_conv_{}", i);
    net = add_block(graph, net, scope, scaled(block.channels, multiplier), block.stride, i > 0);
    backbone.end_points.push_back(net);
  }
  net = convolved(graph, net, "MobilenetV2/Conv_1", {1280}, Activation::relu6);
  backbone.end_points.push_back(net);
  backbone.features = net;
  backbone.fine = backbone.end_points[6];  // layer_7
  return backbone;
}

}  // namespace poseheir
