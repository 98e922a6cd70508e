// transfer.json: where snapshot-0 came from, and what is needed to take it back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "poseheir/transfer.h"

namespace poseheir {

struct Provenance {
  std::string init_weights_before, init_weights_after;
  std::optional<std::string> state_before;  // text of `checkpoint`, if there was one
  std::string state_after;
  std::uint64_t data_bytes = 0;  // of the snapshot that was written
  std::uint64_t index_bytes = 0;
};

std::string format_provenance(const PreparedTransfer& prepared, const Provenance& provenance);

// Throws Error(corrupt) where the text is not what format_provenance makes.
Provenance parse_provenance(const std::string& text);

}  // namespace poseheir
