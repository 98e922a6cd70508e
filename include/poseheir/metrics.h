// Errors of predictions against labels, and the curves of a training run, as plain values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "poseheir/predictions.h"
#include "poseheir/project.h"

namespace poseheir {

// Mean Euclidean distances in pixels over all labelled points of a split (spec 8.1); NaN for an
// empty set.
struct ErrorSummary {
  double train = kMissing, test = kMissing;
  double train_cutoff = kMissing, test_cutoff = kMissing;  // points of likelihood >= pcutoff only
};

struct KeypointError {
  std::string bodypart;
  ErrorSummary errors;
  std::int64_t train_points = 0, test_points = 0;
};

struct Metrics {
  ErrorSummary all;
  std::vector<KeypointError> keypoints;        // in the project's order
  std::vector<std::vector<double>> distances;  // [row][body part], NaN where not labelled
};

// `bodyparts` restricts the columns; empty: all. Rows of labels and predictions agree.
Metrics evaluate(const Labels& labels, const Predictions& predictions, const Split& split,
                 double pcutoff, const std::vector<std::string>& bodyparts = {});

// DeepLabCut's results CSV: one row a snapshot, appended to an existing file and renumbered. A row
// of the same iterations, training set, shuffle and p-cutoff is replaced.
struct ResultsRow {
  std::int64_t iterations = 0;
  int train_percent = 0, shuffle = 1;
  double pcutoff = 0;
  ErrorSummary errors;
};
void append_results_csv(const std::filesystem::path& path, const std::vector<ResultsRow>& rows);
void write_keypoint_csv(const std::filesystem::path& path, const Metrics& metrics);

// learning_curve.csv in a run's folder: header, then one row a display interval.
struct LossPoint {
  std::int64_t iteration = 0;
  double total_loss = 0, part_loss = 0, locref_loss = 0, rate = 0, seconds = 0;
};
// error_curve.csv in a run's folder: header, then one row an evaluation while training.
struct ErrorPoint {
  std::int64_t iteration = 0;
  ErrorSummary errors;
  double seconds = 0;
};

std::vector<LossPoint> read_learning_curve(const std::filesystem::path& path);
void append_learning_curve(const std::filesystem::path& path, const LossPoint& point);
std::vector<ErrorPoint> read_error_curve(const std::filesystem::path& path);
void append_error_curve(const std::filesystem::path& path, const ErrorPoint& point);

}  // namespace poseheir
