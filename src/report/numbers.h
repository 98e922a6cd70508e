// The report's numbers as CSV, and JSON for the page.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "poseheir/report.h"

namespace poseheir {

void write_numbers(const std::filesystem::path& folder, const std::vector<RunReport>& runs);

// What the page's scripts draw; NaN becomes null.
std::string page_data(const std::vector<RunReport>& runs, const ReportOptions& options);

}  // namespace poseheir
