// Annotations: CollectedData files, and their union over a project.
#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>

#include "base/file.h"
#include "base/text.h"
#include "dlc/collected_data.h"
#include "poseheir/error.h"
#include "poseheir/project.h"

namespace poseheir {
namespace {

std::set<std::string> distinct(const LabelTable& table, std::string LabelColumn::*level) {
  std::set<std::string> values;
  for (const auto& column : table.columns) values.insert(column.*level);
  return values;
}

void require_one_animal(const LabelTable& table, const std::string& name) {
  const auto animals = distinct(table, &LabelColumn::individual);
  if (animals.size() > 1)
    throw Error(
        ErrorKind::unsupported,
        fmt::format("{}: labels of several individuals ('{}'); single-animal labels are needed",
                    name, fmt::join(animals, "', '")));
}

// Whose columns are taken; the others are mentioned.
std::string chosen_scorer(const LabelTable& table, const std::string& wanted,
                          const std::string& name, Labels& labels) {
  auto scorers = distinct(table, &LabelColumn::scorer);
  if (scorers.size() <= 1) return scorers.empty() ? "" : *scorers.begin();
  if (!scorers.contains(wanted))
    throw Error(
        ErrorKind::unsupported,
        fmt::format("{}: labels of several scorers, '{}'{}", name, fmt::join(scorers, "', '"),
                    wanted.empty() ? "" : fmt::format("; none is '{}'", wanted)));
  scorers.erase(wanted);
  labels.warnings.push_back(fmt::format("{}: the labels of '{}' are left out, those of '{}' taken",
                                        name, fmt::join(scorers, "', '"), wanted));
  return wanted;
}

Labels labels_of(const LabelTable& table, const std::string& wanted, const std::string& name) {
  require_one_animal(table, name);
  Labels labels;
  labels.scorer = chosen_scorer(table, wanted, name, labels);
  std::vector<std::size_t> source;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].scorer != labels.scorer) continue;
    source.push_back(i);
    labels.bodyparts.push_back(table.columns[i].bodypart);
  }
  for (const auto& image : table.images) {
    LabelledImage target{image.path, {}};
    for (const auto column : source) target.points.push_back(image.points[column]);
    labels.images.push_back(std::move(target));
  }
  return labels;
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

// A damaged .h5 need not stop anybody who has the .csv beside it.
Labels labels_of_folder(const Project& project, const std::filesystem::path& file) try {
  return read_labels(file, project.scorer);
} catch (const Error& error) {
  auto csv = file;
  csv.replace_extension(".csv");
  if (error.kind() != ErrorKind::corrupt || file.extension() != ".h5" ||
      !std::filesystem::exists(csv))
    throw;
  throw Error(error.kind(), fmt::format("{}; put back a whole copy of the file, or delete it: {} "
                                        "beside it is then read",
                                        error.what(), csv.filename().string()));
}

void add_labels(const Project& project, const std::filesystem::path& file, Labels& merged) {
  auto labels = labels_of_folder(project, file);
  merged.warnings.insert(merged.warnings.end(), labels.warnings.begin(), labels.warnings.end());
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
  if (const auto files = label_files(project); !files.empty())
    return {ErrorKind::io,
            fmt::format("no labels: no picture is labelled by '{}' in {}{}", project.scorer,
                        files.front().string(),
                        files.size() > 1 ? fmt::format(" and {} more", files.size() - 1) : "")};
  return {ErrorKind::io,
          fmt::format("no labels: looked for CollectedData_{}.h5 or .csv in the folders of {}",
                      project.scorer, (project.folder / "labeled-data").string())};
}

Labels read_labels(const std::filesystem::path& path, const std::string& scorer) {
  return labels_of(read_label_table(path), scorer, path.string());
}

CollectedData format_collected_data(const Labels& labels) {
  LabelTable table{false, {}, labels.images};
  for (const auto& part : labels.bodyparts) table.columns.push_back({labels.scorer, "", part});
  return format_collected_data(table);
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
