// What people know as TensorFlow's "Key … not found in checkpoint" and "Assign requires shapes of
// both tensors to match": said in terms of networks and settings.
#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.h"
#include "poseheir/error.h"
#include "poseheir/network.h"

namespace poseheir {
namespace {

const StoredTensor* find_for(const Variable& variable, const Checkpoint& checkpoint, Needs needs) {
  if (needs == Needs::backbone)
    if (const auto* tensor = checkpoint.find(variable.imagenet_key)) return tensor;
  return checkpoint.find(variable.info.name);
}

// The first variable that the checkpoint cannot fill, and how many there are.
struct Misfit {
  const Variable* first = nullptr;
  const StoredTensor* found = nullptr;  // of another shape; null: absent
  int count = 0, needed = 0;
};

Misfit find_misfit(const Network& network, const Checkpoint& checkpoint, Needs needs) {
  Misfit misfit;
  for (const auto& variable : network.variables) {
    if (needs == Needs::backbone && variable.imagenet_key.empty()) continue;
    ++misfit.needed;
    const auto* tensor = find_for(variable, checkpoint, needs);
    if (tensor != nullptr && tensor->info.shape == variable.info.shape) continue;
    // An absent name says more than another shape.
    if (misfit.count++ > 0 && (tensor != nullptr || misfit.found == nullptr)) continue;
    misfit.first = &variable;
    misfit.found = tensor;
  }
  return misfit;
}

std::string misfit_text(const Misfit& misfit, const Checkpoint& checkpoint) {
  const auto& wanted = misfit.first->info;
  if (misfit.found != nullptr)
    return fmt::format(
        "'{}' has the shape {}, but the network needs {} (TensorFlow: 'lhs shape= "
        "{} rhs shape= {}')",
        wanted.name, shape_text(misfit.found->info.shape), shape_text(wanted.shape),
        shape_text(wanted.shape), shape_text(misfit.found->info.shape));
  std::vector<std::string> names;
  for (const auto& known : checkpoint.tensors) names.push_back(known.info.name);
  return fmt::format("no tensor '{}' of {}{} (TensorFlow: 'Key {} not found in checkpoint')",
                     wanted.name, shape_text(wanted.shape), nearest_hint(wanted.name, names),
                     wanted.name);
}

// The keys of a pose_cfg.yaml that would have to change for the network that a file holds.
std::vector<std::string> settings_of(const NetworkSpec& found, const NetworkSpec& wanted) {
  std::vector<std::string> settings;
  const auto differ = [&](const char* key, const auto& is, const auto& asked) {
    if (is != asked) settings.push_back(fmt::format("{}: {}", key, is));
  };
  differ("net_type", found.net_type, wanted.net_type);
  differ("num_joints", found.keypoints, wanted.keypoints);
  differ("num_idchannel", found.identity_channels, wanted.identity_channels);
  differ("location_refinement", found.location_refinement, wanted.location_refinement);
  differ("intermediate_supervision", found.intermediate_supervision,
         wanted.intermediate_supervision);
  if (std::min(found.stride, 8.0) != std::min(wanted.stride, 8.0))
    differ("stride", found.stride, wanted.stride);
  if (found.stride < 8) differ("multi_stage", found.multi_stage, wanted.multi_stage);
  const auto limbs = [](const NetworkSpec& spec) {
    return spec.multi_animal && spec.paf_predict ? spec.limbs : 0;
  };
  differ("partaffinityfield_predict", limbs(found) > 0, limbs(wanted) > 0);
  if (limbs(found) > 0) differ("num_limbs", limbs(found), limbs(wanted));
  return settings;
}

std::string advice(const RecognisedNetwork& held, const Network& network, Needs needs,
                   const std::string& pose_config) {
  if (!held.obstacle.empty()) return "as start weights: no, " + held.obstacle;
  if (!held.scope.empty())
    return fmt::format("its names begin with '{}': 'poseheir transfer' takes such a model",
                       held.scope);
  if (needs == Needs::backbone)
    return fmt::format("name start weights of {} (--init FILE), or begin afresh (--init random)",
                       network.spec.net_type);
  if (held.spec.keypoints == 0)
    return "it has no head of DeepLabCut's: it can only start a training, under a name without "
           "'snapshot' or with --fresh-heads";
  const auto settings = settings_of(held.spec, network.spec);
  if (settings.empty())
    return "the network is the right one, so the file is incomplete: take another snapshot";
  const bool serves = held.spec.net_type == network.spec.net_type;
  return fmt::format(
      "to use the file as it is, {} must say {}; {}or choose a snapshot of this model",
      pose_config.empty() ? "pose_cfg.yaml" : pose_config, fmt::join(settings, ", "),
      !serves ? ""
              : fmt::format("to start a training of {} keypoints from it, use 'poseheir transfer' "
                            "(which can pick and map keypoints), or take only its backbone "
                            "(--fresh-heads); ",
                            network.spec.keypoints));
}

}  // namespace

void check_fits(const Network& network, const Checkpoint& checkpoint, Needs needs,
                const std::string& pose_config) {
  const auto misfit = find_misfit(network, checkpoint, needs);
  if (misfit.count == 0) return;
  std::vector<TensorInfo> tensors;
  for (const auto& tensor : checkpoint.tensors) tensors.push_back(tensor.info);
  const auto held = recognise_network(tensors);
  throw Error(
      ErrorKind::mismatch,
      fmt::format("{}: does not fit {}: {} ({} of {} variables do not fit). The file holds {}; {}",
                  checkpoint.path.string(),
                  needs == Needs::backbone
                      ? fmt::format("the backbone of {}", network.spec.net_type)
                      : fmt::format("{} with {} keypoint{}", network.spec.net_type,
                                    network.spec.keypoints, network.spec.keypoints == 1 ? "" : "s"),
                  misfit_text(misfit, checkpoint), misfit.count, misfit.needed,
                  held.empty() ? "no network that Poseheir knows" : held.front().description,
                  held.empty() ? "name a snapshot of DeepLabCut's TensorFlow engine; 'poseheir "
                                 "inspect' lists what is in it"
                               : advice(held.front(), network, needs, pose_config)));
}

}  // namespace poseheir
