// Predicted poses and DeepLabCut's files for them (h5 as pandas writes it, csv).
#pragma once

#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "poseheir/project.h"

namespace poseheir {

// A predicted point in the image (pixels, as Point) and its likelihood in [0, 1].
struct PredictedPoint {
  double x = kMissing, y = kMissing, likelihood = kMissing;
};

struct Predictions {
  std::string scorer;  // "DLC_mobnet_35_openfieldOct30shuffle1_4000"
  std::vector<std::string> bodyparts;
  std::vector<std::vector<std::string>>
      rows;  // path components of a picture; empty for video frames 0..n-1
  std::vector<std::vector<PredictedPoint>> poses;  // [row][body part]
};

// Evaluation results: pandas' fixed format, row index of three levels.
void write_predictions_fixed(const std::filesystem::path& path, const Predictions& predictions);
// Video results: pandas' table format, row index 0..n-1.
void write_predictions_table(const std::filesystem::path& path, const Predictions& predictions);
void write_predictions_csv(const std::filesystem::path& path, const Predictions& predictions);
// Any of the three, by content.
Predictions read_predictions(const std::filesystem::path& path);

// DeepLabCut's scorer name (spec 9.1).
std::string scorer_name(const Project& project, const PoseConfig& train_config, int shuffle,
                        std::int64_t iteration);

}  // namespace poseheir
