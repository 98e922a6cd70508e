// slim's resnet_v1 as DeepLabCut runs it: strides sit in the last unit of a block, and batch
// normalisation keeps its stored statistics even in training.
#include <array>
#include <fmt/format.h>

#include "network/families.h"

namespace poseheir {
namespace {

constexpr Norm kNorm = {1e-5F, 0.997F, false, true};

std::array<int, 4> units_of(const std::string& net_type) {
  if (net_type == "resnet_101") return {3, 4, 23, 3};
  if (net_type == "resnet_152") return {3, 8, 36, 3};
  return {3, 4, 6, 3};
}

// Convolution, normalisation and, unless it ends a branch, ReLU.
int normalised(Graph& graph, int input, const std::string& scope, const Kernel& kernel,
               bool with_relu) {
  const int conv = graph.convolution(input, scope + "/Conv2D", scope + "/weights", kernel);
  const auto norm_name = with_relu ? scope + "/BatchNorm" : scope;
  const int norm = graph.batch_norm(conv, norm_name, scope + "/BatchNorm", kNorm);
  return with_relu ? graph.activation(norm, scope, Activation::relu) : norm;
}

int add_unit(Graph& graph, int input, const std::string& scope, int depth, int stride, int rate) {
  int shortcut = input;
  if (graph.channels(input) != 4 * depth) {
    shortcut = normalised(graph, input, scope + "/shortcut", {4 * depth, 1, stride}, false);
  } else if (stride > 1) {
    shortcut = graph.subsample(input, scope + "/shortcut", stride);
  }
  const auto padding = stride > 1 ? Padding::symmetric : Padding::same;
  int residual = normalised(graph, input, scope + "/conv1", {depth}, true);
  residual = normalised(graph, residual, scope + "/conv2", {depth, 3, stride, rate, padding}, true);
  residual = normalised(graph, residual, scope + "/conv3", {4 * depth}, false);
  const int sum = graph.add(shortcut, residual, scope + "/add");
  return graph.activation(sum, scope, Activation::relu);
}

}  // namespace

Backbone add_resnet(Graph& graph, int image) {
  const auto& spec = graph.spec();
  const auto scope = "resnet_v1_" + spec.net_type.substr(spec.net_type.find('_') + 1);
  const auto units = units_of(spec.net_type);
  int net = normalised(graph, image, scope + "/conv1", {64, 7, 2, 1, Padding::symmetric}, true);
  net = graph.max_pool(net, scope + "/pool1", 3, 2);
  int reached = 4;  // pixels a cell; at the wanted stride a further one becomes dilation
  int rate = 1;
  Backbone backbone;
  backbone.end_point_name = "block3/unit_";
  for (int block = 0; block < 4; ++block) {
    if (block == 3) graph.enter(NetworkPart::last_block);
    const int nominal = block < 3 ? 2 : 1;
    for (int unit = 1; unit <= units[static_cast<std::size_t>(block)]; ++unit) {
      const auto name = fmt::format("{}/block{}/unit_{}/bottleneck_v1", scope, block + 1, unit);
      const bool last = unit == units[static_cast<std::size_t>(block)];
      const int wanted = last ? nominal : 1;
      const int stride = reached < spec.backbone_stride ? wanted : 1;
      net = add_unit(graph, net, name, 64 << block, stride, rate);
      if (stride == wanted) {
        reached *= stride;
      } else {
        rate *= wanted;
      }
      if (block == 0 && unit == 3) backbone.finer = net;
      if (block == 1 && unit == 3) backbone.fine = net;
      if (block == 2) backbone.end_points.push_back(net);
    }
  }
  backbone.features = net;
  return backbone;
}

}  // namespace poseheir
