// Networks whose outputs, losses and gradients are known from TensorFlow, and the rule that makes
// their weights: each value depends on the variable's name, the index and a scale, nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "poseheir/network.h"

namespace poseheir {

// Every family, depth and kind of head that DeepLabCut's TensorFlow engine builds, by the names
// under which the reference values are kept: "resnet_50_paf", "efficientnet-b3_dual_fusion".
std::vector<std::string> reference_networks();
// Throws Error(usage), naming the nearest, for an unknown name.
NetworkSpec reference_spec(const std::string& name);

struct GeneratedScale {
  float scale = 0;
  bool around_one = false;  // gamma and variance: scale * (1 + u / 2); else scale * u
};

std::uint64_t generated_hash(std::string_view name);                    // FNV-1a
std::uint64_t generated_bits(std::uint64_t hash, std::uint64_t index);  // splitmix64 of the sum
float generated_value(std::uint64_t hash, std::uint64_t index, GeneratedScale scale);

// Kernels uniform with He's variance, gammas and variances about 1, the others small; the last
// gamma of a residual unit and the kernel that sees the image are small, so that activations stay
// near 1 through all depths.
GeneratedScale generated_scale(const Network& network, int variable);
std::vector<float> generated_values(const TensorInfo& info, GeneratedScale scale);
std::vector<float> generated_values(const Network& network, int variable);

}  // namespace poseheir
