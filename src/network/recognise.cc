// Which network a list of names and shapes belongs to.
#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <set>

#include "network/recognise_pytorch.h"
#include "poseheir/network.h"

namespace poseheir {
namespace {

using Shape = std::vector<std::int64_t>;
using Shapes = std::map<std::string, Shape, std::less<>>;

struct Marker {
  std::string net_type, scope;
};

std::optional<std::string> scope_before(const std::string& name, const std::string& marker) {
  if (!name.ends_with(marker)) return std::nullopt;
  auto scope = name.substr(0, name.size() - marker.size());
  if (!scope.empty() && !scope.ends_with('/')) return std::nullopt;
  return scope;
}

std::string mobilenet_type(std::int64_t last_channels) {
  const std::map<std::int64_t, std::string> types = {{112, "mobilenet_v2_0.35"},
                                                     {160, "mobilenet_v2_0.5"},
                                                     {240, "mobilenet_v2_0.75"},
                                                     {320, "mobilenet_v2_1.0"}};
  const auto found = types.find(last_channels);
  return found == types.end() ? "" : found->second;
}

// The first layer of each backbone, whose name says which it is.
std::optional<Marker> find_marker(const std::vector<TensorInfo>& tensors) {
  for (const auto& tensor : tensors) {
    for (const char* depth : {"50", "101", "152"}) {
      const auto scope =
          scope_before(tensor.name, fmt::format("resnet_v1_{}/conv1/weights", depth));
      if (scope) return Marker{fmt::format("resnet_{}", depth), *scope};
    }
    if (const auto scope = scope_before(tensor.name, "MobilenetV2/Conv_1/weights");
        scope && tensor.shape.size() == 4)
      if (const auto type = mobilenet_type(tensor.shape[2]); !type.empty())
        return Marker{type, *scope};
    for (int number = 0; number <= 6; ++number) {
      const auto type = fmt::format("efficientnet-b{}", number);
      for (const char* ending : {"", "/ExponentialMovingAverage"}) {
        auto scope = scope_before(tensor.name, type + "/stem/conv2d/kernel" + ending);
        if (!scope) continue;
        if (scope->ends_with("efficientnet/")) scope->resize(scope->size() - 13);
        return Marker{type, *scope};
      }
    }
  }
  return std::nullopt;
}

class Heads {
 public:
  Heads(const std::vector<TensorInfo>& tensors, const std::string& scope) {
    for (const auto& tensor : tensors) {
      if (tensor.name.starts_with(scope)) shapes_[tensor.name.substr(scope.size())] = tensor.shape;
    }
  }

  bool has(const std::string& name) const { return shapes_.contains(name); }

  // Length of one dimension; 0 where there is no such tensor.
  int size(const std::string& name, std::size_t axis) const {
    const auto found = shapes_.find(name);
    if (found == shapes_.end() || axis >= found->second.size()) return 0;
    return static_cast<int>(found->second[axis]);
  }

  int channels(const std::string& head) const {  // by its biases, whatever the kernel's layout
    for (const char* level : {"/block4/biases", "/Conv/biases", "/Conv2d_transpose/biases"}) {
      if (const int count = size("pose/" + head + level, 0); count > 0) return count;
    }
    return 0;
  }

 private:
  Shapes shapes_;
};

void read_decoder(NetworkSpec& spec, const Heads& heads) {
  if (heads.has("decoder_filters/decoder_parallel_5/weights")) {
    spec.multi_stage = true;
    spec.stride = heads.has("upsampled_features/block4/weights") ? 2 : 4;
    spec.bank3 = heads.size("upsampled_features/block3/weights", 2);
    if (spec.stride == 2) spec.bank5 = heads.size("upsampled_features/block4/weights", 2);
  } else if (heads.has("decoder_filters/decoder_parallel_1/weights")) {
    spec.stride = 4;
    spec.bank3 = heads.size("decoder_filters/decoder_parallel_1/weights", 3);
    spec.bank5 = heads.size("upsampled_features/block4/weights", 2);
  }
}

void read_heads(NetworkSpec& spec, const Heads& heads) {
  const int scores = heads.channels("part_pred");
  const int offsets = heads.channels("locref_pred");
  const int pairs = heads.channels("pairwise_pred");
  spec.location_refinement = offsets > 0;
  spec.keypoints = offsets > 0 ? offsets / 2 : scores;
  spec.identity_channels = std::max(0, scores - spec.keypoints);
  spec.intermediate_supervision = heads.channels("intermediate_supervision") > 0;
  if (pairs == 0) return;
  spec.pairwise_predict = true;
  if (pairs == 2 * spec.keypoints * (spec.keypoints - 1)) return;
  spec.multi_animal = spec.paf_predict = true;
  spec.limbs = pairs / 2;
}

// The first layer whose channels fit; the head's own shape does not tell which of equals it was.
void read_intermediate_layer(NetworkSpec& spec, const Heads& heads) {
  if (!spec.intermediate_supervision) return;
  int channels = heads.size("pose/intermediate_supervision/block4/weights", 3);
  if (channels == 0)
    channels = heads.size("pose/intermediate_supervision/Conv2d_transpose/weights", 3);
  if (spec.net_type.starts_with("resnet")) {
    spec.intermediate_layer = 1;
    return;
  }
  for (int layer = 1; layer <= 19; ++layer) {
    spec.intermediate_layer = layer;
    const auto network = build_network(spec);
    for (const auto& output : network.outputs) {
      const auto& head = network.layers[static_cast<std::size_t>(output.layer)];
      if (output.name == "part_pred_interm" &&
          network.layers[static_cast<std::size_t>(head.inputs[0])].channels == channels)
        return;
    }
  }
}

std::string people_name(const std::string& net_type) {
  if (net_type.starts_with("resnet_")) return "ResNet-" + net_type.substr(7) + " with batch norm";
  if (net_type.starts_with("mobilenet_v2_")) return "MobileNetV2 " + net_type.substr(13);
  return "EfficientNet-" + net_type.substr(13);
}

std::string describe(const NetworkSpec& spec) {
  auto text = people_name(spec.net_type);
  if (spec.keypoints == 0) return text + ", no head of DeepLabCut's";
  text += fmt::format(", {} keypoint{}{}", spec.keypoints, spec.keypoints == 1 ? "" : "s",
                      superanimal_remark(spec.keypoints));
  if (spec.identity_channels > 0) text += fmt::format(", {} identities", spec.identity_channels);
  if (spec.location_refinement) text += ", location refinement";
  if (spec.multi_animal) text += fmt::format(", {} limbs", spec.limbs);
  if (spec.multi_stage) text += ", multi-stage decoder";
  if (spec.stride < 8) text += fmt::format(", stride {}", spec.stride);
  if (spec.intermediate_supervision) text += ", intermediate supervision";
  return text;
}

}  // namespace

std::vector<RecognisedNetwork> recognise_network(const std::vector<TensorInfo>& tensors) {
  const auto marker = find_marker(tensors);
  if (!marker) return recognise_pytorch(tensors);
  RecognisedNetwork found;
  found.scope = marker->scope;
  found.spec.net_type = marker->net_type;
  const Heads heads(tensors, marker->scope);
  read_decoder(found.spec, heads);
  read_heads(found.spec, heads);
  read_intermediate_layer(found.spec, heads);
  found.description = describe(found.spec);
  return {found};
}

}  // namespace poseheir
