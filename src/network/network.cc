// From what pose_cfg.yaml says to the graph.
#include "poseheir/network.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "base/text.h"
#include "network/families.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

const std::vector<std::string>& net_types() {
  static const std::vector<std::string> known = {
      "resnet_50",         "resnet_101",       "resnet_152",        "mobilenet_v2_1.0",
      "mobilenet_v2_0.75", "mobilenet_v2_0.5", "mobilenet_v2_0.35", "efficientnet-b0",
      "efficientnet-b1",   "efficientnet-b2",  "efficientnet-b3",   "efficientnet-b4",
      "efficientnet-b5",   "efficientnet-b6"};
  return known;
}

bool multi_scale(const NetworkSpec& spec) { return spec.stride < 8; }

void check(const NetworkSpec& spec) {
  const auto& known = net_types();
  if (std::find(known.begin(), known.end(), spec.net_type) == known.end())
    throw Error(ErrorKind::usage,
                fmt::format("unknown net_type '{}'{}; known are {}", printable(spec.net_type),
                            nearest_hint(spec.net_type, known), fmt::join(known, ", ")));
  if (spec.keypoints < 1)
    throw Error(
        ErrorKind::usage,
        fmt::format("{} keypoints: a network needs at least one (num_joints)", spec.keypoints));
  if (spec.paf_predict && spec.multi_animal && spec.limbs < 1)
    throw Error(ErrorKind::usage,
                "partaffinityfield_predict is on, but there is no limb (num_limbs, "
                "partaffinityfield_graph)");
  if (spec.backbone_stride != 16 &&
      (spec.backbone_stride != 32 || !spec.net_type.starts_with("resnet")))
    throw Error(ErrorKind::unsupported,
                fmt::format("{} with a backbone stride of {}: only 16, and 32 for a ResNet",
                            spec.net_type, spec.backbone_stride));
  if (!multi_scale(spec)) return;
  const bool multi_stage = spec.multi_stage && spec.net_type.starts_with("resnet");
  if (multi_stage && !(spec.paf_predict && spec.limbs > 0))
    throw Error(ErrorKind::unsupported,
                "a multi-stage network without part affinity fields: DeepLabCut cannot build it; "
                "set partaffinityfield_predict: true with limbs, multi_stage: false, or stride: 8");
  if (spec.stride != 4 && !(multi_stage && spec.stride == 2))
    throw Error(
        ErrorKind::unsupported,
        fmt::format("{} with stride {}: its maps have stride {}; set stride to one of these",
                    spec.net_type, spec.stride, multi_stage ? "4 or 2" : "4"));
}

// EfficientNet's input is divided by the standard deviation of ImageNet's colours.
std::array<float, 3> input_scale(const NetworkSpec& spec) {
  if (!spec.net_type.starts_with("efficientnet")) return {1.0F, 1.0F, 1.0F};
  return {1.0F / (0.229F * 255.0F), 1.0F / (0.224F * 255.0F), 1.0F / (0.225F * 255.0F)};
}

Backbone add_backbone(Graph& graph, int image) {
  const auto& spec = graph.spec();
  if (spec.net_type.starts_with("resnet")) return add_resnet(graph, image);
  if (spec.net_type.starts_with("mobilenet")) return add_mobilenet(graph, image);
  return add_efficientnet(graph, multi_scale(spec) ? "" : "efficientnet/", image);
}

}  // namespace

int Network::find_variable(std::string_view name) const {
  const auto found =
      std::lower_bound(variables.begin(), variables.end(), name,
                       [](const Variable& v, std::string_view n) { return v.info.name < n; });
  if (found == variables.end() || found->info.name != name) return -1;
  return static_cast<int>(found - variables.begin());
}

int Network::find_layer(std::string_view name) const {
  const auto found = std::find_if(layers.begin(), layers.end(),
                                  [name](const Layer& layer) { return layer.name == name; });
  return found == layers.end() ? -1 : static_cast<int>(found - layers.begin());
}

Network build_network(const NetworkSpec& spec) {
  auto cleaned = spec;
  // Both spellings occur; the plain EfficientNet takes either.
  if (cleaned.net_type.starts_with("efficientnet_")) cleaned.net_type[12] = '-';
  check(cleaned);
  Graph graph(cleaned);
  const int image = graph.image(cleaned.mean_pixel, input_scale(cleaned));
  const auto backbone = add_backbone(graph, image);
  if (!multi_scale(cleaned)) {
    add_heads(graph, backbone.features);
    add_intermediate_head(graph, backbone, "block4");
  } else if (cleaned.multi_stage && cleaned.net_type.starts_with("resnet")) {
    add_multi_stage(graph, backbone);
    add_intermediate_head(graph, backbone, "Conv2d_transpose");
  } else {
    add_dual_fusion(graph, backbone);
    add_intermediate_head(graph, backbone, "block4");
  }
  auto network = graph.finish();
  network.spec = spec;
  return network;
}

std::vector<Variable> variables_of(const NetworkSpec& spec) {
  return build_network(spec).variables;
}

namespace {

int divided(int size, int stride) { return (size + stride - 1) / stride; }

MapSize output_size(const Layer& layer, const std::vector<MapSize>& sizes, MapSize image) {
  if (layer.kind == LayerKind::image) return image;
  const auto size_of = [&](std::size_t input) {
    return sizes[static_cast<std::size_t>(layer.inputs[input])];
  };
  auto size = size_of(0);
  if (layer.kind == LayerKind::transposed_convolution) return {2 * size.height, 2 * size.width};
  if (layer.kind == LayerKind::global_mean) return {1, 1};
  if (layer.kind == LayerKind::resize) {
    size = size_of(1);
    return {layer.resize_factor * size.height, layer.resize_factor * size.width};
  }
  return {divided(size.height, layer.stride), divided(size.width, layer.stride)};
}

}  // namespace

std::vector<MapSize> map_sizes(const Network& network, MapSize image) {
  std::vector<MapSize> sizes;
  sizes.reserve(network.layers.size());
  for (const auto& layer : network.layers) sizes.push_back(output_size(layer, sizes, image));
  return sizes;
}

}  // namespace poseheir
