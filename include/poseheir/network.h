// Networks as data: layers, and the variables they use, of every network DeepLabCut's TensorFlow
// engine builds.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "poseheir/checkpoint.h"

namespace poseheir {

// What in a pose_cfg.yaml decides the graph (DeepLabCut's names in brackets).
struct NetworkSpec {
  std::string net_type = "resnet_50";
  int keypoints = 0;          // [num_joints]
  int identity_channels = 0;  // [num_idchannel]
  int limbs = 0;              // [num_limbs, or the length of partaffinityfield_graph]
  double stride = 8;          // pixels; below 8 selects the multi-scale networks
  bool multi_stage = false;
  bool multi_animal = false;  // [dataset_type contains "multi-animal"]
  bool location_refinement = false;
  bool intermediate_supervision = false;
  int intermediate_layer = 12;  // [intermediate_supervision_layer]
  bool pairwise_predict = false;
  bool paf_predict = false;  // [partaffinityfield_predict]
  int bank3 = 128, bank5 = 128;
  int backbone_stride = 16;  // 16 in DeepLabCut; 32 is slim's other choice
  std::array<float, 3> mean_pixel = {123.68F, 116.779F, 103.939F};  // R, G, B

  bool operator==(const NetworkSpec&) const = default;
};

enum class Initializer { xavier_uniform, he_truncated_normal, zeros, ones };
enum class NetworkPart {
  base,
  last_block,
  decoder,
  head
};  // base: conv1 and block1-3 for a ResNet

// All but decoder and heads.
constexpr bool is_of_backbone(NetworkPart part) {
  return part == NetworkPart::base || part == NetworkPart::last_block;
}

struct Variable {
  TensorInfo
      info;  // TensorFlow's name and layout: HWIO; transposed convolution HW-out-in; depthwise HWC1
  bool trainable = true;  // false for moving statistics
  Initializer initializer = Initializer::zeros;
  NetworkPart part = NetworkPart::base;
  std::string imagenet_key;  // key in the ImageNet start weights; empty for what they lack
};

enum class LayerKind {
  image,        // uint8 RGB, mean subtracted, then multiplied by `input_scale`
  convolution,  // weights, optional bias
  depthwise_convolution,
  transposed_convolution,  // kernel 3, stride 2, TensorFlow's SAME: output 2n, last row and column
                           // cropped
  batch_norm,
  activation,
  max_pool,   // pads with minus infinity
  subsample,  // every stride-th pixel from index 0
  add,
  concat,          // along channels
  resize,          // bilinear, to `resize_factor` times the size of inputs[1]
  global_mean,     // over height and width: 1 x 1 (squeeze-excite)
  scale_channels,  // inputs[0] times inputs[1], which is 1 x 1
};

enum class Padding {
  same,       // TensorFlow's SAME: the odd pixel goes to bottom and right
  symmetric,  // (kernel - 1) * dilation / 2 on each side: slim's conv2d_same
};

enum class Activation { relu, relu6, swish, sigmoid };
enum class ResizeRule { tf1, half_pixel };  // tf1: source = dest * in/out, no half-pixel centres

struct Layer {
  LayerKind kind = LayerKind::image;
  std::string name;         // TensorFlow's scope, for people, profiles and tests
  std::vector<int> inputs;  // indices of earlier layers
  int channels = 0;         // of the output
  int kernel = 1, stride = 1, dilation = 1;
  Padding padding = Padding::same;
  Activation activation = Activation::relu;
  // indices into Network::variables, -1 where there is none
  int weights = -1, bias = -1, gamma = -1, beta = -1, mean = -1, variance = -1;
  float epsilon = 0, decay = 0;  // batch_norm
  bool batch_statistics =
      false;  // batch_norm: normalise with the batch's own statistics, also at inference
  ResizeRule resize_rule = ResizeRule::half_pixel;
  int resize_factor = 1;
  std::array<float, 3> input_offset{};                    // image: subtracted
  std::array<float, 3> input_scale = {1.0F, 1.0F, 1.0F};  // image: multiplied afterwards
};

struct NetworkOutput {
  std::string name;  // "part_pred", "locref", "pairwise_pred", "part_pred_interm"
  int layer = 0;
};

struct Network {
  NetworkSpec spec;
  std::vector<Layer> layers;        // in an order in which they can be computed
  std::vector<Variable> variables;  // sorted bytewise by name
  std::vector<NetworkOutput> outputs;

  int find_variable(std::string_view name) const;  // -1 if unknown
  int find_layer(std::string_view name) const;     // -1 if unknown
};

// Throws Error(usage or unsupported) for an unknown net_type (naming the nearest) or a combination
// that DeepLabCut cannot build.
Network build_network(const NetworkSpec& spec);

std::vector<Variable> variables_of(const NetworkSpec& spec);

struct MapSize {
  int height = 0, width = 0;
  bool operator==(const MapSize&) const = default;
};

// The size of every layer's output for an input image.
std::vector<MapSize> map_sizes(const Network& network, MapSize image);

// Which network a checkpoint holds, from names and shapes alone; nothing if none that we know.
struct RecognisedNetwork {
  NetworkSpec spec;         // keypoints is 0 where there is no head, as in ImageNet weights
  std::string scope;        // prefix before the network's names, such as "model_a/"
  std::string description;  // "ResNet-50 with batch norm, 39 keypoints (SuperAnimal-Quadruped's
                            // number), location refinement"
  std::string obstacle;     // why DeepLabCut's TensorFlow engine cannot use it; empty where it can
};
std::vector<RecognisedNetwork> recognise_network(
    const std::vector<TensorInfo>& tensors);  // at most one

// Throws Error(mismatch) when a checkpoint lacks a variable of the network or has one of another
// shape: which, what network the file really holds, and how to go on. `pose_config` names the file
// that asked for the network; empty: none. Of the backbone, either of its names will do.
enum class Needs { everything, backbone };
void check_fits(const Network& network, const Checkpoint& checkpoint, Needs needs,
                const std::string& pose_config = {});

// The keypoints of SuperAnimal-Quadruped (39) or SuperAnimal-TopViewMouse (27) in channel order;
// none for other numbers. DeepLabCut calls them "superanimal_quadruped",
// "superanimal_topviewmouse".
std::vector<std::string> superanimal_keypoints(int count);
std::string superanimal_name(int count);

// A guess from shapes: the name of the SuperAnimal model that is built like this network and has
// as many keypoints; empty if none is. Anybody's network of 39 or 27 keypoints may be built so:
// only the names of its keypoints tell.
std::string likely_superanimal(const NetworkSpec& spec);

// Starting values of a variable by its initializer, the same for the same seed and name.
std::vector<float> initial_values(const Variable& variable, std::uint64_t seed);

}  // namespace poseheir
