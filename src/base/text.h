// Names and numbers as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "poseheir/names.h"

namespace poseheir {

std::string bytes_text(std::uint64_t bytes);   // "94.4 MB"
std::string duration_text(double seconds);     // "2 min 05 s"
std::string printable(std::string_view text);  // control characters escaped, cut at 200 characters
std::string to_lower(std::string_view text);
std::string shortest_double(double value);  // Python's repr: "1.0", "250.05599999999998"

}  // namespace poseheir
