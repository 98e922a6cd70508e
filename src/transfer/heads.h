// Heads of two networks side by side: which channel of A each channel of C takes.
#pragma once

#include <string>
#include <vector>

#include "transfer/keypoints.h"

namespace poseheir {

struct HeadPair {
  const NetworkSpec* source = nullptr;
  const NetworkSpec* target = nullptr;
  const KeypointNames* names = nullptr;
  KeypointSources keypoints;  // empty where A's channels have no names
};

struct HeadChannels {
  std::vector<std::vector<int>> sources;  // one entry a channel of C
  std::size_t axis = 0;
  bool whole = false;  // every channel of A, in its order
  std::string reason;
};

// `variable` is a head's weights or biases: "pose/part_pred/block4/weights".
HeadChannels head_channels(const std::string& variable, const HeadPair& pair);

}  // namespace poseheir
