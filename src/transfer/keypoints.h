// Which keypoint of model A each keypoint of model C takes its channels from.
#pragma once

#include <string>
#include <vector>

#include "poseheir/transfer.h"

namespace poseheir {

// For each keypoint of C the indices in A: none (afresh), one, or several (their mean).
using KeypointSources = std::vector<std::vector<int>>;

// Throws Error(usage) for an unknown name (naming the nearest) and for left taken from right.
KeypointSources resolve_keypoints(const KeypointNames& names, const TransferOptions& options);

bool any_mapped(const KeypointSources& sources);

// The same keypoints in the same order.
bool is_identity(const KeypointSources& sources, int source_keypoints);

}  // namespace poseheir
