// Tables as pandas' to_csv writes them.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>

#include "base/text.h"
#include "dlc/table.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

using Cells = std::vector<std::string>;

// Splits one line into cells and moves `text` behind it.
Cells take_line(std::string_view& text) {
  Cells cells(1);
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

std::string quoted_if_needed(const std::string& cell) {
  if (cell.find_first_of(",\"\r\n") == std::string::npos) return cell;
  std::string result = "\"";
  for (const char c : cell) {
    if (c == '"') result += '"';
    result += c;
  }
  return result + '"';
}

double parse_cell(const std::string& cell, const std::string& name, std::size_t line,
                  std::size_t column) {
  auto text = std::string_view(cell);
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  if (text.empty()) return std::nan("");
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size())
    throw Error(ErrorKind::corrupt, fmt::format("{}, line {}, column {}: '{}' is not a number",
                                                name, line, column + 1, printable(cell)));
  return value;
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& name) : text_(text), name_(name) {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
  }

  Table parse() {
    parse_header();
    while (!text_.empty()) {
      const auto cells = next_line();
      if (cells.size() == 1 && cells[0].empty()) continue;
      parse_row(cells);
    }
    drop_plain_numbers();
    return std::move(table_);
  }

 private:
  Cells next_line() {
    ++line_;
    return take_line(text_);
  }

  // Three or four header rows; the cells of unnamed index columns are empty in each of them.
  void parse_header() {
    std::vector<Cells> header;
    while (!text_.empty() && header.size() < 5) {
      header.push_back(next_line());
      if (header.back()[0] == "coords") break;
    }
    if (header.size() < 3 || header.back()[0] != "coords" || header[0][0] != "scorer")
      throw Error(
          ErrorKind::corrupt,
          fmt::format("{}: expected DeepLabCut's header lines 'scorer', 'bodyparts', 'coords'",
                      name_));
    while (index_columns_ < header[0].size() && header[0][index_columns_].empty()) ++index_columns_;
    for (std::size_t row = 0; row < header.size(); ++row) {
      table_.level_names.push_back(header[row][0]);
      if (header[row].size() != header[0].size())
        throw Error(ErrorKind::corrupt,
                    fmt::format("{}, line {}: {} columns, but line 1 has {}", name_, row + 1,
                                header[row].size(), header[0].size()));
    }
    for (std::size_t column = index_columns_; column < header[0].size(); ++column) {
      auto& labels = table_.columns.emplace_back();
      for (const auto& row : header) labels.push_back(row[column]);
    }
    if (table_.columns.empty())
      throw Error(ErrorKind::corrupt, name_ + ": no columns of coordinates");
  }

  void parse_row(const Cells& cells) {
    const auto expected = index_columns_ + table_.columns.size();
    if (cells.size() != expected)
      throw Error(ErrorKind::corrupt, fmt::format("{}, line {}: {} columns, expected {}", name_,
                                                  line_, cells.size(), expected));
    table_.rows.emplace_back(cells.begin(),
                             cells.begin() + static_cast<std::ptrdiff_t>(index_columns_));
    for (std::size_t column = index_columns_; column < cells.size(); ++column)
      table_.values.push_back(parse_cell(cells[column], name_, line_, column));
  }

  void drop_plain_numbers() {
    for (std::size_t row = 0; row < table_.rows.size(); ++row) {
      if (index_columns_ != 1 || table_.rows[row][0] != std::to_string(row)) return;
    }
    table_.rows.clear();
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t line_ = 0;
  std::size_t index_columns_ = 1;
  Table table_;
};

}  // namespace

Table parse_table_csv(std::string_view text, const std::string& name) {
  return Parser(text, name).parse();
}

std::string format_table_csv(const Table& table) {
  const std::size_t index_columns = table.rows.empty() ? 1 : table.rows[0].size();
  std::string text;
  for (std::size_t level = 0; level < table.level_names.size(); ++level) {
    text += quoted_if_needed(table.level_names[level]);
    text.append(index_columns - 1, ',');
    for (const auto& column : table.columns) text += ',' + quoted_if_needed(column[level]);
    text += '\n';
  }
  for (std::size_t row = 0; row < table.row_count(); ++row) {
    if (table.rows.empty()) {
      text += std::to_string(row);
    } else {
      for (std::size_t level = 0; level < index_columns; ++level) {
        if (level > 0) text += ',';
        text += quoted_if_needed(table.rows[row][level]);
      }
    }
    for (std::size_t column = 0; column < table.columns.size(); ++column) {
      const double value = table.at(row, column);
      text += ',';
      if (!std::isnan(value)) text += shortest_double(value);
    }
    text += '\n';
  }
  return text;
}

}  // namespace poseheir
