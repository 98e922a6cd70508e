// The text of a `checkpoint` state file, in TensorFlow's spelling:
// docs/formats/checkpoint-state.md.
#pragma once

#include <string>
#include <string_view>

#include "poseheir/checkpoint.h"

namespace poseheir {

// Paths as they stand in the file. Throws Error(corrupt), naming the line.
CheckpointState parse_checkpoint_state(std::string_view text);
std::string format_checkpoint_state(const CheckpointState& state);

// What follows the last "/" or "\": paths in state files are often absolute, moved or Windows'.
std::string bare_name(std::string_view path);

}  // namespace poseheir
