// Which snapshot of which model, and its settings.
#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "pose/error_history.h"
#include "pose/training_options.h"
#include "poseheir/error.h"
#include "poseheir/predict.h"

namespace poseheir {
namespace {

std::vector<std::string> folders_in(const std::filesystem::path& parent) {
  std::vector<std::string> names;
  std::error_code absent;
  for (const auto& entry : std::filesystem::directory_iterator(parent, absent))
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> names_of(const std::vector<Snapshot>& snapshots) {
  std::vector<std::string> names;
  for (const auto& snapshot : snapshots) names.push_back(snapshot.prefix.filename().string());
  return names;
}

std::optional<std::int64_t> parse_whole(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The snapshot of the smallest test error (of the training error where there is no test set).
Snapshot best_snapshot(const std::vector<Snapshot>& snapshots, const std::filesystem::path& train) {
  const auto file = train / "error_curve.csv";
  ErrorHistory of_snapshots;
  const auto at = [&](std::int64_t iteration) {
    return std::find_if(snapshots.begin(), snapshots.end(),
                        [&](const Snapshot& snapshot) { return snapshot.iteration == iteration; });
  };
  if (std::filesystem::exists(file)) {
    for (const auto& point : read_error_curve(file))
      if (at(point.iteration) != snapshots.end()) of_snapshots.add(point);
  }
  if (of_snapshots.best()) return *at(of_snapshots.best()->iteration);
  throw Error(
      ErrorKind::usage,
      fmt::format("{}: no snapshot of this run has an error measured while training; name one "
                  "of {}, or 'last'",
                  file.string(), fmt::join(names_of(snapshots), ", ")));
}

Snapshot snapshot_at(const std::vector<Snapshot>& snapshots, std::int64_t wanted,
                     const std::filesystem::path& folder, bool is_index) {
  const auto count = static_cast<std::int64_t>(snapshots.size());
  if (is_index) {
    const auto index = wanted < 0 ? wanted + count : wanted;
    if (index >= 0 && index < count) return snapshots[index];
  }
  for (const auto& snapshot : snapshots)
    if (!is_index && snapshot.iteration == wanted) return snapshot;
  throw Error(ErrorKind::usage,
              fmt::format("{}: {} {} does not exist; there are {}", folder.string(),
                          is_index ? "snapshotindex" : "snapshot", wanted,
                          fmt::join(names_of(snapshots), ", ")));
}

}  // namespace

PoseConfig read_train_config(const Project& project, const ModelChoice& choice) {
  const auto paths = model_paths(project, choice);
  if (std::filesystem::exists(paths.train_pose_config))
    return read_pose_config(paths.train_pose_config);
  const auto present = folders_in(paths.model.parent_path());
  const auto there = present.empty() ? std::string("no model at all")
                                     : fmt::format("{}", fmt::join(present, ", "));
  throw Error(
      ErrorKind::usage,
      fmt::format("{}: no such file. In {} there is {}; choose another --shuffle, "
                  "--trainset-index, --iteration or --modelprefix, or make this model: "
                  "poseheir create-training-dataset",
                  paths.train_pose_config.string(), paths.model.parent_path().string(), there));
}

PoseConfig read_test_config(const Project& project, const ModelChoice& choice) {
  const auto paths = model_paths(project, choice);
  return read_pose_config(std::filesystem::exists(paths.test_pose_config)
                              ? paths.test_pose_config
                              : paths.train_pose_config);
}

std::vector<Snapshot> choose_snapshots(const Project& project, const ModelPaths& paths,
                                       const std::string& which) {
  auto snapshots = list_snapshots(paths.train);
  if (snapshots.empty())
    throw Error(ErrorKind::usage,
                paths.train.string() + ": holds no snapshot; train this model first");
  const auto& wanted = which.empty() ? project.snapshot_index : which;
  if (wanted == "all") return snapshots;
  if (wanted == "last") return {snapshots.back()};
  if (wanted == "best") return {best_snapshot(snapshots, paths.train)};
  const auto number = parse_whole(wanted);
  if (!number)
    throw Error(ErrorKind::usage,
                fmt::format("snapshot '{}' is neither a number nor last, best or all", wanted));
  return {snapshot_at(snapshots, *number, paths.train, which.empty())};
}

PoseModel load_model(const Project& project, const ModelChoice& choice, const Snapshot& snapshot) {
  PoseModel model{
      snapshot, read_train_config(project, choice), read_test_config(project, choice), {}, {}};
  refuse_unfollowed_keys(model.test_config, NetworkUse::inference);
  model.network = build_network(model.test_config.network);
  const auto checkpoint = read_checkpoint(snapshot.prefix);
  check_fits(model.network, checkpoint, Needs::everything, model.test_config.path.string());
  model.parameters = load_parameters(model.network, checkpoint);
  return model;
}

}  // namespace poseheir
