// What train and evaluate need of a model: labels, split and training records.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "dlc/records.h"
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

// Damage in a file that create-training-dataset writes, with what to do about it.
template <typename Read>
auto anew_if_damaged(const Read& read) try {
  return read();
} catch (const Error& error) {
  if (error.kind() != ErrorKind::corrupt) throw;
  throw Error(error.kind(),
              fmt::format("{}; put back a whole copy of the file, or make the training set anew "
                          "(poseheir create-training-dataset --overwrite)",
                          error.what()));
}

// The columns as the model has them: a merged file may be of other body parts, or in another order.
Labels in_order(Labels labels, const std::vector<std::string>& parts,
                const std::filesystem::path& folder) {
  if (parts.empty() || labels.bodyparts == parts) return labels;
  std::vector<std::size_t> source;
  for (const auto& part : parts) {
    const auto found = std::find(labels.bodyparts.begin(), labels.bodyparts.end(), part);
    source.push_back(static_cast<std::size_t>(found - labels.bodyparts.begin()));
    if (found == labels.bodyparts.end())
      labels.warnings.push_back(
          fmt::format("{}: the merged labels have no '{}', which the model "
                      "has",
                      folder.string(), part));
  }
  for (const auto& part : labels.bodyparts)
    if (std::find(parts.begin(), parts.end(), part) == parts.end())
      labels.warnings.push_back(
          fmt::format("{}: the merged labels have '{}', which the model does "
                      "not have",
                      folder.string(), part));
  for (auto& image : labels.images) {
    std::vector<Point> points;
    for (const auto index : source)
      points.push_back(index < image.points.size() ? image.points[index] : Point{});
    image.points = std::move(points);
  }
  labels.bodyparts = parts;
  return labels;
}

Labels labels_of(const Project& project, const ModelPaths& paths) {
  for (const auto* extension : {".h5", ".csv"}) {
    const auto merged =
        existing(paths.training_set / ("CollectedData_" + project.scorer + extension));
    if (!merged.empty())
      return anew_if_damaged([&] { return read_labels(merged, project.scorer); });
  }
  return merge_labels(project);
}

AnimalLabels animals_of(const Project& project, const ModelPaths& paths) {
  for (const auto* extension : {".h5", ".csv"}) {
    const auto merged =
        existing(paths.training_set / ("CollectedData_" + project.scorer + extension));
    if (!merged.empty())
      return anew_if_damaged([&] { return read_animal_labels(merged, project); });
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

ImageSize labelled_size(const std::filesystem::path& picture) {
  if (!std::filesystem::exists(picture))
    throw Error(ErrorKind::io, picture.string() +
                                   ": labelled, but not there; put it back, or delete its row of "
                                   "the labels ('poseheir check' lists all such)");
  return read_image_size(picture);
}

std::vector<TrainingRecord> make_training_records(const Project& project, const Labels& labels,
                                                  const std::vector<int>& rows,
                                                  JointPlaces places) {
  std::vector<TrainingRecord> records;
  for (const int row : rows) {
    const auto& image = labels.images.at(static_cast<std::size_t>(row));
    const auto size = labelled_size(image_path(project, image));
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
    dataset.labels =
        in_order(labels_of(project, paths), pose_config.keypoint_names, paths.training_set);
  auto& warnings = project.multi_animal ? dataset.animals.warnings : dataset.labels.warnings;
  const auto rows = dataset.labels.images.size() + dataset.animals.images.size();
  const auto documentation = existing(in_project(project, pose_config.metadataset));
  if (!documentation.empty()) {
    dataset.split = anew_if_damaged([&] { return read_split(documentation); });
    check_split(dataset.split, documentation, rows, warnings);
  } else {
    const auto index =
        choice.trainset_index < 0
            ? choice.trainset_index + static_cast<int>(project.training_fractions.size())
            : choice.trainset_index;
    if (!pose_config.metadataset.empty())
      warnings.push_back(
          fmt::format("{}: '{}', which says what is trained and what tested on, is not there: the "
                      "labels are split anew, and a model trained by the old split may know these "
                      "test pictures",
                      pose_config.path.string(), pose_config.metadataset));
    // Another split for each shuffle, the same one each time.
    dataset.split = make_split(static_cast<int>(rows),
                               project.training_fractions.at(static_cast<std::size_t>(index)),
                               static_cast<std::uint64_t>(choice.shuffle - 1));
  }
  const auto records = existing(in_project(project, pose_config.dataset));
  if (records.empty() && !pose_config.dataset.empty())
    warnings.push_back(
        fmt::format("{}: the training set '{}' is not there: made from the labels, for this time",
                    pose_config.path.string(), pose_config.dataset));
  if (!records.empty() && !documentation.empty())
    dataset.records = anew_if_damaged([&] { return read_training_records(records); });
  else if (project.multi_animal)
    dataset.records = make_animal_records(project, dataset.animals, dataset.split.train);
  else
    dataset.records = make_training_records(project, dataset.labels, dataset.split.train);
  return dataset;
}

}  // namespace poseheir
