// The report: one offline HTML page, the same plots as PNG and SVG, and the numbers as CSV.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "poseheir/media.h"
#include "poseheir/metrics.h"

namespace poseheir {

struct ExamplePicture {
  std::string caption;  // "labeled-data/m4s1/img0000.png (test)"
  Image image;
  std::vector<Point> labels;
  std::vector<PredictedPoint> predictions;
};

struct RunReport {
  std::string name;  // "with inheritance"
  std::vector<LossPoint> losses;
  std::vector<ErrorPoint> errors;
  Metrics metrics;                                            // of the last (or best) snapshot
  Split split;                                                // whose rows metrics.distances has
  std::vector<std::vector<double>> likelihoods;               // [row][body part], as distances
  std::vector<std::pair<std::string, std::string>> settings;  // what a reader needs to judge it
  std::vector<ExamplePicture> examples;
  std::vector<std::string> transferred;  // lines of the transfer plan, summarised; empty: nothing
};

struct ReportOptions {
  std::string title;
  std::vector<std::pair<std::string, std::string>> skeleton;
  std::vector<std::string> bodyparts;
  double pcutoff = 0.6;
  bool plots = true;  // PNG and SVG beside the page
};

struct ReportFiles {
  std::filesystem::path page;      // report.html: all in one file
  std::string verdict;             // the sentence at its top
  std::vector<std::string> notes;  // what could not be made, and why
};

// Writes <folder>/report.html, plots (*.png, *.svg; by gnuplot, without which they are left out and
// noted), numbers (*.csv) and examples/*.jpg. The first run is the one whose gain over the best of
// the others the sentence at the top tells. What a run lacks (NaN, empty) is left out.
ReportFiles write_report(const std::filesystem::path& folder, const std::vector<RunReport>& runs,
                         const ReportOptions& options);

// The runs of one model of a project as its folders tell them: DeepLabCut's own train folder and
// the folders in train/runs, each with a learning curve or an evaluation. Where Poseheir's curves
// are missing, DeepLabCut's learning_stats.csv and evaluation results stand in. Runs that began
// with a transfer come first. `examples` test pictures, evenly spread, are shown for each run.
// Throws Error(usage) when there is none.
struct CollectOptions {
  ModelChoice choice;
  int examples = 4;
};
std::vector<RunReport> collect_runs(const Project& project, const CollectOptions& options);

// Labels as crosses, predictions as discs (hollow below pcutoff), skeleton as lines; the picture is
// enlarged if it is small.
Image draw_poses(const ExamplePicture& picture, const ReportOptions& options);

}  // namespace poseheir
