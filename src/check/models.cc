// Models of the current iteration: their pose_cfg.yaml against config.yaml, splits, snapshots.
#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <regex>

#include "base/file.h"
#include "check/examination.h"
#include "poseheir/checkpoint.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

namespace fs = std::filesystem;

struct Model {
  std::string name;
  ModelChoice choice;
  ModelPaths paths;
};

// By the folders that are there: any shuffle of a fraction that config.yaml lists.
std::vector<Model> models_of(Examination& examination) {
  const auto& project = examination.project;
  const auto folder = model_paths(project, {}).model.parent_path();
  std::vector<Model> models;
  if (!fs::is_directory(folder)) return models;
  static const std::regex name_pattern("-trainset[0-9]+shuffle([0-9]{1,9})$");
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    std::smatch match;
    if (!entry.is_directory() || !std::regex_search(name, match, name_pattern)) continue;
    Model model{name, {}, {}};
    model.choice.shuffle = std::stoi(match[1]);
    bool found = false;
    for (int i = 0; i < static_cast<int>(project.training_fractions.size()) && !found; ++i) {
      model.choice.trainset_index = i;
      model.paths = model_paths(project, model.choice);
      found = model.paths.model_name == name;
    }
    if (found) {
      models.push_back(std::move(model));
    } else {
      examination.add(Severity::note, "other-model", examination.short_name(entry.path()),
                      "belongs to another Task, date or training fraction than config.yaml's");
    }
  }
  std::sort(models.begin(), models.end(),
            [](const Model& a, const Model& b) { return a.name < b.name; });
  return models;
}

void compare_with_config(Examination& examination, const std::string& place,
                         const PoseConfig& pose_config) {
  const auto& parts = examination.project.bodyparts;
  if (!pose_config.keypoint_names.empty() && pose_config.keypoint_names != parts)
    examination.add(
        Severity::error, "keypoints-differ", place,
        fmt::format("all_joints_names is [{}], but config.yaml's body parts are [{}]; make the "
                    "training set anew, or put config.yaml back",
                    fmt::join(pose_config.keypoint_names, ", "), fmt::join(parts, ", ")));
  if (pose_config.has("num_joints") &&
      static_cast<std::size_t>(pose_config.number("num_joints", 0)) != parts.size())
    examination.add(Severity::error, "keypoints-differ", place,
                    fmt::format("num_joints is {}, but config.yaml has {} body parts",
                                pose_config.text("num_joints", ""), parts.size()));
}

void check_project_path(Examination& examination, const PoseConfig& pose_config) {
  std::error_code ignored;
  const auto& folder = examination.project.folder;
  if (!pose_config.has("project_path") ||
      fs::equivalent(folder / pose_config.project_path, folder, ignored))
    return;
  const auto here = fs::canonical(folder).string();
  examination.add(Severity::warning, "moved-project", examination.short_name(pose_config.path),
                  fmt::format("project_path is '{}', but the project lies in {}",
                              pose_config.project_path, here));
  const auto name = pose_config.path.string();
  examination.result.repairs.push_back(
      {pose_config.path, "project_path: " + here,
       edit_yaml_value(read_file(pose_config.path), name, "project_path", here).text});
}

void check_start_weights(Examination& examination, const std::string& place,
                         const PoseConfig& pose_config) {
  if (pose_config.init_weights.empty()) return;
  try {
    list_checkpoint(pose_config.init_weights);
  } catch (const Error&) {
    examination.add(Severity::warning, "start-weights", place,
                    fmt::format("init_weights is '{}', where no checkpoint lies; training from it "
                                "needs the file put there, or another --init",
                                pose_config.init_weights));
  }
}

std::optional<PoseConfig> read_pose_config_of(Examination& examination, const fs::path& path) {
  const auto place = examination.short_name(path);
  if (!fs::exists(path)) {
    examination.add(Severity::error, "no-pose-cfg", place,
                    "missing; create-training-dataset --overwrite makes it anew");
    return std::nullopt;
  }
  try {
    auto pose_config = read_pose_config(path);
    compare_with_config(examination, place, pose_config);
    return pose_config;
  } catch (const Error& error) {
    examination.add(Severity::error, "pose-cfg", place, error.what());
    return std::nullopt;
  }
}

void check_pose_configs(Examination& examination, const Model& model) {
  const auto train = read_pose_config_of(examination, model.paths.train_pose_config);
  if (train) {
    check_project_path(examination, *train);
    check_start_weights(examination, examination.short_name(train->path), *train);
  }
  if (!fs::exists(model.paths.test_pose_config)) return;
  const auto test = read_pose_config_of(examination, model.paths.test_pose_config);
  if (train && test && train->network.net_type != test->network.net_type)
    examination.add(Severity::error, "pose-cfg", examination.short_name(test->path),
                    fmt::format("net_type is {}, but the train pose_cfg.yaml says {}",
                                test->network.net_type, train->network.net_type));
}

void compare_split(Examination& examination, const std::string& place, const TrainingSet& set) {
  std::set<int> train(set.split.train.begin(), set.split.train.end());
  const auto rows = static_cast<int>(set.labels.images.size());
  int beyond = 0, both = 0;
  for (const auto* side : {&set.split.train, &set.split.test})
    beyond += static_cast<int>(
        std::count_if(side->begin(), side->end(), [&](int row) { return row < 0 || row >= rows; }));
  for (const int row : set.split.test) both += train.contains(row) ? 1 : 0;
  if (beyond > 0)
    examination.add(Severity::error, "split", place,
                    fmt::format("{} row{} of the split lie{} beyond the {} labelled pictures; make "
                                "the training set anew",
                                beyond, beyond == 1 ? "" : "s", beyond == 1 ? "s" : "", rows));
  if (both > 0)
    examination.add(
        Severity::error, "split", place,
        fmt::format("{} picture{} both trained and tested on", both, both == 1 ? " is" : "s are"));
  if (set.split.train.empty() || set.split.test.empty())
    examination.add(Severity::warning, "split", place,
                    fmt::format("no {} picture", set.split.train.empty() ? "training" : "test"));
}

// Labels that were added or changed after the training set was made.
void compare_with_labels(Examination& examination, const std::string& place, const Labels& in_set) {
  std::set<std::string> now, then;
  for (const auto& file : examination.files) {
    for (const auto& image : file.table.images) now.insert(picture_name(image));
  }
  for (const auto& image : in_set.images) then.insert(picture_name(image));
  std::size_t added = 0, gone = 0;
  for (const auto& name : now) added += !then.contains(name);
  for (const auto& name : then) gone += !now.contains(name);
  if (added + gone > 0 && !now.empty())
    examination.add(Severity::warning, "old-training-set", place,
                    fmt::format("made before the labels changed: {} pictures are new, {} gone; "
                                "create-training-dataset makes another",
                                added, gone));
}

void check_training_set(Examination& examination, const Model& model) {
  const auto& project = examination.project;
  const auto pickle = model.paths.training_set /
                      fmt::format("Documentation_data-{}_{}shuffle{}.pickle", project.task,
                                  model.paths.train_percent, model.choice.shuffle);
  const auto place = examination.short_name(pickle);
  const auto stem = model.paths.training_set / ("CollectedData_" + project.scorer);
  if (!fs::exists(pickle))
    return examination.add(Severity::warning, "no-split", place,
                           "missing: which pictures were trained on is not known");
  try {
    TrainingSet set{model.name, {}, read_split(pickle)};
    const auto h5 = stem.string() + ".h5", csv = stem.string() + ".csv";
    if (!fs::exists(h5) && !fs::exists(csv))
      return examination.add(Severity::warning, "no-merged-labels", examination.short_name(h5),
                             "missing: the split's rows cannot be told to pictures");
    const auto table = read_label_table(fs::exists(h5) ? h5 : csv);
    set.labels.images = table.images;
    compare_split(examination, place, set);
    compare_with_labels(examination, examination.short_name(stem), set.labels);
    examination.training_sets.push_back(std::move(set));
  } catch (const Error& error) {
    examination.add(Severity::error, "training-set", place, error.what());
  }
}

void check_snapshot(Examination& examination, const fs::path& prefix, int keypoints) {
  const auto place = examination.short_name(prefix);
  try {
    const auto checkpoint = list_checkpoint(prefix);
    for (const auto& file : checkpoint.missing)
      examination.add(
          Severity::error, "snapshot", place,
          fmt::format("{} is missing: its weights are lost", examination.short_name(file)));
    std::vector<TensorInfo> tensors;
    for (const auto& tensor : checkpoint.tensors) tensors.push_back(tensor.info);
    const auto network = recognise_network(tensors);
    if (!network.empty() && network[0].spec.keypoints > 0 && network[0].spec.keypoints != keypoints)
      examination.add(Severity::warning, "snapshot", place,
                      fmt::format("has {} keypoints, config.yaml {} body parts",
                                  network[0].spec.keypoints, keypoints));
  } catch (const Error& error) {
    examination.add(Severity::error, "snapshot", place, error.what());
  }
}

void check_snapshots(Examination& examination, const Model& model) {
  if (!fs::is_directory(model.paths.train)) return;
  const auto keypoints = static_cast<int>(examination.project.bodyparts.size());
  std::set<std::string> there;
  for (const auto& snapshot : list_snapshots(model.paths.train)) {
    there.insert(snapshot.prefix.filename().string());
    check_snapshot(examination, snapshot.prefix, keypoints);
  }
  const auto place = examination.short_name(model.paths.train / "checkpoint");
  try {
    const auto state = read_checkpoint_state(model.paths.train);
    if (!state) return;
    std::vector<std::string> gone;
    for (const auto& name : state->all) {
      if (!there.contains(name)) gone.push_back(name);
    }
    if (!there.contains(state->newest))
      examination.add(
          Severity::warning, "checkpoint-state", place,
          fmt::format("names '{}' as the newest snapshot, which is not there", state->newest));
    else if (!gone.empty())
      examination.add(Severity::note, "checkpoint-state", place,
                      fmt::format("names {} that {} not there any more", fmt::join(gone, ", "),
                                  gone.size() == 1 ? "is" : "are"));
  } catch (const Error& error) {
    examination.add(Severity::error, "checkpoint-state", place, error.what());
  }
}

}  // namespace

void check_models(Examination& examination) {
  const auto models = models_of(examination);
  examination.result.models = static_cast<int>(models.size());
  for (const auto& model : models) {
    check_pose_configs(examination, model);
    check_training_set(examination, model);
    check_snapshots(examination, model);
  }
}

}  // namespace poseheir
