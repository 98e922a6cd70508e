// A new training set as DeepLabCut's create_training_dataset leaves it: everything or nothing.
#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/disk_room.h"
#include "base/file.h"
#include "dlc/collected_data.h"
#include "dlc/limbs.h"
#include "dlc/mat.h"
#include "dlc/pose_config_template.h"
#include "dlc/records.h"
#include "dlc/shuffles.h"
#include "poseheir/error.h"
#include "poseheir/project.h"
#include "poseheir/training_set_plan.h"

namespace poseheir {
namespace {

// DeepLabCut's names of multi-stage networks: dlcrnet_ms5, dlcr101_ms5, dlcr152_ms5.
bool names_multi_stage(const std::string& net_type) {
  return net_type.find("dlcr") != std::string::npos && net_type.find("_ms5") != std::string::npos;
}

std::string wanted_net_type(const Project& project, const TrainingSetOptions& options) {
  return options.net_type.empty() ? project.default_net_type : options.net_type;
}

constexpr auto kAnimalAugmenter = "multi-animal-imgaug";

std::string chosen_net_type(const Project& project, const TrainingSetOptions& options) {
  NetworkSpec spec;
  spec.net_type = wanted_net_type(project, options);
  if (project.multi_animal && names_multi_stage(spec.net_type)) {
    auto layers = spec.net_type.substr(spec.net_type.find("dlcr") + 4);
    layers.resize(std::min(layers.find_first_not_of("0123456789"), layers.size()));
    spec.net_type = "resnet_" + (layers.empty() ? "50" : layers);
  }
  spec.keypoints = static_cast<int>(project.bodyparts.size());
  build_network(spec);  // refuses a name that no network has, naming the nearest
  return spec.net_type;
}

// What DeepLabCut does not know becomes imgaug where it is the project's default, and is refused
// where it was asked for.
std::string chosen_augmenter(const Project& project, const TrainingSetOptions& options) {
  if (project.multi_animal) {
    if (options.augmenter.empty() || options.augmenter == kAnimalAugmenter) return kAnimalAugmenter;
    throw Error(ErrorKind::usage,
                fmt::format("augmenter '{}' for several animals; there is only {}",
                            options.augmenter, kAnimalAugmenter));
  }
  constexpr std::array kKnown = {"imgaug", "default", "deterministic", "scalecrop", "tensorpack"};
  const auto& wanted = options.augmenter.empty() ? project.default_augmenter : options.augmenter;
  if (std::find(kKnown.begin(), kKnown.end(), wanted) != kKnown.end()) return wanted;
  if (options.augmenter.empty()) return "imgaug";
  throw Error(ErrorKind::usage, fmt::format("unknown augmenter '{}'; there are imgaug, default, "
                                            "deterministic, scalecrop and tensorpack",
                                            wanted));
}

void require_new(const ModelPaths& paths, const TrainingSetOptions& options) {
  if (!options.overwrite && std::filesystem::exists(paths.train_pose_config))
    throw Error(ErrorKind::usage,
                fmt::format("{}: the model exists already; choose another "
                            "shuffle than {} (--shuffle), or replace it (--overwrite)",
                            paths.train_pose_config.string(), options.shuffle));
}

NewModel new_model(const Project& project, const TrainingSetOptions& options,
                   const ModelPaths& paths) {
  const auto folder = paths.training_set.lexically_relative(project.folder);
  NewModel model;
  model.dataset = (folder / fmt::format("{}_{}{}shuffle{}.{}", project.task, project.scorer,
                                        paths.train_percent, options.shuffle,
                                        project.multi_animal ? "pickle" : "mat"))
                      .generic_string();
  model.metadataset =
      (folder / documentation_name(project, paths.train_percent, options.shuffle)).generic_string();
  model.bodyparts = project.bodyparts;
  model.init_weights = options.init_weights;
  // DeepLabCut finds pictures and records from here, so this one must be absolute.
  model.project_path = std::filesystem::canonical(project.folder).string();
  model.net_type = chosen_net_type(project, options);
  model.dataset_type = chosen_augmenter(project, options);
  if (project.multi_animal) {
    NewAnimals animals;
    animals.limbs = choose_limbs(project, options);
    animals.identities = project.identity ? static_cast<int>(project.individuals.size()) : 0;
    animals.multi_stage = names_multi_stage(wanted_net_type(project, options));
    animals.crop_size = options.crop_size;
    model.animals = std::move(animals);
  }
  return model;
}

void add(std::vector<PlannedFile>& files, const std::filesystem::path& path, std::string content) {
  files.push_back({path, std::move(content), std::filesystem::exists(path)});
}

void require_room_for(const std::vector<PlannedFile>& files, const std::filesystem::path& folder) {
  std::uint64_t bytes = 0;
  for (const auto& file : files) {
    require_writable(file.path.parent_path());
    bytes += file.content.size();
  }
  const auto free = room_at(folder);
  if (free && *free < bytes)
    throw Error(ErrorKind::io,
                fmt::format("{}: the training set takes {:.1f} MB, but {:.1f} MB are free; free "
                            "some space and run the command again: nothing was changed",
                            folder.string(), static_cast<double>(bytes) / 1e6,
                            static_cast<double>(*free) / 1e6));
}

template <class Images>
std::vector<std::vector<std::string>> paths_of(const Images& images) {
  std::vector<std::vector<std::string>> paths;
  for (const auto& image : images) paths.push_back(image.path);
  return paths;
}

// The labels of either kind of project, and what a training set makes of them.
class Annotations {
 public:
  explicit Annotations(const Project& project) : project_(project) {
    if (project.multi_animal)
      animals_ = merge_animal_labels(project);
    else
      labels_ = merge_labels(project);
  }
  Split split(double fraction, const TrainingSetOptions& options) const {
    const auto pictures = labels_ ? paths_of(labels_->images) : paths_of(animals_->images);
    if (options.by_time) return split_by_time(pictures, fraction);
    return make_split(static_cast<int>(pictures.size()), fraction,
                      options.seed + static_cast<std::uint64_t>(options.shuffle - 1));
  }
  const std::vector<std::string>& warnings() const {
    return labels_ ? labels_->warnings : animals_->warnings;
  }
  // A picture that stands there twice may be trained and tested on.
  void warn_of_doubled(std::vector<std::string>& warnings) const {
    auto pictures = labels_ ? paths_of(labels_->images) : paths_of(animals_->images);
    std::sort(pictures.begin(), pictures.end());
    for (auto at = std::adjacent_find(pictures.begin(), pictures.end()); at != pictures.end();
         at = std::adjacent_find(std::upper_bound(at, pictures.end(), *at), pictures.end()))
      warnings.push_back(
          fmt::format("{}: labelled more than once, so it may be trained and tested on; 'poseheir "
                      "check --fix' drops rows that say the same",
                      fmt::join(*at, "/")));
  }
  CollectedData format() const {
    return labels_ ? format_collected_data(*labels_) : format_collected_data(*animals_);
  }
  std::vector<TrainingRecord> records(const std::vector<int>& rows) const {
    return labels_ ? make_training_records(project_, *labels_, rows)
                   : make_animal_records(project_, *animals_, rows);
  }
  std::string format_records(const std::vector<TrainingRecord>& records) const {
    return labels_ ? format_training_mat(records) : format_animal_records(records);
  }
  std::string format_split(const std::vector<TrainingRecord>& records, const Split& split) const {
    return labels_ ? poseheir::format_split(records, split) : format_animal_split(records, split);
  }

 private:
  const Project& project_;
  std::optional<Labels> labels_;
  std::optional<AnimalLabels> animals_;
};

void require_records(const ModelPaths& paths, const Split& split, int count) {
  if (count > 0) return;
  throw Error(ErrorKind::usage,
              fmt::format("{}: nothing to train on: {} of the {} labelled pictures would be its "
                          "training set, none of them with a joint inside; label more, or "
                          "raise TrainingFraction ({}) in config.yaml",
                          paths.model_name, split.train.size(),
                          split.train.size() + split.test.size(), split.fraction));
}

}  // namespace

TrainingSetPlan plan_training_dataset(const Project& project, const TrainingSetOptions& options) {
  TrainingSetPlan plan;
  auto& [created, files, net_type, augmenter] = plan;
  for (int index = 0; index < static_cast<int>(project.training_fractions.size()); ++index) {
    ModelChoice choice;
    choice.shuffle = options.shuffle;
    choice.trainset_index = index;
    const auto paths = model_paths(project, choice);
    require_new(paths, options);
    created.models.push_back({paths, {}, 0});
  }
  if (options.limbs_from_skeleton && !project.multi_animal)
    throw Error(ErrorKind::usage,
                fmt::format("{}: --skeleton-limbs is for projects of several animals, which this "
                            "is not",
                            (project.folder / "config.yaml").string()));
  const Annotations labels(project);
  created.warnings = labels.warnings();
  labels.warn_of_doubled(created.warnings);
  const auto& training_set = created.models[0].paths.training_set;
  auto shuffles = read_shuffles(project, training_set);

  const auto merged = labels.format();
  add(files, training_set / ("CollectedData_" + project.scorer + ".h5"), merged.h5);
  add(files, training_set / ("CollectedData_" + project.scorer + ".csv"), merged.csv);
  for (std::size_t i = 0; i < created.models.size(); ++i) {
    auto& [paths, split, count] = created.models[i];
    split = labels.split(project.training_fractions[i], options);
    const auto records = labels.records(split.train);
    count = static_cast<int>(records.size());
    require_records(paths, split, count);
    const auto model = new_model(project, options, paths);
    net_type = model.net_type;
    augmenter = model.dataset_type;
    add(files, project.folder / model.dataset, labels.format_records(records));
    add(files, project.folder / model.metadataset, labels.format_split(records, split));
    add(files, paths.test_pose_config, format_test_pose_config(model));
    add(files, paths.train_pose_config, format_train_pose_config(model));
    if (project.multi_animal)
      add(files, paths.test_pose_config.parent_path() / "inference_cfg.yaml",
          format_inference_config(project));
    put_shuffle(shuffles, {paths.model_name, split.fraction, options.shuffle, "tensorflow", split});
  }
  add(files, training_set / "metadata.yaml", format_shuffles(shuffles));
  require_room_for(files, project.folder);
  return plan;
}

CreatedTrainingSet create_training_dataset(const Project& project,
                                           const TrainingSetOptions& options) {
  const auto plan = plan_training_dataset(project, options);
  FileTransaction files;
  for (const auto& [path, content, replaces] : plan.files) {
    std::filesystem::create_directories(path.parent_path());
    files.append(files.add(path), content);
  }
  files.commit();
  return plan.set;
}

}  // namespace poseheir
