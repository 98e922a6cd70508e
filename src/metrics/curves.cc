// The curves of a run: one line a point, appended while training.
#include <cmath>
#include <fmt/format.h>
#include <span>

#include "base/append.h"
#include "base/csv.h"
#include "base/file.h"
#include "poseheir/error.h"
#include "poseheir/metrics.h"

namespace poseheir {
namespace {

constexpr std::string_view kLossHeader = "iteration,total_loss,part_loss,locref_loss,rate,seconds";
constexpr std::string_view kErrorHeader = "iteration,train,test,train_cutoff,test_cutoff,seconds";
constexpr std::size_t kColumns = 6;

// A kill while a line was written leaves a piece of it: what lies behind the last line end is
// nothing.
std::string_view whole_lines(std::string_view text) {
  return text.substr(0, text.find_last_of('\n') + 1);
}

std::vector<std::vector<double>> read_curve(const std::filesystem::path& path,
                                            std::string_view header) {
  const auto file = read_file(path);
  auto text = whole_lines(file);
  const auto end = text.find('\n');
  if (end == std::string_view::npos || text.substr(0, end) != header)
    throw Error(ErrorKind::corrupt,
                fmt::format("{}, line 1: expected '{}'", path.string(), header));
  text.remove_prefix(end + 1);
  std::vector<std::vector<double>> points;
  for (std::size_t line = 2; !text.empty(); ++line) {
    const auto cells = take_csv_line(text);
    if (cells.size() != kColumns)
      throw Error(ErrorKind::corrupt, fmt::format("{}, line {}: {} columns, expected {}",
                                                  path.string(), line, cells.size(), kColumns));
    auto& point = points.emplace_back();
    for (std::size_t i = 0; i < kColumns; ++i)
      point.push_back(csv_number(cells[i], path.string(), line, i + 1));
    if (std::isnan(point[0]))
      throw Error(ErrorKind::corrupt,
                  fmt::format("{}, line {}: no iteration", path.string(), line));
  }
  return points;
}

void append_point(const std::filesystem::path& path, std::string_view header,
                  std::int64_t iteration, std::span<const double> values) {
  std::error_code absent;
  const auto size = std::filesystem::file_size(path, absent);
  if (!absent && size > 0) {
    const auto text = read_file(path);
    if (!text.ends_with('\n')) std::filesystem::resize_file(path, whole_lines(text).size());
  }
  const bool fresh = absent || std::filesystem::file_size(path) == 0;
  auto line = fresh ? fmt::format("{}\n{}", header, iteration) : std::to_string(iteration);
  for (const double value : values) line += ',' + csv_cell(value);
  line += '\n';
  append_whole(path, line);
}

}  // namespace

std::vector<LossPoint> read_learning_curve(const std::filesystem::path& path) {
  std::vector<LossPoint> points;
  for (const auto& v : read_curve(path, kLossHeader))
    points.push_back({static_cast<std::int64_t>(v[0]), v[1], v[2], v[3], v[4], v[5]});
  return points;
}

void append_learning_curve(const std::filesystem::path& path, const LossPoint& point) {
  const double values[] = {point.total_loss, point.part_loss, point.locref_loss, point.rate,
                           point.seconds};
  append_point(path, kLossHeader, point.iteration, values);
}

std::vector<ErrorPoint> read_error_curve(const std::filesystem::path& path) {
  std::vector<ErrorPoint> points;
  for (const auto& v : read_curve(path, kErrorHeader))
    points.push_back({static_cast<std::int64_t>(v[0]), {v[1], v[2], v[3], v[4]}, v[5]});
  return points;
}

void append_error_curve(const std::filesystem::path& path, const ErrorPoint& point) {
  const auto& errors = point.errors;
  const double values[] = {errors.train, errors.test, errors.train_cutoff, errors.test_cutoff,
                           point.seconds};
  append_point(path, kErrorHeader, point.iteration, values);
}

}  // namespace poseheir
