// Predicted poses in DeepLabCut's files.
#include "poseheir/predictions.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/file.h"
#include "dlc/table.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

Table table_of(const Predictions& predictions) {
  Table table;
  table.level_names = {"scorer", "bodyparts", "coords"};
  for (const auto& part : predictions.bodyparts) {
    for (const auto* coordinate : {"x", "y", "likelihood"})
      table.columns.push_back({predictions.scorer, part, coordinate});
  }
  table.rows = predictions.rows;
  for (const auto& pose : predictions.poses) {
    for (const auto& point : pose)
      table.values.insert(table.values.end(), {point.x, point.y, point.likelihood});
  }
  return table;
}

double* coordinate_of(PredictedPoint& point, const std::string& name) {
  if (name == "x") return &point.x;
  if (name == "y") return &point.y;
  return name == "likelihood" ? &point.likelihood : nullptr;
}

}  // namespace

void write_predictions_fixed(const std::filesystem::path& path, const Predictions& predictions) {
  write_file(path, format_table_fixed_h5(table_of(predictions)));
}

void write_predictions_table(const std::filesystem::path& path, const Predictions& predictions) {
  write_file(path, format_table_appendable_h5(table_of(predictions)));
}

void write_predictions_csv(const std::filesystem::path& path, const Predictions& predictions) {
  write_file(path, format_table_csv(table_of(predictions)));
}

Predictions read_predictions(const std::filesystem::path& path) {
  const auto table = read_table(path);
  const auto levels = column_levels(table, path.string());
  Predictions predictions;
  predictions.scorer = table.columns[0][levels.scorer];
  std::vector<std::size_t> parts;
  for (const auto& column : table.columns) {
    if (levels.individuals && column[1] != table.columns[0][1])
      throw Error(ErrorKind::unsupported, path.string() + ": predictions of several individuals");
    const auto& part = column[levels.bodypart];
    const auto found = std::find(predictions.bodyparts.begin(), predictions.bodyparts.end(), part);
    parts.push_back(static_cast<std::size_t>(found - predictions.bodyparts.begin()));
    if (found == predictions.bodyparts.end()) predictions.bodyparts.push_back(part);
  }
  for (const auto& row : table.rows)
    predictions.rows.push_back(row.size() == 1 ? path_components(row) : row);
  predictions.poses.assign(table.row_count(),
                           std::vector<PredictedPoint>(predictions.bodyparts.size()));
  for (std::size_t column = 0; column < table.columns.size(); ++column) {
    const auto& name = table.columns[column][levels.coordinate];
    for (std::size_t row = 0; row < table.row_count(); ++row) {
      auto* target = coordinate_of(predictions.poses[row][parts[column]], name);
      if (target == nullptr)
        throw Error(
            ErrorKind::unsupported,
            fmt::format("{}: column '{}', expected x, y or likelihood", path.string(), name));
      *target = table.at(row, column);
    }
  }
  return predictions;
}

}  // namespace poseheir
