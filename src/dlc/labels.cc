// Annotations: CollectedData files, and their union over a project.
#include <algorithm>
#include <fmt/format.h>

#include "base/file.h"
#include "base/text.h"
#include "dlc/collected_data.h"
#include "dlc/table.h"
#include "poseheir/error.h"
#include "poseheir/project.h"

namespace poseheir {
namespace {

std::size_t part_index(std::vector<std::string>& parts, const std::string& part) {
  const auto found = std::find(parts.begin(), parts.end(), part);
  if (found != parts.end()) return static_cast<std::size_t>(found - parts.begin());
  parts.push_back(part);
  return parts.size() - 1;
}

void require_one_animal(const Table& table, const ColumnLevels& levels, const std::string& name) {
  if (!levels.individuals) return;
  for (const auto& column : table.columns) {
    if (column[1] != table.columns[0][1])
      throw Error(
          ErrorKind::unsupported,
          fmt::format(
              "{}: labels of several individuals ('{}', '{}'); single-animal labels are needed",
              name, table.columns[0][1], column[1]));
  }
}

struct Target {
  std::size_t part = 0;
  bool is_x = false, ignored = false;
};

std::vector<Target> column_targets(const Table& table, const ColumnLevels& levels,
                                   const std::string& name, Labels& labels) {
  std::vector<Target> targets;
  for (const auto& column : table.columns) {
    const auto& coordinate = column[levels.coordinate];
    if (column[levels.scorer] != labels.scorer)
      throw Error(ErrorKind::unsupported, fmt::format("{}: labels of two scorers, '{}' and '{}'",
                                                      name, labels.scorer, column[levels.scorer]));
    Target target;
    target.ignored = coordinate == "likelihood";
    if (!target.ignored && coordinate != "x" && coordinate != "y")
      throw Error(ErrorKind::corrupt, fmt::format("{}: column '{}' of '{}', expected x or y", name,
                                                  coordinate, column[levels.bodypart]));
    target.is_x = coordinate == "x";
    target.part = part_index(labels.bodyparts, column[levels.bodypart]);
    targets.push_back(target);
  }
  return targets;
}

Labels labels_of(const Table& table, const std::string& name) {
  const auto levels = column_levels(table, name);
  require_one_animal(table, levels, name);
  Labels labels;
  labels.scorer = table.columns.empty() ? "" : table.columns[0][levels.scorer];
  const auto targets = column_targets(table, levels, name, labels);
  if (table.rows.empty() && table.row_count() > 0)
    throw Error(ErrorKind::corrupt, name + ": numbered rows, expected paths of pictures");
  for (std::size_t row = 0; row < table.row_count(); ++row) {
    LabelledImage image{path_components(table.rows[row]),
                        std::vector<Point>(labels.bodyparts.size())};
    for (std::size_t column = 0; column < targets.size(); ++column) {
      if (targets[column].ignored) continue;
      auto& point = image.points[targets[column].part];
      (targets[column].is_x ? point.x : point.y) = table.at(row, column);
    }
    labels.images.push_back(std::move(image));
  }
  return labels;
}

Table table_of(const Labels& labels) {
  Table table;
  table.level_names = {"scorer", "bodyparts", "coords"};
  for (const auto& part : labels.bodyparts) {
    table.columns.push_back({labels.scorer, part, "x"});
    table.columns.push_back({labels.scorer, part, "y"});
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

// One folder's file: the h5, as DeepLabCut does, or the csv where there is no h5.
std::filesystem::path collected_data(const std::filesystem::path& folder,
                                     const std::string& scorer) {
  for (const auto* extension : {".h5", ".csv"}) {
    auto file = folder / ("CollectedData_" + scorer + extension);
    if (std::filesystem::exists(file)) return file;
  }
  return {};
}

void add_labels(const Project& project, const std::filesystem::path& file, Labels& merged) {
  const auto labels = read_labels(file);
  if (labels.scorer != project.scorer) {
    merged.warnings.push_back(fmt::format("{}: labelled by '{}', not by '{}': left out",
                                          file.string(), labels.scorer, project.scorer));
    return;
  }
  std::vector<std::size_t> source;  // of each part of the project
  for (const auto& part : project.bodyparts) {
    const auto found = std::find(labels.bodyparts.begin(), labels.bodyparts.end(), part);
    source.push_back(static_cast<std::size_t>(found - labels.bodyparts.begin()));
    if (found == labels.bodyparts.end())
      merged.warnings.push_back(fmt::format("{}: no labels of '{}'{}", file.string(), part,
                                            nearest_hint(part, labels.bodyparts)));
  }
  for (const auto& part : labels.bodyparts) {
    if (std::find(project.bodyparts.begin(), project.bodyparts.end(), part) ==
        project.bodyparts.end())
      merged.warnings.push_back(
          fmt::format("{}: labels of '{}', which config.yaml does not list, are left out{}",
                      file.string(), part, nearest_hint(part, project.bodyparts)));
  }
  for (const auto& image : labels.images) {
    LabelledImage target{image.path, {}};
    for (const auto index : source)
      target.points.push_back(index < image.points.size() ? image.points[index] : Point{});
    merged.images.push_back(std::move(target));
  }
}

std::vector<std::filesystem::path> label_folders(const Project& project) {
  const auto root = project.folder / "labeled-data";
  std::vector<std::filesystem::path> folders;
  for (const auto& stem : project.video_stems) {
    if (!collected_data(root / stem, project.scorer).empty()) folders.push_back(root / stem);
  }
  // No video's folder has labels, as in a project that moved between systems: DeepLabCut then
  // takes every folder.
  if (!folders.empty() || !std::filesystem::is_directory(root)) return folders;
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    if (entry.is_directory() && !collected_data(entry.path(), project.scorer).empty())
      folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

}  // namespace

std::vector<std::filesystem::path> label_files(const Project& project) {
  auto files = label_folders(project);
  for (auto& file : files) file = collected_data(file, project.scorer);
  return files;
}

Error no_labels(const Project& project) {
  return {ErrorKind::io,
          fmt::format("no labels: looked for CollectedData_{}.h5 or .csv in the folders of {}",
                      project.scorer, (project.folder / "labeled-data").string())};
}

Labels read_labels(const std::filesystem::path& path) {
  return labels_of(read_table(path), path.string());
}

CollectedData format_collected_data(const Labels& labels) {
  const auto table = table_of(labels);
  return {format_table_fixed_h5(table), format_table_csv(table)};
}

void write_labels(const std::filesystem::path& stem, const Labels& labels) {
  const auto data = format_collected_data(labels);
  FileTransaction files;
  files.append(files.add(stem.string() + ".h5"), data.h5);
  files.append(files.add(stem.string() + ".csv"), data.csv);
  files.commit();
}

Labels merge_labels(const Project& project) {
  Labels merged;
  merged.scorer = project.scorer;
  merged.bodyparts = project.bodyparts;
  for (const auto& file : label_files(project)) add_labels(project, file, merged);
  if (merged.images.empty()) throw no_labels(project);
  std::stable_sort(merged.images.begin(), merged.images.end(),
                   [](const LabelledImage& a, const LabelledImage& b) { return a.path < b.path; });
  return merged;
}

std::filesystem::path image_path(const Project& project, const LabelledImage& image) {
  auto path = project.folder;
  for (const auto& component : image.path) path /= component;
  return path;
}

}  // namespace poseheir
