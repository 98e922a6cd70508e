#include "transfer/source.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/text.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

std::vector<TensorInfo> infos_within(const Checkpoint& source, const std::string& scope) {
  std::vector<TensorInfo> infos;
  for (const auto& tensor : source.tensors) {
    if (!tensor.info.name.starts_with(scope)) continue;
    infos.push_back(tensor.info);
    infos.back().name.erase(0, scope.size());
  }
  return infos;
}

std::string first_names(const Checkpoint& source) {
  if (source.tensors.empty()) return "it holds no tensors at all";
  std::string text = fmt::format("it holds {} tensors, among them", source.tensors.size());
  for (std::size_t i = 0; i < std::min<std::size_t>(3, source.tensors.size()); ++i)
    text += fmt::format("{} '{}'", i == 0 ? "" : ",", printable(source.tensors[i].info.name));
  return text;
}

std::string shape_of_heads(const NetworkSpec& spec) {
  if (spec.stride >= 8) return "one transposed convolution a head (stride 8)";
  if (spec.multi_stage && spec.net_type.starts_with("resnet"))
    return fmt::format("the multi-stage decoder (stride {})", spec.stride);
  return "dual fusion (stride 4)";
}

}  // namespace

RecognisedNetwork recognise_source(const Checkpoint& source,
                                   const std::optional<std::string>& scope) {
  std::string prefix = scope.value_or("");
  if (!prefix.empty() && !prefix.ends_with('/')) prefix += '/';
  const auto infos = infos_within(source, prefix);
  if (infos.empty() && !prefix.empty())
    throw Error(ErrorKind::usage, fmt::format("no tensor of A begins with the scope '{}': {}",
                                              printable(prefix), first_names(source)));
  auto found = recognise_network(infos);
  if (found.empty())
    throw Error(
        ErrorKind::mismatch,
        fmt::format("{}: no network of DeepLabCut's (ResNet, MobileNetV2, EfficientNet): {}",
                    source.path.string(), first_names(source)));
  found[0].scope.insert(0, prefix);
  if (!found[0].obstacle.empty())
    throw Error(ErrorKind::unsupported, fmt::format("{}: {}: {}", source.path.string(),
                                                    found[0].description, found[0].obstacle));
  return found[0];
}

void check_networks(const NetworkSpec& source, const NetworkSpec& target) {
  if (source.net_type == target.net_type) return;
  throw Error(
      ErrorKind::mismatch,
      fmt::format("A is {} and C is {}: their layers differ in number and shape, so nothing "
                  "can be taken over; take an A of {}, or create C's training dataset "
                  "anew with net_type {}",
                  source.net_type, target.net_type, target.net_type, source.net_type));
}

void check_keypoint_counts(const NetworkSpec& source, const NetworkSpec& target,
                           const KeypointNames& names) {
  const auto check = [](const std::string& whose, int channels, std::size_t named,
                        const char* where) {
    if (channels == 0 || named == 0 || static_cast<std::size_t>(channels) == named) return;
    throw Error(ErrorKind::mismatch,
                fmt::format("model {} has {} keypoints{}, but its pose_cfg.yaml names {} "
                            "(all_joints_names): it belongs to another model, or the list was "
                            "changed afterwards",
                            whose, channels, where, named));
  };
  check("A", source.keypoints, names.source.size(), " in its head");
  check("C", target.keypoints, names.target.size(), " by num_joints");
}

std::string head_difference(const NetworkSpec& source, const NetworkSpec& target) {
  if (source.keypoints == 0) return "";
  const auto of_source = shape_of_heads(source), of_target = shape_of_heads(target);
  if (of_source == of_target) return "";
  return fmt::format("A's head is {}, C's is {}", of_source, of_target);
}

std::string unused_reason(const std::string& name) {
  const auto lower = to_lower(name);
  for (const char* slot : {"adam", "momentum", "beta1_power", "beta2_power", "rmsprop"}) {
    if (lower.find(slot) != std::string::npos)
      return "state of the optimizer, which DeepLabCut never restores";
  }
  if (lower.find("global_step") != std::string::npos) return "step counter; training starts at 0";
  if (lower.find("pose/final_pred") != std::string::npos)
    return "the cookbook's own head, which DeepLabCut's network does not have";
  return "not in C's network";
}

void add_cookbook_warnings(TransferPlan& plan, Layers layers) {
  const bool foreign_head =
      std::any_of(plan.unused.begin(), plan.unused.end(), [](const UnusedTensor& unused) {
        return unused.tensor.name.find("pose/final_pred") != std::string::npos;
      });
  if (foreign_head)
    plan.warnings.push_back(
        "A holds the head 'pose/final_pred' of the transfer cookbook: DeepLabCut asks for "
        "pose/part_pred and pose/locref_pred and could not have restored it");
  if (layers != Layers::base) return;
  plan.warnings.push_back(
      "the cookbook's own code differs from this plan in two ways that stop DeepLabCut: its head "
      "'pose/final_pred' is none that DeepLabCut restores (here: DeepLabCut's own heads), and its "
      "file name 'model_b_snapshot' has no number to continue from (here: snapshot-0)");
  plan.warnings.push_back(
      "'block4' in the cookbook's list drops the last backbone block along with the heads; "
      "--layers backbone keeps it");
}

void add_fresh_backbone_warning(TransferPlan& plan, bool has_init) {
  const auto fresh = std::count_if(plan.steps.begin(), plan.steps.end(), [](const auto& step) {
    return step.action == TransferAction::initialize && is_of_backbone(step.target.part);
  });
  if (fresh == 0) return;
  plan.warnings.push_back(fmt::format("{} backbone variables start from random values{}", fresh,
                                      has_init ? ", since --init lacks them too"
                                               : "; --init FILE takes them from ImageNet weights"));
}

}  // namespace poseheir
