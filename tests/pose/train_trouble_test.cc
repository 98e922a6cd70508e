// What stands in the way of training: told, and nothing lost.
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/file.h"
#include "base/folder_lock.h"
#include "expect_error.h"
#include "pose/train_adjusted.h"
#include "poseheir/media.h"
#include "poseheir/predict.h"
#include "tiny_disk.h"
#include "train_openfield.h"

namespace poseheir {
namespace {

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
  EXPECT_ERROR(openfield.run("a"), ErrorKind::usage,
               "pictures have other contents than then: labeled-data/m4s1/img0000.png; put back "
               "what it was trained with to go on, or --overwrite");
}

TEST(Train, SaysInWordsWhatDiffersFromTheRunThatIsRepeated) {
  NEEDS_OPENFIELD;
  Openfield openfield;
  openfield.options.max_iterations = 1;
  const auto pictures = own_pictures(openfield.folder);
  openfield.run("a");
  const auto repeat = [&] {
    ModelChoice choice;
    choice.run_name = "repeat";
    train(openfield.project, choice,
          read_run_record(openfield.train_folder / "runs/a/run.json").options);
  };
  const auto first = pictures / "img0000.png";
  const auto bytes = read_file(first);
  write_file(first, bytes + "x");
  EXPECT_ERROR(repeat(), ErrorKind::mismatch,
               "runs/repeat: that run cannot be repeated here: pictures have other contents than "
               "then: labeled-data/m4s1/img0000.png. Put back what it was trained with");
  write_file(first, bytes);
  set_pose_config_value(openfield.train_folder / "pose_cfg.yaml", "global_scale", "0.3");
  EXPECT_ERROR(repeat(), ErrorKind::mismatch,
               "pose_cfg.yaml has changed: global_scale was 0.2, is");
  set_pose_config_value(openfield.train_folder / "pose_cfg.yaml", "global_scale", "0.2");
  EXPECT_NO_THROW(repeat());
  openfield.options.seed = 5;
  EXPECT_ERROR(openfield.run("a"), ErrorKind::usage, "holds another run: --seed was 0, is 5; put");
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

TEST(Train, RefusesARunJsonThatTellsTooLittle) {
  const TempDir folder;
  write_file(folder / "run.json", "{\"seed\": 1}\n");
  EXPECT_ERROR(read_run_record(folder / "run.json"), ErrorKind::corrupt,
               "not the run.json of a run of this version");
}

}  // namespace
}  // namespace poseheir
