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
  std::vector<std::pair<std::string, std::string>> settings;  // what a reader needs to judge it
  std::vector<ExamplePicture> examples;
  std::vector<std::string> transferred;  // lines of the transfer plan, summarised
};

struct ReportOptions {
  std::string title;
  std::vector<std::pair<std::string, std::string>> skeleton;
  std::vector<std::string> bodyparts;
  double pcutoff = 0.6;
};

// Writes <folder>/report.html, plots (*.png, *.svg) and numbers (*.csv). The first run is the one
// whose gain over the others the sentence at the top tells.
void write_report(const std::filesystem::path& folder, const std::vector<RunReport>& runs,
                  const ReportOptions& options);

// Labels as crosses, predictions as discs (hollow below pcutoff), skeleton as lines.
Image draw_poses(const ExamplePicture& picture, const ReportOptions& options);

}  // namespace poseheir
