#include <cmath>
#include <fstream>
#include <gmock/gmock.h>

#include "expect_error.h"
#include "poseheir/evaluated.h"
#include "poseheir/report.h"
#include "report/run_files.h"
#include "shared.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

void write_text(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

constexpr auto kTransfer =
    R"({"source": {"path": "superquad/snapshot-700000", "format": "TensorFlow V2"},
  "plan": {"source_description": "ResNet-50, 39 keypoints", "unused": [{}, {}], "steps": [
    {"variable": "a", "action": "copy", "reason": "same name"},
    {"variable": "b", "action": "copy", "reason": "same name"},
    {"variable": "pose/part_pred/block4/weights", "action": "select", "channels": [[3], []], "reason": "1 of 2 keypoints"}]}})";

// What DeepLabCut left of a real project, without the parts that do not matter here.
std::filesystem::path copy_of_dlc_project(const TempDir& folder) {
  const auto target = folder / "project";
  std::filesystem::copy(shared_folder() / "reference/dlc-project", target,
                        std::filesystem::copy_options::recursive);
  return target;
}

TEST(CollectRuns, ReadsARunThatOnlyDeepLabCutHasTouched) {
  NEEDS_SHARED("reference/dlc-project/config.yaml");
  const auto project = read_project(shared_folder() / "reference/dlc-project");
  const auto runs = collect_runs(project, {});
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_EQ(runs[0].name, "main");
  ASSERT_EQ(runs[0].losses.size(), 40U);
  EXPECT_EQ(runs[0].losses[0].iteration, 100);
  EXPECT_DOUBLE_EQ(runs[0].losses[0].total_loss, 0.14012);
  EXPECT_TRUE(std::isnan(runs[0].losses[0].part_loss));
  ASSERT_EQ(runs[0].errors.size(), 4U);
  EXPECT_EQ(runs[0].errors[3].iteration, 4000);
  // DeepLabCut's own CombinedEvaluation-results.csv.
  EXPECT_NEAR(runs[0].errors[2].errors.test, 22.56, 0.005);
  EXPECT_NEAR(runs[0].metrics.all.train, 15.49, 0.005);
  EXPECT_NEAR(runs[0].metrics.all.test, 27.31, 0.005);
  EXPECT_NEAR(runs[0].metrics.all.test_cutoff, 15.61, 0.005);
  EXPECT_EQ(runs[0].metrics.distances.size(), 116U);
  EXPECT_EQ(runs[0].likelihoods.size(), 116U);
  EXPECT_EQ(runs[0].split.test.size(), 6U);
  EXPECT_TRUE(runs[0].transferred.empty());
}

TEST(CollectRuns, LeavesOutEvaluationsOfWeightsBeforeTheyWereTrainedAnew) {
  NEEDS_SHARED("reference/dlc-project/config.yaml");
  const TempDir folder;
  const auto project = read_project(copy_of_dlc_project(folder));
  const auto paths = model_paths(project, {});
  const Snapshot snapshot{paths.train / "snapshot-4000", 4000};
  const auto index = snapshot.prefix.string() + ".index";
  for (const auto& entry : std::filesystem::directory_iterator(paths.evaluation))
    if (entry.path().extension() == ".h5") record_results(entry.path(), snapshot);
  EXPECT_NEAR(collect_runs(project, {})[0].metrics.all.test, 27.31, 0.005);
  std::filesystem::remove(index);
  write_text(index, "of other weights");
  const auto run = collect_runs(project, {})[0];
  EXPECT_NEAR(run.metrics.all.test, 22.56, 0.005);  // that of snapshot-2000, which is gone
  EXPECT_THAT(run.settings,
              testing::Contains(testing::Pair("evaluations of earlier weights, left out", "1")));
}

TEST(CollectRuns, PutsTheRunThatBeganWithATransferFirst) {
  NEEDS_SHARED("reference/dlc-project/config.yaml");
  const TempDir folder;
  const auto path = copy_of_dlc_project(folder);
  const auto project = read_project(path);
  const auto train = model_paths(project, {}).train;
  std::filesystem::create_directories(train / "runs/began-only");
  std::filesystem::create_directories(train / "runs/abc");
  append_learning_curve(train / "runs/abc/learning_curve.csv", {100, 0.5, 0.4, 0.1, 0.005, 1});
  set_pose_config_value(train / "pose_cfg.yaml", "init_weights", "./snapshot-0");
  write_text(train / "transfer.json", kTransfer);
  write_text(train / "runs/abc/run.json",
             R"({"start_weights": "all variables initialised afresh", "seed": 7})");
  const auto runs = collect_runs(project, {});
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0].name, "inherited");
  EXPECT_FALSE(runs[0].transferred.empty());
  EXPECT_EQ(runs[1].name, "abc");
  EXPECT_TRUE(runs[1].transferred.empty());
  EXPECT_THAT(runs[1].settings, ::testing::Contains(::testing::Pair("seed", "7")));
}

TEST(CollectRuns, SaysWhatToDoWhereNothingWasTrained) {
  NEEDS_SHARED("reference/dlc-project/config.yaml");
  const TempDir folder;
  const auto path = copy_of_dlc_project(folder);
  const auto project = read_project(path);
  std::filesystem::remove(model_paths(project, {}).train / "learning_stats.csv");
  std::filesystem::remove_all(path / "evaluation-results");
  EXPECT_ERROR(collect_runs(project, {}), ErrorKind::usage,
               "run 'poseheir train' and 'poseheir evaluate' first");
}

TEST(RunFiles, SummariseATransfer) {
  const TempDir folder;
  write_text(folder / "transfer.json", kTransfer);
  EXPECT_THAT(transfer_summary(folder / "transfer.json"),
              ElementsAre("Model A: superquad/snapshot-700000 (ResNet-50, 39 keypoints)",
                          "2 variables copied", "1 variables cut to keypoints",
                          "pose/part_pred/block4/weights: 1 of 2 keypoints",
                          "Not used: 2 tensors of model A"));
  EXPECT_TRUE(transfer_summary(folder / "absent.json").empty());
}

TEST(RunFiles, NameTheFileThatIsNoTransfer) {
  const TempDir folder;
  write_text(folder / "transfer.json", R"({"plan": 3})");
  EXPECT_ERROR(transfer_summary(folder / "transfer.json"), ErrorKind::corrupt,
               "transfer.json: not what 'poseheir transfer' writes");
}

TEST(RunFiles, NameTheLineOfLearningStatsThatIsCutShort) {
  const TempDir folder;
  write_text(folder / "learning_stats.csv", "100, 0.5, 0.005\n200, 0.4\n");
  EXPECT_ERROR(read_learning_stats(folder / "learning_stats.csv"), ErrorKind::corrupt,
               "line 2: expected iteration, loss, rate");
}

TEST(RunFiles, FlattenRunSettings) {
  const TempDir folder;
  write_text(folder / "run.json",
             R"({"recipe": "fast", "optimizer": {"kind": "adam", "rate": 0.001}, "nothing": null,
          "pictures": {"a.png": {"crc32c": "12"}}, "pose_cfg_text": "a: 1"})");
  EXPECT_THAT(
      read_run_settings(folder / "run.json"),
      ElementsAre(::testing::Pair("recipe", "fast"), ::testing::Pair("optimizer.kind", "adam"),
                  ::testing::Pair("optimizer.rate", "0.001")));
}

}  // namespace
}  // namespace poseheir
