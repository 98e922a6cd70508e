#include "poseheir/report.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/file.h"
#include "poseheir/error.h"
#include "report/numbers.h"
#include "report/page.h"
#include "report/plots.h"

namespace poseheir {
namespace {

// The examples of all runs, picture by picture, so that the same picture stands side by side.
std::vector<PageExample> write_examples(const std::filesystem::path& folder,
                                        const std::vector<RunReport>& runs,
                                        const ReportOptions& options) {
  std::vector<PageExample> examples;
  std::size_t most = 0;
  for (const auto& run : runs) most = std::max(most, run.examples.size());
  if (most > 0) std::filesystem::create_directories(folder / "examples");
  for (std::size_t i = 0; i < most; ++i)
    for (std::size_t r = 0; r < runs.size(); ++r) {
      if (i >= runs[r].examples.size()) continue;
      const auto image = draw_poses(runs[r].examples[i], options);
      const auto path = folder / "examples" / fmt::format("{}-run{}.jpg", i + 1, r + 1);
      write_image(path, image);
      examples.push_back(
          {r, runs[r].examples[i].caption, read_file(path), image.height, image.width});
    }
  return examples;
}

}  // namespace

ReportFiles write_report(const std::filesystem::path& folder, const std::vector<RunReport>& runs,
                         const ReportOptions& options) {
  if (runs.empty()) throw Error(ErrorKind::usage, "a report needs at least one run");
  std::filesystem::create_directories(folder);
  const auto verdict = judge(runs);
  ReportFiles files{folder / "report.html", verdict.sentence, {}};
  if (options.plots) files.notes = write_plots(folder, runs, options);
  write_numbers(folder, runs);
  const auto examples = write_examples(folder, runs, options);
  write_file(files.page, format_page(runs, options, verdict, examples, files.notes));
  return files;
}

}  // namespace poseheir
