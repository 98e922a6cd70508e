// What train and evaluate need of a model: labels, split and training records.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "poseheir/error.h"
#include "poseheir/media.h"
#include "poseheir/project.h"

namespace poseheir {
namespace {

// A path of pose_cfg.yaml below the project's folder, wherever the project lay when it was written.
std::filesystem::path in_project(const Project& project, std::string text) {
  if (text.empty()) return {};
  std::replace(text.begin(), text.end(), '\\', '/');
  const auto root = text.rfind("training-datasets/");
  return project.folder / (root == std::string::npos ? text : text.substr(root));
}

std::filesystem::path existing(const std::filesystem::path& path) {
  return !path.empty() && std::filesystem::is_regular_file(path) ? path : std::filesystem::path();
}

Labels labels_of(const Project& project, const ModelPaths& paths) {
  for (const auto* extension : {".h5", ".csv"}) {
    const auto merged =
        existing(paths.training_set / ("CollectedData_" + project.scorer + extension));
    if (!merged.empty()) return read_labels(merged);
  }
  return merge_labels(project);
}

AnimalLabels animals_of(const Project& project, const ModelPaths& paths) {
  for (const auto* extension : {".h5", ".csv"}) {
    const auto merged =
        existing(paths.training_set / ("CollectedData_" + project.scorer + extension));
    if (!merged.empty()) return read_animal_labels(merged, project);
  }
  return merge_animal_labels(project);
}

void check_split(const Split& split, const std::filesystem::path& file, std::size_t rows,
                 std::vector<std::string>& warnings) {
  for (const auto* indices : {&split.train, &split.test}) {
    for (const int row : *indices) {
      if (row < 0 || static_cast<std::size_t>(row) >= rows)
        throw Error(
            ErrorKind::mismatch,
            fmt::format("{}: names image {}, but only {} are labelled; make the training set anew",
                        file.string(), row, rows));
    }
  }
  if (split.train.size() + split.test.size() != rows)
    warnings.push_back(
        fmt::format("{}: splits {} images, but {} are labelled: the labels changed after the "
                    "training set was made",
                    file.string(), split.train.size() + split.test.size(), rows));
}

// DeepLabCut's rule: whole pixels, and strictly inside the image.
std::vector<TrainingRecord::Joint> visible_joints(const LabelledImage& image, const ImageSize& size,
                                                  JointPlaces places) {
  std::vector<TrainingRecord::Joint> joints;
  for (std::size_t i = 0; i < image.points.size(); ++i) {
    const auto& point = image.points[i];
    if (point.missing()) continue;
    const double x = std::trunc(point.x), y = std::trunc(point.y);
    const bool inside = x > 0 && x < size.width && y > 0 && y < size.height;
    if (!inside) continue;
    if (places == JointPlaces::exact)
      joints.push_back({static_cast<int>(i), point.x, point.y});
    else
      joints.push_back({static_cast<int>(i), x, y});
  }
  return joints;
}

}  // namespace

std::vector<TrainingRecord> make_training_records(const Project& project, const Labels& labels,
                                                  const std::vector<int>& rows,
                                                  JointPlaces places) {
  std::vector<TrainingRecord> records;
  for (const int row : rows) {
    const auto& image = labels.images.at(static_cast<std::size_t>(row));
    const auto size = read_image_size(image_path(project, image));
    auto joints = visible_joints(image, size, places);
    if (!joints.empty())
      records.push_back({image.path, size.channels, size.height, size.width, std::move(joints)});
  }
  return records;
}

Dataset read_dataset(const Project& project, const ModelChoice& choice,
                     const PoseConfig& pose_config) {
  const auto paths = model_paths(project, choice);
  Dataset dataset;
  if (project.multi_animal)
    dataset.animals = animals_of(project, paths);
  else
    dataset.labels = labels_of(project, paths);
  const auto rows = dataset.labels.images.size() + dataset.animals.images.size();
  const auto documentation = existing(in_project(project, pose_config.metadataset));
  if (!documentation.empty()) {
    dataset.split = read_split(documentation);
    check_split(dataset.split, documentation, rows,
                project.multi_animal ? dataset.animals.warnings : dataset.labels.warnings);
  } else {
    const auto index =
        choice.trainset_index < 0
            ? choice.trainset_index + static_cast<int>(project.training_fractions.size())
            : choice.trainset_index;
    // Another split for each shuffle, the same one each time.
    dataset.split = make_split(static_cast<int>(rows),
                               project.training_fractions.at(static_cast<std::size_t>(index)),
                               static_cast<std::uint64_t>(choice.shuffle - 1));
  }
  const auto records = existing(in_project(project, pose_config.dataset));
  if (!records.empty() && !documentation.empty())
    dataset.records = read_training_records(records);
  else if (project.multi_animal)
    dataset.records = make_animal_records(project, dataset.animals, dataset.split.train);
  else
    dataset.records = make_training_records(project, dataset.labels, dataset.split.train);
  return dataset;
}

}  // namespace poseheir
