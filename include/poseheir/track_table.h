// Poses of several individuals over the frames of a video, and DeepLabCut's files for them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "poseheir/predictions.h"

namespace poseheir {

struct TrackTable {
  std::string scorer;
  std::vector<std::string> individuals, bodyparts;  // of the animals
  std::vector<std::string> unique_bodyparts;        // under the individual `single`
  // [frame][individual * bodyparts + bodypart], the unique ones after them; frames count from 0.
  std::vector<std::vector<PredictedPoint>> frames;
};

// `…_el.h5` as DeepLabCut writes it: pandas' table format, key `tracks`.
void write_track_table(const std::filesystem::path& path, const TrackTable& table);
void write_track_csv(const std::filesystem::path& path, const TrackTable& table);

}  // namespace poseheir
