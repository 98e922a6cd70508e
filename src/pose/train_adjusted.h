// Training by a changed plan, so that bench/ablate.cc can tell what each choice of a recipe is
// worth.
#pragma once

#include <functional>

#include "pose/training_plan.h"

namespace poseheir {

using AdjustPlan = std::function<void(TrainingPlan&)>;

// As train(); a run's identity knows nothing of the change, so each needs a name of its own.
TrainResult train_adjusted(const Project& project, const ModelChoice& choice,
                           const TrainOptions& options, const TrainHooks& hooks,
                           const AdjustPlan& adjust);

}  // namespace poseheir
