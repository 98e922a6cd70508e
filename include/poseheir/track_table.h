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

// What an evaluation says of every label: the peak that was matched to it and how far it lies.
struct AnimalErrorTable {
  std::string scorer;                               // of the labels
  std::vector<std::string> individuals, bodyparts;  // of the animals
  std::vector<std::string> unique_bodyparts;        // under the individual `single`
  // [picture][individual * bodyparts + bodypart], the unique ones after them.
  std::vector<std::vector<PredictedPoint>> predicted;
  std::vector<std::vector<double>> distances;
};

// `dist_<iteration>.csv`: distance (rmse) and likelihood (conf) of each label, columns sorted by
// name.
void write_distances_csv(const std::filesystem::path& path, const AnimalErrorTable& errors);
// `predicted_poses_<iteration>.h5`: pandas' fixed format.
void write_predicted_poses(const std::filesystem::path& path, const AnimalErrorTable& errors);

}  // namespace poseheir
