#include "poseheir/train.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/file.h"
#include "base/folder_lock.h"
#include "expect_error.h"
#include "openfield.h"
#include "pose/train_adjusted.h"
#include "poseheir/media.h"
#include "poseheir/predict.h"
#include "tiny_disk.h"

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

// The pictures of the project as files of its own, to be damaged.
std::filesystem::path own_pictures(const OpenfieldProject& folder) {
  const auto pictures = folder / "labeled-data";
  const auto shared = std::filesystem::read_symlink(pictures);
  std::filesystem::remove(pictures);
  std::filesystem::copy(shared, pictures, std::filesystem::copy_options::recursive);
  const auto m4s1 = pictures / "m4s1";
  for (const auto& entry : std::filesystem::directory_iterator(m4s1))
    std::filesystem::permissions(entry.path(), std::filesystem::perms::owner_write,
                                 std::filesystem::perm_options::add);
  return m4s1;
}

TEST(Train, NamesCorruptPicturesAndPassesThemOverOrRefusesThem) {
  NEEDS_OPENFIELD;
  Openfield openfield;
  openfield.options.max_iterations = 12;
  openfield.options.save_iterations = 12;
  const auto pictures = own_pictures(openfield.folder);
  int damaged = 0;
  for (const auto& entry : std::filesystem::directory_iterator(pictures))
    if (entry.path().extension() == ".png" && damaged++ % 2 == 0)
      std::filesystem::resize_file(entry.path(), 100);
  std::vector<std::string> notes;
  TrainHooks hooks;
  hooks.note = [&](const std::string& text) { notes.push_back(text); };
  EXPECT_TRUE(openfield.run("a", hooks).finished);
  const auto told = std::count_if(notes.begin(), notes.end(), [](const std::string& note) {
    return note.find("labeled-data/m4s1/img") != std::string::npos &&
           note.find("passed over (--strict refuses instead)") != std::string::npos;
  });
  EXPECT_GT(told, 2);
  EXPECT_LE(told, damaged / 2 + 1);
  openfield.run("b");
  const std::string weights = "snapshot-12.data-00000-of-00001";
  EXPECT_TRUE(openfield.file("a", weights) == openfield.file("b", weights));
  openfield.options.strict = true;
  EXPECT_ERROR(openfield.run("c"), ErrorKind::corrupt, "labeled-data/m4s1/img");
}

TEST(Train, DoesNotGoOnWithPicturesThatChangedUnderneath) {
  NEEDS_OPENFIELD;
  const Openfield openfield;
  const auto pictures = own_pictures(openfield.folder);
  TrainHooks hooks;
  hooks.stop = [] { return true; };
  EXPECT_FALSE(openfield.run("a", hooks).finished);
  const auto first = pictures / "img0000.png";
  write_file(first, read_file(first) + "x");
  EXPECT_ERROR(openfield.run("a"), ErrorKind::usage, "pictures_crc32c (");
}

TEST(Train, TellsThatLabelsChangedUnderneath) {
  NEEDS_OPENFIELD;
  const Openfield openfield;
  TrainHooks hooks;
  hooks.stop = [] { return true; };
  openfield.run("a", hooks);
  const auto state = openfield.train_folder / "runs/a/train_state.safetensors";
  auto bytes = read_file(state);
  const auto place = bytes.find("labels_crc32c");
  ASSERT_NE(place, std::string::npos);
  const auto digit = bytes.find_first_of("0123456789abcdef", bytes.find(':', place));
  bytes[digit] = bytes[digit] == '0' ? '1' : '0';
  write_file(state, bytes);
  std::string notes;
  hooks.stop = {};
  hooks.note = [&](const std::string& text) { notes += text + '\n'; };
  EXPECT_TRUE(openfield.run("a", hooks).finished);
  EXPECT_NE(notes.find("the labels or the split have changed"), std::string::npos) << notes;
}

TEST(Train, SaysWhichBatchFitsBeforeItStarts) {
  NEEDS_OPENFIELD;
  Openfield openfield;
  openfield.options.recipe = Recipe::fast;
  openfield.options.batch_size = 4096;
  openfield.options.memory_bytes = std::size_t{2} << 30U;
  std::string advice;
  try {
    openfield.run("a");
  } catch (const Error& error) {
    advice = error.what();
  }
  const auto option = advice.find("--batch-size ");
  ASSERT_NE(advice.find("needs about"), std::string::npos) << advice;
  ASSERT_NE(option, std::string::npos) << advice;
  const int fits = std::stoi(advice.substr(option + 13));
  EXPECT_GT(fits, 4) << advice;
  EXPECT_LT(fits, 400) << advice;
  openfield.options.memory_bytes = std::size_t{10} << 20U;
  EXPECT_ERROR(openfield.run("a"), ErrorKind::usage, "not even one picture at a time fits");
}

TEST(Train, StopsOnAFullDiskAndGoesOnWhenThereIsRoom) {
  NEEDS_OPENFIELD;
  Openfield openfield;
  openfield.run("whole");
  const TinyDisk disk;
  if (!disk.mounted()) GTEST_SKIP() << "needs the right to mount a small file system";
  const auto runs = openfield.train_folder / "runs";
  std::filesystem::create_directory_symlink(disk.path(), runs / "full");
  EXPECT_ERROR(openfield.run("full"), ErrorKind::io, "No space left on device");
  EXPECT_EQ(list_snapshots(disk.path()).size(), 0U);
  std::filesystem::remove(runs / "full");
  std::filesystem::copy(disk.path(), runs / "full", std::filesystem::copy_options::recursive);
  EXPECT_TRUE(openfield.run("full").finished);
  const std::string weights = "snapshot-6.data-00000-of-00001";
  EXPECT_TRUE(openfield.file("full", weights) == openfield.file("whole", weights));
}

TEST(Train, SaysThatAFolderCannotBeWritten) {
  NEEDS_OPENFIELD;
  const Openfield openfield;
  const TinyDisk disk;
  if (!disk.mounted()) GTEST_SKIP() << "needs the right to mount a small file system";
  std::filesystem::create_directories(openfield.train_folder / "runs");
  std::filesystem::create_directory_symlink(disk.path(), openfield.train_folder / "runs/a");
  disk.make_read_only();
  EXPECT_ERROR(openfield.run("a"), ErrorKind::io, "cannot write into it: Read-only file system");
}

TEST(Train, IsDoneByOneProcessAFolder) {
  NEEDS_OPENFIELD;
  const Openfield openfield;
  const auto run = openfield.train_folder / "runs/a";
  std::filesystem::create_directories(run);
  const FolderLock lock(run);
  EXPECT_ERROR(openfield.run("a"), ErrorKind::io, "process " + std::to_string(::getpid()) + " on ");
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
               "that run cannot be repeated here: pose_cfg_crc32c (");
}

TEST(Train, KeepsTheEarlierRunWhenItsReplacementCannotStart) {
  NEEDS_OPENFIELD;
  Openfield openfield;
  openfield.options.max_iterations = 2;
  openfield.run("a");
  const auto stats = openfield.file("a", "learning_curve.csv");
  openfield.options.overwrite = true;
  openfield.options.memory_bytes = std::size_t{10} << 20U;
  EXPECT_ERROR(openfield.run("a"), ErrorKind::usage, "not even one picture at a time fits");
  EXPECT_EQ(openfield.file("a", "learning_curve.csv"), stats);
  openfield.options.overwrite = false;
  openfield.options.memory_bytes.reset();
  EXPECT_TRUE(openfield.run("a").resumed);
}

// The reference project holds what DeepLabCut trained: snapshot-4000 and its learning_stats.csv.
TEST(Train, DoesNotReplaceATrainingOfDeepLabCutButGoesOnFromIt) {
  NEEDS_OPENFIELD;
  Openfield openfield;
  const auto own = [&](const std::string& name) {
    return read_file(openfield.train_folder / name);
  };
  const auto train_there = [&] { return train(openfield.project, {}, openfield.options); };
  const auto stats = own("learning_stats.csv"), weights = own("snapshot-4000.index");
  EXPECT_ERROR(train_there(), ErrorKind::usage,
               "holds snapshots of a training that is not Poseheir's, up to snapshot-4000; "
               "--run-name NAME");
  EXPECT_EQ(own("learning_stats.csv"), stats);
  openfield.options.init = (openfield.train_folder / "snapshot-4000").string();
  EXPECT_EQ(train_there().last_iteration, 4006);
  EXPECT_EQ(own("snapshot-4000.index"), weights);
  EXPECT_TRUE(own("learning_stats.csv").starts_with(stats + "4002, "));
  openfield.options.init = "random";
  openfield.options.overwrite = true;
  EXPECT_EQ(train_there().last_iteration, 6);
  EXPECT_TRUE(own("learning_stats.csv").starts_with("2, "));
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

TEST(Train, RefusesOptionsThatWouldHaveNoEffect) {
  NEEDS_OPENFIELD;
  Openfield openfield;
  openfield.options.patience = 3;
  EXPECT_ERROR(openfield.run("a"), ErrorKind::usage, "none are measured while training");
  openfield.options.patience.reset();
  openfield.options.batch_size = 4;
  set_pose_config_value(openfield.train_folder / "pose_cfg.yaml", "dataset_type", "scalecrop");
  EXPECT_ERROR(openfield.run("a"), ErrorKind::usage, "one picture at a time, so --batch-size 4");
  openfield.options.batch_size = 2'000'000'000;
  openfield.options.recipe = Recipe::fast;
  EXPECT_ERROR(openfield.run("a"), ErrorKind::usage, "at most 65536 pictures");
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
  EXPECT_ERROR(openfield.run("whole"), ErrorKind::usage, "heads_first (3 there, 2 now)");
}

TEST(Train, SavesNoWeightsThatAreNoNumbers) {
  NEEDS_OPENFIELD;
  const Openfield openfield;
  ModelChoice choice;
  choice.run_name = "a";
  const auto leap = [](TrainingPlan& plan) {
    plan.rate = [](std::int64_t it) { return it == 6 ? HUGE_VAL : 1e-3; };
  };
  EXPECT_ERROR(train_adjusted(openfield.project, choice, openfield.options, {}, leap),
               ErrorKind::unsupported,
               "the weights are no finite numbers at iteration 6 (learning rate inf); the last "
               "good one is snapshot-3");
  const auto left = list_snapshots(openfield.train_folder / "runs/a");
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].iteration, 3);
}

TEST(Train, NamesAPictureThatWasExchangedForAnotherSize) {
  NEEDS_OPENFIELD;
  for (const char* loader : {"imgaug", "scalecrop"}) {
    const Openfield openfield;
    set_pose_config_value(openfield.train_folder / "pose_cfg.yaml", "dataset_type", loader);
    for (const auto& entry : std::filesystem::directory_iterator(own_pictures(openfield.folder)))
      if (entry.path().extension() == ".png")
        write_image(entry.path(), {20, 30, std::vector<std::uint8_t>(20 * 30 * 3, 9)});
    EXPECT_ERROR(openfield.run("a"), ErrorKind::mismatch,
                 "a picture of 30 x 20 pixels, but it was labelled at 640 x 480");
  }
}

TEST(Train, WantsAsManyKeypointsAsAreNamedAndLabelled) {
  NEEDS_OPENFIELD;
  const Openfield openfield;
  const auto config = openfield.train_folder / "pose_cfg.yaml";
  set_pose_config_value(config, "num_joints", "5");
  EXPECT_ERROR(openfield.run("a"), ErrorKind::mismatch,
               "num_joints is 5, but all_joints_names has 4");
  set_pose_config_value(config, "num_joints", "3");
  auto text = read_file(config);
  text.erase(text.find("- tailbase\n"), std::string("- tailbase\n").size());
  write_file(config, text);
  EXPECT_ERROR(openfield.run("a"), ErrorKind::mismatch, "labels keypoint 3 of labeled-data/");
}

TEST(Train, NamesTheFileOfAnUnknownNetwork) {
  NEEDS_OPENFIELD;
  const Openfield openfield;
  set_pose_config_value(openfield.train_folder / "pose_cfg.yaml", "net_type", "resnet_51");
  EXPECT_ERROR(openfield.run("a"), ErrorKind::usage, "pose_cfg.yaml: unknown net_type 'resnet_51'");
}

TEST(Train, WarnsWhereNobodyNamedStartWeights) {
  NEEDS_OPENFIELD;
  Openfield openfield;
  set_pose_config_value(openfield.train_folder / "pose_cfg.yaml", "init_weights", "");
  openfield.options.max_iterations = 1;
  std::string warnings;
  TrainHooks hooks;
  hooks.warning = [&](const std::string& text) { warnings += text + '\n'; };
  openfield.run("asked", hooks);
  EXPECT_EQ(warnings, "");
  openfield.options.init = "";
  openfield.run("a", hooks);
  EXPECT_NE(warnings.find("init_weights is empty"), std::string::npos) << warnings;
}

TEST(Train, SaysWhatToDoAboutADamagedState) {
  NEEDS_OPENFIELD;
  const Openfield openfield;
  openfield.run("a");
  const auto state = openfield.train_folder / "runs/a/train_state.safetensors";
  std::filesystem::resize_file(state, 1000);
  EXPECT_ERROR(openfield.run("a"), ErrorKind::corrupt,
               "the run cannot go on from it: --overwrite begins anew, --run-name NAME --init ");
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

TEST(Train, TellsOfPicturesThatItCannotMeasureErrorsOn) {
  NEEDS_OPENFIELD;
  Openfield openfield;
  openfield.options.max_iterations = 2;
  openfield.options.eval_iterations = 1;
  const auto pictures = own_pictures(openfield.folder);
  const auto config = read_train_config(openfield.project, {});
  const auto dataset = read_dataset(openfield.project, {}, config);
  for (const int row : dataset.split.test)
    std::filesystem::resize_file(image_path(openfield.project, dataset.labels.images.at(row)), 100);
  std::string warnings;
  TrainHooks hooks;
  hooks.warning = [&](const std::string& text) { warnings += text + '\n'; };
  EXPECT_TRUE(std::isnan(openfield.run("a", hooks).last_error->errors.test));
  EXPECT_NE(warnings.find("(and 5 more); left out of the errors measured"), std::string::npos)
      << warnings;
  openfield.options.strict = true;
  EXPECT_ERROR(openfield.run("b"), ErrorKind::corrupt, "labeled-data/m4s1/img");
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

TEST(Train, RefusesARunJsonThatTellsTooLittle) {
  const TempDir folder;
  write_file(folder / "run.json", "{\"seed\": 1}\n");
  EXPECT_ERROR(read_run_record(folder / "run.json"), ErrorKind::corrupt,
               "not the run.json of a run of this version");
}

}  // namespace
}  // namespace poseheir
