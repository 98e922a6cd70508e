// Variables of a network by the words in which people speak of its layers.
#pragma once

#include <string>
#include <vector>

#include "poseheir/network.h"

namespace poseheir {

// By variable: base, backbone, heads, a word in its name (case-blind), or re:EXPRESSION that is
// found in it. Throws Error(usage) where that names nothing.
std::vector<bool> variables_named(const Network& network, const std::string& group);

}  // namespace poseheir
