// Multi-animal annotations of a whole project, merged as DeepLabCut merges them, and their files.
#include <algorithm>
#include <fmt/format.h>

#include "dlc/collected_data.h"
#include "dlc/table.h"
#include "poseheir/error.h"
#include "poseheir/project.h"

namespace poseheir {
namespace {

constexpr auto kUnique = "single";  // the individual that the unique body parts belong to

void add_columns(Table& table, const AnimalLabels& labels, const std::string& individual,
                 const std::vector<std::string>& parts) {
  for (const auto& part : parts)
    for (const auto* coordinate : {"x", "y"})
      table.columns.push_back({labels.scorer, individual, part, coordinate});
}

Table table_of(const AnimalLabels& labels) {
  Table table;
  table.level_names = {"scorer", "individuals", "bodyparts", "coords"};
  for (const auto& individual : labels.individuals)
    add_columns(table, labels, individual, labels.bodyparts);
  add_columns(table, labels, kUnique, labels.unique_bodyparts);
  const auto add_values = [&table](const std::vector<Point>& points) {
    for (const auto& point : points) table.values.insert(table.values.end(), {point.x, point.y});
  };
  for (const auto& image : labels.images) {
    table.rows.push_back(image.path);
    for (const auto& animal : image.animals) add_values(animal);
    add_values(image.unique);
  }
  return table;
}

}  // namespace

AnimalLabels merge_animal_labels(const Project& project) {
  AnimalLabels merged;
  merged.scorer = project.scorer;
  merged.individuals = project.individuals;
  merged.bodyparts = animal_bodyparts(project);
  merged.unique_bodyparts = project.unique_bodyparts;
  for (const auto& file : label_files(project)) {
    auto labels = read_animal_labels(file, project);
    if (labels.scorer != project.scorer) {
      merged.warnings.push_back(fmt::format("{}: labelled by '{}', not by '{}': left out",
                                            file.string(), labels.scorer, project.scorer));
      continue;
    }
    std::move(labels.images.begin(), labels.images.end(), std::back_inserter(merged.images));
  }
  if (merged.images.empty()) throw no_labels(project);
  std::stable_sort(merged.images.begin(), merged.images.end(),
                   [](const auto& a, const auto& b) { return a.path < b.path; });
  return merged;
}

CollectedData format_collected_data(const AnimalLabels& labels) {
  const auto table = table_of(labels);
  return {format_table_fixed_h5(table), format_table_csv(table)};
}

}  // namespace poseheir
