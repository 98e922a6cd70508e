// What a pose_cfg.yaml says about targets, losses, augmentation, schedule and optimizer (spec 3).
#pragma once

#include <vector>

#include "pose/batches.h"
#include "pose/decode.h"
#include "pose/losses.h"
#include "pose/schedule.h"
#include "poseheir/project.h"

namespace poseheir {

// Throws Error(unsupported) for [use_batch_norm] and [use_drop_out] where DeepLabCut's
// EfficientNets would follow them: batch statistics and dropout are not in our networks of that
// family.
enum class NetworkUse { training, inference };
void refuse_unfollowed_keys(const PoseConfig& config, NetworkUse use);

TargetOptions target_options(const PoseConfig& config);
LossOptions loss_options(const PoseConfig& config);
DecodeOptions decode_options(const PoseConfig& config);
// Throws Error(usage) for an augmenter's unknown parameter, Error(unsupported) for a loader that we
// lack, each naming file and key.
BatchOptions batch_options(const PoseConfig& config);
std::vector<RateStep> rate_steps(const PoseConfig& config);
CosineDecay cosine_decay(const PoseConfig& config);

}  // namespace poseheir
