// Of which weights evaluation results are: snapshots trained anew have the names of those before.
#pragma once

#include <filesystem>
#include <string>

#include "poseheir/checkpoint.h"

namespace poseheir {

enum class ResultsAge {
  absent,
  current,
  of_other_weights,  // recorded when they were written
  older,             // than the snapshot, by the files' times; DeepLabCut, for one, records nothing
};

// `results`: a file of an evaluation folder. Where evaluated.json beside it knows the file, the
// weights decide; else the times of the files do. What is of a snapshot that is gone is current.
ResultsAge age_of_results(const std::filesystem::path& results, const Snapshot& snapshot);

// Into evaluated.json: `results`, as they are now, are of this snapshot's weights.
void record_results(const std::filesystem::path& results, const Snapshot& snapshot);

// Gives a file another name, "….h5.before" or "….h5.before-2", which it returns.
std::filesystem::path set_aside(const std::filesystem::path& file);

}  // namespace poseheir
