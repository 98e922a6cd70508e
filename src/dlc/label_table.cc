// One file of annotations: tables of numbers, and points of named columns.
#include <algorithm>
#include <fmt/format.h>

#include "dlc/table.h"
#include "poseheir/error.h"
#include "poseheir/project.h"

namespace poseheir {
namespace {

// Where a column of numbers goes: the x or y of a point.
struct Target {
  std::size_t point = 0;
  bool is_x = false, ignored = false;
};

std::size_t column_index(std::vector<LabelColumn>& columns, LabelColumn column) {
  const auto found = std::find(columns.begin(), columns.end(), column);
  const auto index = static_cast<std::size_t>(found - columns.begin());
  if (found == columns.end()) columns.push_back(std::move(column));
  return index;
}

// Every point has one column for x and one for y.
void require_pairs(const std::vector<Target>& targets, const std::vector<LabelColumn>& columns,
                   const std::string& name) {
  std::vector<int> x(columns.size()), y(columns.size());
  for (const auto& target : targets)
    if (!target.ignored) ++(target.is_x ? x : y)[target.point];
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (x[i] != 1 || y[i] != 1)
      throw Error(ErrorKind::corrupt,
                  fmt::format("{}: '{}'{} has {} columns of x and {} of y, expected one of each",
                              name, columns[i].bodypart,
                              columns[i].individual.empty() ? "" : " of " + columns[i].individual,
                              x[i], y[i]));
}

std::vector<Target> targets_of(const Table& table, const std::string& name, LabelTable& labels) {
  const auto levels = column_levels(table, name);
  labels.individuals = levels.individuals;
  std::vector<Target> targets;
  for (const auto& column : table.columns) {
    const auto& coordinate = column[levels.coordinate];
    Target target;
    target.ignored = coordinate == "likelihood";
    labels.likelihoods = labels.likelihoods || target.ignored;
    if (!target.ignored && coordinate != "x" && coordinate != "y")
      throw Error(ErrorKind::corrupt, fmt::format("{}: column '{}' of '{}', expected x or y", name,
                                                  coordinate, column[levels.bodypart]));
    target.is_x = coordinate == "x";
    if (!target.ignored)
      target.point = column_index(
          labels.columns, {column[levels.scorer], levels.individuals ? column[1] : std::string(),
                           column[levels.bodypart]});
    targets.push_back(target);
  }
  require_pairs(targets, labels.columns, name);
  return targets;
}

bool has_backslash(const std::vector<std::string>& row) {
  return std::any_of(row.begin(), row.end(), [](const std::string& label) {
    return label.find('\\') != std::string::npos;
  });
}

Table table_of(const LabelTable& labels) {
  Table table;
  table.level_names = {"scorer", "bodyparts", "coords"};
  if (labels.individuals) table.level_names.insert(table.level_names.begin() + 1, "individuals");
  for (const auto& column : labels.columns) {
    for (const auto* coordinate : {"x", "y"}) {
      auto& names = table.columns.emplace_back();
      names.push_back(column.scorer);
      if (labels.individuals) names.push_back(column.individual);
      names.push_back(column.bodypart);
      names.emplace_back(coordinate);
    }
  }
  for (const auto& image : labels.images) {
    table.rows.push_back(image.path);
    for (const auto& point : image.points) {
      table.values.push_back(point.x);
      table.values.push_back(point.y);
    }
  }
  return table;
}

}  // namespace

LabelTable read_label_table(const std::filesystem::path& path) {
  const auto table = read_table(path);
  LabelTable labels;
  const auto targets = targets_of(table, path.string(), labels);
  if (table.rows.empty() && table.row_count() > 0)
    throw Error(ErrorKind::corrupt, path.string() + ": numbered rows, expected paths of pictures");
  for (std::size_t row = 0; row < table.row_count(); ++row) {
    labels.windows_paths = labels.windows_paths || has_backslash(table.rows[row]);
    LabelledImage image{path_components(table.rows[row]),
                        std::vector<Point>(labels.columns.size())};
    for (std::size_t column = 0; column < targets.size(); ++column) {
      if (targets[column].ignored) continue;
      auto& point = image.points[targets[column].point];
      (targets[column].is_x ? point.x : point.y) = table.at(row, column);
    }
    if (image.path.empty())
      throw Error(ErrorKind::corrupt,
                  fmt::format("{}: row {} of the points names no picture", path.string(), row + 1));
    labels.images.push_back(std::move(image));
  }
  return labels;
}

CollectedData format_collected_data(const LabelTable& labels) {
  const auto table = table_of(labels);
  return {format_table_fixed_h5(table), format_table_csv(table)};
}

}  // namespace poseheir
