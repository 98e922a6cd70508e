// Tables as pandas' to_csv writes them.
#include <algorithm>
#include <fmt/format.h>

#include "base/csv.h"
#include "base/text.h"
#include "dlc/table.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

using Cells = std::vector<std::string>;

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
      if (table_.rows.empty() && names_index(cells)) continue;
      parse_row(cells);
    }
    drop_plain_numbers();
    return std::move(table_);
  }

 private:
  Cells next_line() {
    ++line_;
    return take_csv_line(text_);
  }

  // Three or four header rows; the cells of unnamed index columns are empty in each of them.
  void parse_header() {
    std::vector<Cells> header;
    while (!text_.empty() && header.size() < 5) {
      header.push_back(next_line());
      if (header.back()[0] == "coords") break;
    }
    if (header.size() < 3 || header.back()[0] != "coords" || header[0][0] != "scorer")
      throw foreign_header(header);
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

  Error foreign_header(const std::vector<Cells>& header) const {
    std::string found;
    if (header.empty())
      found = ", found an empty file";
    else if (header[0][0].starts_with("scorer;") || header[0][0].starts_with("scorer\t"))
      found = ", separated by commas; a spreadsheet program has written it otherwise";
    return {ErrorKind::corrupt,
            fmt::format("{}: expected DeepLabCut's header lines 'scorer', 'bodyparts', 'coords'{}",
                        name_, found)};
  }

  // pandas writes the names of a named index into a row of its own, without values. A picture has
  // an ending, and a frame is a number.
  bool names_index(const Cells& cells) const {
    if (cells.size() <= index_columns_) return false;
    const auto values = cells.begin() + static_cast<std::ptrdiff_t>(index_columns_);
    const auto& last = cells[index_columns_ - 1];
    return std::all_of(values, cells.end(), [](const auto& cell) { return cell.empty(); }) &&
           last.find('.') == std::string::npos &&
           last.find_first_not_of("0123456789") != std::string::npos;
  }

  void parse_row(const Cells& cells) {
    const auto expected = index_columns_ + table_.columns.size();
    if (cells.size() != expected)
      throw Error(ErrorKind::corrupt, fmt::format("{}, line {}: {} columns, expected {}", name_,
                                                  line_, cells.size(), expected));
    table_.rows.emplace_back(cells.begin(),
                             cells.begin() + static_cast<std::ptrdiff_t>(index_columns_));
    for (std::size_t column = index_columns_; column < cells.size(); ++column)
      table_.values.push_back(csv_number(cells[column], name_, line_, column + 1));
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
    text += csv_cell(table.level_names[level]);
    text.append(index_columns - 1, ',');
    for (const auto& column : table.columns) text += ',' + csv_cell(column[level]);
    text += '\n';
  }
  for (std::size_t row = 0; row < table.row_count(); ++row) {
    if (table.rows.empty()) {
      text += std::to_string(row);
    } else {
      for (std::size_t level = 0; level < index_columns; ++level) {
        if (level > 0) text += ',';
        text += csv_cell(table.rows[row][level]);
      }
    }
    for (std::size_t column = 0; column < table.columns.size(); ++column) {
      text += ',' + csv_cell(table.at(row, column));
    }
    text += '\n';
  }
  return text;
}

}  // namespace poseheir
