// The tables that DeepLabCut writes beside the evaluation of several animals.
#include <algorithm>
#include <array>
#include <numeric>

#include "base/file.h"
#include "dlc/table.h"
#include "poseheir/track_table.h"

namespace poseheir {
namespace {

// (scorer, individual, bodypart) of every label of a picture.
std::vector<std::vector<std::string>> labels_of(const AnimalErrorTable& errors) {
  std::vector<std::vector<std::string>> labels;
  for (const auto& individual : errors.individuals)
    for (const auto& part : errors.bodyparts) labels.push_back({errors.scorer, individual, part});
  for (const auto& part : errors.unique_bodyparts)
    labels.push_back({errors.scorer, "single", part});
  return labels;
}

std::vector<std::string> with(std::vector<std::string> label, const char* last) {
  label.emplace_back(last);
  return label;
}

}  // namespace

void write_distances_csv(const std::filesystem::path& path, const AnimalErrorTable& errors) {
  const auto labels = labels_of(errors);
  std::vector<std::size_t> order(labels.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(),
                   [&labels](std::size_t a, std::size_t b) { return labels[a] < labels[b]; });
  Table table;
  table.level_names = {"scorer", "individuals", "bodyparts", "metrics"};
  for (const auto n : order)
    for (const auto* metric : {"rmse", "conf"}) table.columns.push_back(with(labels[n], metric));
  for (std::size_t row = 0; row < errors.predicted.size(); ++row)
    for (const auto n : order)
      table.values.insert(table.values.end(),
                          {errors.distances[row][n], errors.predicted[row][n].likelihood});
  write_file(path, format_table_csv(table));
}

void write_predicted_poses(const std::filesystem::path& path, const AnimalErrorTable& errors) {
  Table table;
  table.level_names = {"scorer", "individuals", "bodyparts", "coordinates"};
  for (const auto& label : labels_of(errors))
    for (const auto* coordinate : {"x", "y", "conf"})
      table.columns.push_back(with(label, coordinate));
  for (const auto& row : errors.predicted)
    for (const auto& point : row)
      table.values.insert(table.values.end(), {point.x, point.y, point.likelihood});
  write_file(path, format_table_fixed_h5(table));
}

}  // namespace poseheir
