// A pandas table of numbers as DeepLabCut's h5 and csv files hold it: what labels and predictions
// have in common.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace poseheir {

struct Table {
  std::vector<std::string> level_names;           // scorer, [individuals,] bodyparts, coords
  std::vector<std::vector<std::string>> columns;  // [column][level]
  // [row][level]: path components, or one path; empty: the rows are numbered from 0.
  std::vector<std::vector<std::string>> rows;
  std::vector<double> values;  // [row * columns.size() + column], NaN where there is none

  std::size_t row_count() const { return columns.empty() ? 0 : values.size() / columns.size(); }
  double at(std::size_t row, std::size_t column) const {
    return values[row * columns.size() + column];
  }
};

// Of either kind, by content. Throws Error naming the file and the place in it.
Table read_table(const std::filesystem::path& path);

Table parse_table_csv(std::string_view text, const std::string& name);
std::string format_table_csv(const Table& table);

Table parse_table_h5(std::string_view bytes, const std::string& name);
std::string format_table_fixed_h5(const Table& table);  // pandas' "fixed"
// pandas' "table", in a group of this name.
std::string format_table_appendable_h5(const Table& table,
                                       const std::string& key = "df_with_missing");

// The level of body parts, coordinates, …, of a table with three or four column levels.
struct ColumnLevels {
  std::size_t scorer = 0, bodypart = 1, coordinate = 2;
  bool individuals = false;
};
ColumnLevels column_levels(const Table& table, const std::string& name);

// Row labels as path components from "labeled-data" on, whatever separators the labeller used.
std::vector<std::string> path_components(const std::vector<std::string>& row);

}  // namespace poseheir
