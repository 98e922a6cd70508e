#include "poseheir/train.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

#include "base/file.h"
#include "expect_error.h"
#include "poseheir/media.h"
#include "train_openfield.h"

namespace poseheir {
namespace {

TEST(Train, WritesWhatDeepLabCutWritesAndComputesOneIterationMoreThanAsked) {
  NEEDS_OPENFIELD;
  const Openfield openfield;
  const auto result = openfield.run("a");
  EXPECT_TRUE(result.finished);
  EXPECT_EQ(result.last_iteration, 6);
  const auto run = openfield.train_folder / "runs/a";
  EXPECT_EQ(list_snapshots(run).size(), 2U);  // 3 and 6
  EXPECT_EQ(read_checkpoint_state(run)->newest, "snapshot-6");
  const auto stats = openfield.file("a", "learning_stats.csv");
  EXPECT_TRUE(stats.starts_with("2, ")) << stats;
  EXPECT_NE(stats.find(", 0.005\n4, "), std::string::npos) << stats;
  EXPECT_EQ(read_learning_curve(run / "learning_curve.csv").size(), 3U);
  EXPECT_NE(openfield.file("a", "run.json").find("\"seed\": 0"), std::string::npos);
}

TEST(Train, GoesOnAfterAnInterruptionBitForBit) {
  NEEDS_OPENFIELD;
  const Openfield openfield;
  openfield.run("whole");
  std::int64_t done = -1;
  TrainHooks hooks;
  hooks.progress = [&](const TrainProgress& progress) { done = progress.iteration; };
  hooks.stop = [&] { return done == 4; };
  const auto stopped = openfield.run("stopped", hooks);
  EXPECT_FALSE(stopped.finished);
  EXPECT_EQ(stopped.last_iteration, 4);
  EXPECT_EQ(stopped.snapshot.filename(), "snapshot-4");
  const auto resumed = openfield.run("stopped");
  EXPECT_TRUE(resumed.resumed);
  EXPECT_EQ(resumed.first_iteration, 5);
  const std::string weights = "snapshot-6.data-00000-of-00001";
  EXPECT_TRUE(openfield.file("stopped", weights) == openfield.file("whole", weights));
  EXPECT_EQ(openfield.file("stopped", "learning_stats.csv"),
            openfield.file("whole", "learning_stats.csv"));
}

TEST(Train, IsRepeatableFromItsSeed) {
  NEEDS_OPENFIELD;
  Openfield openfield;
  openfield.options.max_iterations = 2;
  openfield.run("a");
  openfield.run("b");
  openfield.options.seed = 1;
  openfield.run("c");
  const std::string weights = "snapshot-2.data-00000-of-00001";
  EXPECT_TRUE(openfield.file("a", weights) == openfield.file("b", weights));
  EXPECT_FALSE(openfield.file("a", weights) == openfield.file("c", weights));
}

TEST(Train, DoesNotRepeatAFinishedRunNorMixTwo) {
  NEEDS_OPENFIELD;
  Openfield openfield;
  openfield.options.max_iterations = 1;
  openfield.run("a");
  std::string note;
  TrainHooks hooks;
  hooks.note = [&](const std::string& text) { note = text; };
  EXPECT_TRUE(openfield.run("a", hooks).finished);
  EXPECT_NE(note.find("already trained to iteration 1"), std::string::npos) << note;
  openfield.options.seed = 5;
  EXPECT_ERROR(openfield.run("a"), ErrorKind::usage, "--seed was 0, is 5");
  openfield.options.overwrite = true;
  EXPECT_EQ(openfield.run("a").first_iteration, 0);
}

TEST(Train, LeavesFrozenLayersAsTheyStart) {
  NEEDS_OPENFIELD;
  Openfield openfield;
  openfield.options.max_iterations = 1;
  openfield.options.freeze = Freeze::backbone;
  openfield.options.init = (OpenfieldProject::reference() / kTrain / "snapshot-4000").string();
  openfield.run("a");
  const auto before = read_checkpoint(openfield.options.init);
  const auto after = read_checkpoint(openfield.train_folder / "runs/a/snapshot-4001");
  const auto unchanged = [&](const char* name) {
    return read_floats(*before.find(name)) == read_floats(*after.find(name));
  };
  EXPECT_TRUE(unchanged("MobilenetV2/Conv/weights"));
  EXPECT_TRUE(unchanged("MobilenetV2/expanded_conv_16/project/weights"));
  EXPECT_FALSE(unchanged("pose/part_pred/block4/weights"));
}

TEST(Train, WithTheFastRecipeLowersTheLossAndMeasuresErrors) {
  NEEDS_OPENFIELD;
  Openfield openfield;
  openfield.options.recipe = Recipe::fast;
  openfield.options.batch_size = 1;
  openfield.options.max_iterations = 8;
  openfield.options.eval_iterations = 8;
  const auto result = openfield.run("a");
  ASSERT_TRUE(result.last_error);
  EXPECT_EQ(result.last_error->iteration, 8);
  EXPECT_GT(result.last_error->errors.train, 0);
  const auto losses = read_learning_curve(openfield.train_folder / "runs/a/learning_curve.csv");
  EXPECT_LT(losses.back().total_loss, losses.front().total_loss);
}

TEST(Train, KeepsAndMarksTheBestSnapshot) {
  NEEDS_OPENFIELD;
  Openfield openfield;
  openfield.options.recipe = Recipe::fast;
  openfield.options.batch_size = 1;
  openfield.options.max_iterations = 4;
  openfield.options.save_iterations = 4;
  openfield.options.eval_iterations = 1;
  const auto result = openfield.run("a");
  const auto run = openfield.train_folder / "runs/a";
  std::int64_t best = 0;
  double least = 1e9;
  for (const auto& point : read_error_curve(run / "error_curve.csv"))
    if (point.errors.test < least) {
      least = point.errors.test;
      best = point.iteration;
    }
  EXPECT_EQ(result.best_error->iteration, best);
  const auto name = "snapshot-" + std::to_string(best);
  EXPECT_NE(read_file(run / "best_snapshot.json").find('"' + name + '"'), std::string::npos);
  std::vector<std::string> kept;
  for (const auto& snapshot : list_snapshots(run)) kept.push_back(snapshot.prefix.filename());
  EXPECT_EQ(kept, best == 4 ? std::vector<std::string>{"snapshot-4"}
                            : (std::vector<std::string>{name, "snapshot-4"}));
}

TEST(Train, StopsEarlyWhenTheErrorGetsNoBetter) {
  NEEDS_OPENFIELD;
  Openfield openfield;
  openfield.options.recipe = Recipe::fast;
  openfield.options.batch_size = 1;
  openfield.options.max_iterations = 400;
  openfield.options.eval_iterations = 1;
  openfield.options.patience = 1;
  const auto result = openfield.run("a");
  EXPECT_TRUE(result.finished);
  EXPECT_TRUE(result.stopped_early);
  EXPECT_LT(result.last_iteration, 100);
  EXPECT_EQ(result.last_error->iteration, result.last_iteration);
  EXPECT_EQ(result.best_error->iteration, result.last_iteration - 1);
  EXPECT_EQ(openfield.run("a").last_iteration, result.last_iteration);
  openfield.options.patience = 2;  // now it may go on
  EXPECT_GT(openfield.run("a").last_iteration, result.last_iteration);
}

TEST(Train, IsRepeatedBitForBitFromItsRunJson) {
  NEEDS_OPENFIELD;
  Openfield openfield;
  openfield.options.seed = 9;
  openfield.options.freeze = Freeze::base;
  openfield.options.engine.threads = 1;
  openfield.options.init = (OpenfieldProject::reference() / kTrain / "snapshot-4000").string();
  openfield.run("a");
  auto record = read_run_record(openfield.train_folder / "runs/a/run.json");
  EXPECT_TRUE(std::filesystem::equivalent(record.config, openfield.folder / "config.yaml"));
  EXPECT_EQ(record.choice.run_name, "a");
  EXPECT_EQ(record.options.engine.threads, 1);
  record.choice.run_name = "b";
  const auto project = read_project(record.config);
  EXPECT_TRUE(train(project, record.choice, record.options).finished);
  const std::string weights = "snapshot-4006.data-00000-of-00001";
  EXPECT_TRUE(openfield.file("a", weights) == openfield.file("b", weights));
  set_pose_config_value(openfield.train_folder / "pose_cfg.yaml", "pos_dist_thresh", "12");
  record.choice.run_name = "c";
  EXPECT_ERROR(train(project, record.choice, record.options), ErrorKind::mismatch,
               "pose_cfg.yaml has changed: ");
}

TEST(Train, KeepsAsManySnapshotsAsAskedFor) {
  NEEDS_OPENFIELD;
  Openfield openfield;
  openfield.options.save_iterations = 1;
  openfield.options.max_snapshots = 2;
  openfield.run("a");
  std::vector<std::int64_t> kept;
  for (const auto& snapshot : list_snapshots(openfield.train_folder / "runs/a"))
    kept.push_back(snapshot.iteration);
  EXPECT_EQ(kept, (std::vector<std::int64_t>{5, 6}));
}

TEST(Train, MovesOnlyTheHeadsWhileTheyWarmUpAndGoesOnInTheMiddleOfThat) {
  NEEDS_OPENFIELD;
  Openfield openfield;
  openfield.options.init = (OpenfieldProject::reference() / kTrain / "snapshot-4000").string();
  openfield.options.save_iterations = 2;
  openfield.options.max_iterations = 5;
  openfield.options.heads_first = 3;
  openfield.options.layer_rates = {{"locref", 0}};
  openfield.run("whole");
  const auto moved = [&](int from, int to, const char* name) {
    const auto values = [&](int iteration) {
      auto snapshot = openfield.options.init;
      if (iteration > 4000)
        snapshot = openfield.train_folder / ("runs/whole/snapshot-" + std::to_string(iteration));
      return read_floats(*read_checkpoint(snapshot).find(name));
    };
    return values(from) != values(to);
  };
  EXPECT_FALSE(moved(4000, 4002, "MobilenetV2/Conv/weights"));
  EXPECT_TRUE(moved(4000, 4002, "pose/part_pred/block4/weights"));
  EXPECT_TRUE(moved(4002, 4004, "MobilenetV2/Conv/weights"));
  EXPECT_FALSE(moved(4000, 4004, "pose/locref_pred/block4/weights"));
  TrainHooks hooks;
  hooks.stop = [] { return true; };
  openfield.run("stopped", hooks);
  openfield.run("stopped");
  const std::string weights = "snapshot-4005.data-00000-of-00001";
  EXPECT_TRUE(openfield.file("stopped", weights) == openfield.file("whole", weights));
  const auto record = read_run_record(openfield.train_folder / "runs/whole/run.json");
  EXPECT_EQ(record.options.heads_first, 3);
  ASSERT_EQ(record.options.layer_rates.size(), 1U);
  EXPECT_EQ(record.options.layer_rates[0].group, "locref");
  openfield.options.heads_first = 2;
  EXPECT_ERROR(openfield.run("whole"), ErrorKind::usage, "--heads-first was 3, is 2");
}

TEST(Train, TellsThatItGoesOnWithOtherThreads) {
  NEEDS_OPENFIELD;
  Openfield openfield;
  openfield.options.engine.threads = 1;
  TrainHooks hooks;
  hooks.stop = [] { return true; };
  openfield.run("a", hooks);
  std::string notes;
  hooks.stop = {};
  hooks.note = [&](const std::string& text) { notes += text + '\n'; };
  openfield.options.engine.threads = 2;
  EXPECT_TRUE(openfield.run("a", hooks).finished);
  EXPECT_NE(notes.find("the run began with 1 thread, now it has 2"), std::string::npos) << notes;
}

TEST(Train, TellsInItsRunJsonHowFarItWentOn) {
  NEEDS_OPENFIELD;
  Openfield openfield;
  openfield.options.engine.threads = 1;
  openfield.run("a");
  openfield.options.max_iterations = 8;
  openfield.options.engine.threads = 2;
  EXPECT_EQ(openfield.run("a").last_iteration, 8);
  const auto record = read_run_record(openfield.train_folder / "runs/a/run.json");
  EXPECT_EQ(record.options.max_iterations, 8);
  EXPECT_EQ(record.options.engine.threads, 1);
}

TEST(Train, TellsThatARepetitionHasOtherLabels) {
  NEEDS_OPENFIELD;
  const Openfield openfield;
  openfield.run("a");
  auto record = read_run_record(openfield.train_folder / "runs/a/run.json");
  const auto set =
      openfield.folder / "training-datasets/iteration-0/UnaugmentedDataSet_openfieldOct30";
  auto labels = read_labels(set / "CollectedData_Pranav.h5");
  labels.images[0].points[0].x += 1;
  write_labels(set / "CollectedData_Pranav", labels);
  record.choice.run_name = "b";
  std::string warnings;
  TrainHooks hooks;
  hooks.warning = [&](const std::string& text) { warnings += text + '\n'; };
  EXPECT_TRUE(train(openfield.project, record.choice, record.options, hooks).finished);
  EXPECT_NE(warnings.find("have changed since that run"), std::string::npos) << warnings;
}

}  // namespace
}  // namespace poseheir
