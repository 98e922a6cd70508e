// What model A is, whether it suits C, and what a reader of the plan should be told about it.
#pragma once

#include <optional>
#include <string>

#include "poseheir/transfer.h"

namespace poseheir {

// Throws Error(mismatch or unsupported) where A holds no network that could serve; Error(usage)
// where the given scope matches nothing.
RecognisedNetwork recognise_source(const Checkpoint& source,
                                   const std::optional<std::string>& scope);

void check_networks(const NetworkSpec& source, const NetworkSpec& target);
void check_keypoint_counts(const NetworkSpec& source, const NetworkSpec& target,
                           const KeypointNames& names);

// Why A's head cannot sit on C's decoder; empty where it can.
std::string head_difference(const NetworkSpec& source, const NetworkSpec& target);

std::string unused_reason(const std::string& name);  // of a tensor that C's network does not have
void add_cookbook_warnings(TransferPlan& plan, Layers layers);
void add_fresh_backbone_warning(TransferPlan& plan, bool has_init);

}  // namespace poseheir
