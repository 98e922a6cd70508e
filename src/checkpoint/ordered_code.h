// Keys that sort like the values they encode: TensorFlow's ordered code, used for slices.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "checkpoint/slices.h"

namespace poseheir {

void append_ordered(std::string& key, std::uint64_t value);
void append_ordered(std::string& key, std::string_view text);
void append_ordered_signed(std::string& key, std::int64_t value);

// The key of one slice of a variable; V1 uses it for whole tensors too.
std::string slice_key(std::string_view name, const TensorSlice& slice);

}  // namespace poseheir
