// Models of DeepLabCut 3's PyTorch engine, by their state-dict keys.
#pragma once

#include <string>
#include <vector>

#include "poseheir/network.h"

namespace poseheir {

// At most one; what it finds always has an obstacle.
std::vector<RecognisedNetwork> recognise_pytorch(const std::vector<TensorInfo>& tensors);

// " (SuperAnimal-Quadruped's number)" for 39 keypoints, empty for other numbers.
std::string superanimal_remark(int keypoints);

}  // namespace poseheir
