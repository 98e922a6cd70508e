// The same plots as files, drawn by the program gnuplot.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "poseheir/report.h"

namespace poseheir {

// Writes loss, error, keypoints and cutoff as PNG and SVG. Returns what could not be drawn, a line
// each, such as that there is no gnuplot.
std::vector<std::string> write_plots(const std::filesystem::path& folder,
                                     const std::vector<RunReport>& runs,
                                     const ReportOptions& options);

}  // namespace poseheir
