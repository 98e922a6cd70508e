// The limbs that a new multi-animal model learns (spec 2.5).
#pragma once

#include <array>
#include <vector>

#include "poseheir/project.h"

namespace poseheir {

// All pairs of body parts; of 105 pairs or more a random connected choice with three a body part,
// by the options' seed. Or config.yaml's skeleton. Throws Error(usage) where that leaves a body
// part without limb.
std::vector<std::array<int, 2>> choose_limbs(const Project& project,
                                             const TrainingSetOptions& options);

}  // namespace poseheir
