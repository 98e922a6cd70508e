#include "poseheir/train.h"

#include <cmath>
#include <gtest/gtest.h>

#include "base/file.h"
#include "expect_error.h"
#include "openfield.h"
#include "poseheir/predict.h"

namespace poseheir {
namespace {

constexpr auto kTrain = "dlc-models/iteration-0/openfieldOct30-trainset95shuffle1/train";

// Small pictures, few iterations: what is tested is the plumbing.
struct Openfield {
  OpenfieldProject folder;
  Project project = read_project(folder.path());
  TrainOptions options;
  std::filesystem::path train_folder = folder / kTrain;

  Openfield() {
    set_pose_config_value(train_folder / "pose_cfg.yaml", "global_scale", "0.2");
    set_pose_config_value(train_folder / "pose_cfg.yaml", "scale_jitter_lo", "0.8");
    set_pose_config_value(train_folder / "pose_cfg.yaml", "min_input_size", "32");
    options.recipe = Recipe::dlc;
    options.init = "random";
    options.max_iterations = 6;
    options.save_iterations = 3;
    options.display_iterations = 2;
    options.eval_iterations = 0;
  }
  TrainResult run(const std::string& name, const TrainHooks& hooks = {}) const {
    ModelChoice choice;
    choice.run_name = name;
    return train(project, choice, options, hooks);
  }
  std::string file(const std::string& run, const std::string& name) const {
    return read_file(train_folder / "runs" / run / name);
  }
};

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
  EXPECT_ERROR(openfield.run("a"), ErrorKind::usage, "seed (0 there, 5 now)");
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

TEST(Train, StopsWithAdviceWhenTheLossIsNoNumber) {
  NEEDS_OPENFIELD;
  Openfield openfield;
  const auto network =
      build_network(read_pose_config(openfield.train_folder / "pose_cfg.yaml").network);
  auto parameters = initial_parameters(network, 0);
  parameters[network.find_variable("pose/part_pred/block4/biases")][1] = std::nanf("");
  openfield.options.init = (openfield.folder / "snapshot-7").string();
  write_checkpoint(openfield.options.init, CheckpointFormat::tensorflow_v2,
                   stored_parameters(network, parameters));
  EXPECT_ERROR(openfield.run("a"), ErrorKind::unsupported,
               "the loss is not a finite number at iteration 7");
}

TEST(Train, NamesAMissingPicture) {
  NEEDS_OPENFIELD;
  const Openfield openfield;
  std::filesystem::remove(openfield.folder / "labeled-data");
  std::filesystem::create_directories(openfield.folder / "labeled-data/m4s1");
  EXPECT_ERROR(openfield.run("a"), ErrorKind::io, "labeled-data/m4s1/img0");
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

}  // namespace
}  // namespace poseheir
