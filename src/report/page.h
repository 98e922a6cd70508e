// The page: one HTML file with everything in it.
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "poseheir/report.h"
#include "report/summary.h"

namespace poseheir {

// One picture of the page with its place in the list of examples.
struct PageExample {
  std::size_t run = 0;
  std::string caption;
  std::string jpeg;  // the file's bytes
  int height = 0, width = 0;
};

// A keypoint's red, green and blue in the example pictures, 0 to 255: evenly spaced in hue and
// alternating in lightness, so that neighbours in the list differ for colour-blind readers too.
using PartColour = std::array<double, 3>;
PartColour part_colour(std::size_t part, std::size_t parts);

std::string format_page(const std::vector<RunReport>& runs, const ReportOptions& options,
                        const Verdict& verdict, const std::vector<PageExample>& examples,
                        const std::vector<std::string>& notes);

// Parts made at build time from src/report/page.* and Debian's Chart.js.
struct PageParts {
  std::string_view html, style, script, library, licence;
};
PageParts page_parts();

}  // namespace poseheir
