#include "network/recognise_pytorch.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace poseheir {
namespace {

constexpr const char* kGroupNorm =
    "its backbone normalises with GroupNorm: statistics of each image, none stored. DeepLabCut's "
    "TensorFlow ResNet needs BatchNorm's moving mean and variance, so this model has no "
    "counterpart there: its kernels could be copied, but the function they compute would be "
    "unrelated. Use a TensorFlow model as A (SuperAnimal's TensorFlow snapshots have BatchNorm)";
constexpr const char* kOtherStrides =
    "it is a PyTorch ResNet: its strides sit in the first unit of a stage and block 4 is dilated "
    "otherwise, so the same weights compute another function in DeepLabCut's TensorFlow engine "
    "(features differ by about 17 %). Use a TensorFlow model or slim's ImageNet weights as A";
constexpr const char* kNoCounterpart =
    "DeepLabCut's TensorFlow engine has no such network. Use a TensorFlow model as A";

class Keys {
 public:
  explicit Keys(const std::vector<TensorInfo>& tensors) : tensors_(tensors) {}

  const TensorInfo* ending(std::string_view end) const {
    const auto found = std::find_if(tensors_.begin(), tensors_.end(), [end](const auto& tensor) {
      return tensor.name.ends_with(end) &&
             (tensor.name.size() == end.size() ||
              tensor.name[tensor.name.size() - end.size() - 1] == '.');
    });
    return found == tensors_.end() ? nullptr : &*found;
  }
  bool containing(std::string_view part) const {
    return std::any_of(tensors_.begin(), tensors_.end(), [part](const auto& tensor) {
      return tensor.name.find(part) != std::string::npos;
    });
  }

 private:
  const std::vector<TensorInfo>& tensors_;
};

int keypoints_of(const Keys& keys) {
  for (const char* bias :
       {"heads.bodypart.heatmap_head.deconv_layers.0.bias",
        "heads.bodypart.heatmap_head.final_conv.bias", "heads.bodypart.final_layer.bias"}) {
    const auto* found = keys.ending(bias);
    if (found != nullptr && found->shape.size() == 1) return static_cast<int>(found->shape[0]);
  }
  return 0;
}

// A ResNet of bottlenecks, and how deep: by the last unit of its third stage.
std::optional<std::string> resnet_of(const Keys& keys) {
  if (keys.ending("layer4.2.conv3.weight") == nullptr || keys.containing("stage4."))
    return std::nullopt;
  if (keys.ending("layer3.35.conv3.weight") != nullptr) return "152";
  if (keys.ending("layer3.22.conv3.weight") != nullptr) return "101";
  return "50";
}

struct Kind {
  std::string name, net_type, obstacle;
};

std::optional<Kind> kind_of(const Keys& keys, bool deeplabcut) {
  if (const auto depth = resnet_of(keys)) {
    const bool batch_norm = keys.ending("layer1.0.bn1.running_mean") != nullptr;
    return Kind{fmt::format("ResNet-{} with {}", *depth, batch_norm ? "BatchNorm" : "GroupNorm"),
                "resnet_" + *depth, batch_norm ? kOtherStrides : kGroupNorm};
  }
  if (keys.containing("stage4.") && keys.containing("fuse_layers"))
    return Kind{"HRNet", "hrnet", kNoCounterpart};
  if (!deeplabcut) return std::nullopt;
  return Kind{"a network of another kind", "", kNoCounterpart};
}

}  // namespace

std::string superanimal_remark(int keypoints) {
  if (keypoints == 39) return " (SuperAnimal-Quadruped's number)";
  if (keypoints == 27) return " (SuperAnimal-TopViewMouse's number)";
  return "";
}

std::vector<RecognisedNetwork> recognise_pytorch(const std::vector<TensorInfo>& tensors) {
  const Keys keys(tensors);
  const bool deeplabcut = keys.containing("heads.bodypart.") || keys.containing("backbone.model.");
  const auto kind = kind_of(keys, deeplabcut);
  if (!kind) return {};
  RecognisedNetwork found;
  found.spec.net_type = kind->net_type;
  found.spec.keypoints = keypoints_of(keys);
  found.description =
      fmt::format("{}{}", deeplabcut ? "DeepLabCut 3 PyTorch model: " : "PyTorch: ", kind->name);
  if (found.spec.keypoints > 0)
    found.description += fmt::format(", {} keypoints{}", found.spec.keypoints,
                                     superanimal_remark(found.spec.keypoints));
  found.obstacle = kind->obstacle;
  return {found};
}

}  // namespace poseheir
