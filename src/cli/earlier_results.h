// What evaluate does about results that are there already.
#pragma once

#include <filesystem>

#include "cli/progress.h"
#include "poseheir/checkpoint.h"

namespace poseheir {

// False where `results` are of the snapshot's weights, unless they are to be replaced; says what it
// found.
bool must_evaluate(const std::filesystem::path& results, const Snapshot& snapshot, bool overwrite,
                   ProgressLine& line);

// Before new results are written: older ones of whom nothing is recorded may be DeepLabCut's, and
// are kept under another name.
void make_way(const std::filesystem::path& results, const Snapshot& snapshot, bool overwrite,
              ProgressLine& line);

}  // namespace poseheir
