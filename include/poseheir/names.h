// Names that somebody may have misspelt.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace poseheir {

// The known name with the smallest edit distance, case-blind; empty when none is near.
std::string nearest_name(std::string_view name, std::span<const std::string> known);

// " (nearest known: 'leftear')", or an empty text.
std::string nearest_hint(std::string_view name, std::span<const std::string> known);

}  // namespace poseheir
