// What stands in the way of a training, told before it begins: each throws an Error that names the
// file and says what to do.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "pose/training_options.h"
#include "pose/training_plan.h"
#include "poseheir/media.h"

namespace poseheir {

// pose_cfg.yaml, the labels and the training set speak of the same keypoints.
void require_same_keypoints(const Project& project, const PoseConfig& config,
                            const Dataset& dataset);

// Options that would have no effect.
void refuse_vain_options(const TrainOptions& options, const PoseConfig& config,
                         const TrainingPlan& plan);

void make_training_folder(const std::filesystem::path& folder);

// Snapshots without a run.json are DeepLabCut's, or somebody's.
void refuse_to_replace_others(const std::filesystem::path& folder, std::int64_t first_iteration);

// Labels lie on a picture of this size; one that was exchanged has them elsewhere.
std::shared_ptr<const Image> of_recorded_size(std::shared_ptr<const Image> picture,
                                              const std::filesystem::path& path,
                                              const TrainingRecord& record);

}  // namespace poseheir
