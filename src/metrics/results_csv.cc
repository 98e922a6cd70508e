// DeepLabCut's tables of errors, blanks in headers and all.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/text.h"
#include "poseheir/error.h"
#include "poseheir/metrics.h"

namespace poseheir {
namespace {

using Cells = std::vector<std::string>;

const Cells& headers() {
  static const Cells names = {
      "Training iterations:",      "%Training dataset",       "Shuffle number",
      " Train error(px)",          " Test error(px)",         "p-cutoff used",
      "Train error with p-cutoff", "Test error with p-cutoff"};
  return names;
}

// numpy.round: to even, of the value times 100.
std::string two_decimals(double value) { return csv_cell(std::nearbyint(value * 100) / 100); }

Cells cells_of(const ResultsRow& row) {
  return {std::to_string(row.iterations),        std::to_string(row.train_percent),
          std::to_string(row.shuffle),           two_decimals(row.errors.train),
          two_decimals(row.errors.test),         csv_cell(row.pcutoff),
          two_decimals(row.errors.train_cutoff), two_decimals(row.errors.test_cutoff)};
}

struct Sheet {
  Cells columns;
  std::vector<Cells> rows;  // without the row number
};

Sheet read_sheet(const std::filesystem::path& path) {
  Sheet sheet;
  if (!std::filesystem::exists(path)) return {headers(), {}};
  const auto file = read_file(path);
  std::string_view text = file;
  sheet.columns = take_csv_line(text);
  if (sheet.columns.size() < 2 || !sheet.columns[0].empty())
    throw Error(ErrorKind::corrupt,
                path.string() + ", line 1: expected the header of DeepLabCut's results");
  sheet.columns.erase(sheet.columns.begin());
  for (std::size_t line = 2; !text.empty(); ++line) {
    auto cells = take_csv_line(text);
    if (cells.size() != sheet.columns.size() + 1)
      throw Error(ErrorKind::corrupt,
                  fmt::format("{}, line {}: {} columns, but line 1 has {}", path.string(), line,
                              cells.size(), sheet.columns.size() + 1));
    cells.erase(cells.begin());
    sheet.rows.push_back(std::move(cells));
  }
  return sheet;
}

std::size_t column_of(const Sheet& sheet, const std::string& name) {
  const auto place = std::find(sheet.columns.begin(), sheet.columns.end(), name);
  return static_cast<std::size_t>(place - sheet.columns.begin());
}

// What a repeated evaluation gives again: same snapshot, training set and p-cutoff.
void remove_earlier(Sheet& sheet, const Cells& cells) {
  constexpr std::size_t kKeys[] = {0, 1, 2, 5};  // into headers()
  std::erase_if(sheet.rows, [&](const Cells& row) {
    return std::all_of(std::begin(kKeys), std::end(kKeys), [&](std::size_t key) {
      const auto column = column_of(sheet, headers()[key]);
      return column < row.size() && row[column] == cells[key];
    });
  });
}

// A file of another version may have other columns: all are kept, as pandas.concat does.
void append(Sheet& sheet, const Cells& cells) {
  for (const auto& name : headers()) {
    if (std::find(sheet.columns.begin(), sheet.columns.end(), name) != sheet.columns.end())
      continue;
    sheet.columns.push_back(name);
    for (auto& row : sheet.rows) row.emplace_back();
  }
  Cells row(sheet.columns.size());
  for (std::size_t i = 0; i < cells.size(); ++i) row[column_of(sheet, headers()[i])] = cells[i];
  sheet.rows.push_back(std::move(row));
}

std::string format_sheet(const Sheet& sheet) {
  std::string text;
  for (const auto& name : sheet.columns) text += ',' + csv_cell(name);
  text += '\n';
  for (std::size_t row = 0; row < sheet.rows.size(); ++row) {
    text += std::to_string(row);
    for (const auto& cell : sheet.rows[row]) text += ',' + csv_cell(cell);
    text += '\n';
  }
  return text;
}

}  // namespace

void append_results_csv(const std::filesystem::path& path, const std::vector<ResultsRow>& rows) {
  auto sheet = read_sheet(path);
  for (const auto& row : rows) {
    remove_earlier(sheet, cells_of(row));
    append(sheet, cells_of(row));
  }
  write_file(path, format_sheet(sheet));
}

void write_keypoint_csv(const std::filesystem::path& path, const Metrics& metrics) {
  auto keypoints = metrics.keypoints;
  // Sorted, as pandas joins unequal sets of columns.
  std::sort(keypoints.begin(), keypoints.end(),
            [](const KeypointError& a, const KeypointError& b) { return a.bodypart < b.bodypart; });
  const std::pair<const char*, double ErrorSummary::*> lines[] = {
      {"Train error (px)", &ErrorSummary::train},
      {"Test error (px)", &ErrorSummary::test},
      {"Train error (px) with p-cutoff", &ErrorSummary::train_cutoff},
      {"Test error (px) with p-cutoff", &ErrorSummary::test_cutoff}};
  std::string text = "Error Type";
  for (const auto& keypoint : keypoints) text += ',' + csv_cell(keypoint.bodypart);
  text += '\n';
  for (const auto& [title, member] : lines) {
    text += title;
    for (const auto& keypoint : keypoints) text += ',' + csv_cell(keypoint.errors.*member);
    text += '\n';
  }
  write_file(path, text);
}

}  // namespace poseheir
