// The order in which CPython walks through a set of small numbers.
#pragma once

#include <vector>

namespace poseheir {

// DeepLabCut walks through the joints of an animal as a Python set. Among links of equal affinity
// the order decides which is taken first, so we walk the same way. `inserted` holds distinct
// numbers, not negative, in the order of their insertion into an empty set.
std::vector<int> visiting_order(const std::vector<int>& inserted);

}  // namespace poseheir
