#include "base/csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>

#include "base/text.h"
#include "poseheir/error.h"

namespace poseheir {

std::vector<std::string> take_csv_line(std::string_view& text) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c != '"') {
        cells.back() += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        cells.back() += text[++i];
      } else {
        quoted = false;
      }
    } else if (c == '"' && cells.back().empty()) {
      quoted = true;
    } else if (c == ',') {
      cells.emplace_back();
    } else if (c == '\n') {
      break;
    } else if (c != '\r' || i + 1 >= text.size() || text[i + 1] != '\n') {
      cells.back() += c;
    }
  }
  text.remove_prefix(std::min(i + 1, text.size()));
  return cells;
}

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"') result += '"';
    result += c;
  }
  return result + '"';
}

std::string csv_cell(double value) { return std::isnan(value) ? "" : shortest_double(value); }

double csv_number(const std::string& cell, const std::string& file, std::size_t line,
                  std::size_t column) {
  auto text = std::string_view(cell);
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  if (text.empty()) return std::nan("");
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size())
    throw Error(ErrorKind::corrupt, fmt::format("{}, line {}, column {}: '{}' is not a number",
                                                file, line, column, printable(cell)));
  return value;
}

}  // namespace poseheir
