// train --dry-run: what it tells is what train does, and it leaves no trace.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <sys/stat.h>

#include "base/folder_lock.h"
#include "expect_error.h"
#include "poseheir/training_set_plan.h"
#include "tiny_disk.h"
#include "train_openfield.h"

namespace poseheir {
namespace {

namespace fs = std::filesystem;

struct Trace {
  std::uintmax_t size = 0;
  std::int64_t modified_ns = 0, changed_ns = 0;
  bool operator==(const Trace&) const = default;
};

// Names, sizes and times of all that a folder holds, and of the folders themselves.
std::map<std::string, Trace> tree(const fs::path& folder) {
  std::map<std::string, Trace> files;
  const auto add = [&](const fs::path& path) {
    struct stat status {};
    ASSERT_EQ(::lstat(path.c_str(), &status), 0);
    const auto ns = [](const timespec& time) { return time.tv_sec * 1'000'000'000 + time.tv_nsec; };
    files[path.string()] = {static_cast<std::uintmax_t>(status.st_size), ns(status.st_mtim),
                            ns(status.st_ctim)};
  };
  add(folder);
  for (const auto& entry : fs::recursive_directory_iterator(folder)) add(entry.path());
  return files;
}

TrainingForecast forecast(const Openfield& openfield, const std::string& run) {
  ModelChoice choice;
  choice.run_name = run;
  return forecast_training(openfield.project, choice, openfield.options);
}

TEST(Forecast, TellsWhatTrainingThenDoesAndWritesNothing) {
  NEEDS_OPENFIELD;
  Openfield openfield;
  openfield.options.max_iterations = 7;
  const auto before = tree(openfield.folder.path());
  const auto told = forecast(openfield, "a");
  EXPECT_EQ(tree(openfield.folder.path()), before);
  EXPECT_EQ(told.net_type, "mobilenet_v2_0.35");
  EXPECT_EQ(told.labelled, 116U);  // DeepLabCut's own split: Documentation_data-….pickle
  EXPECT_EQ(told.train, 110U);
  EXPECT_EQ(told.test, 6U);
  EXPECT_EQ(told.beginning, "anew");
  EXPECT_EQ(told.optimizer, "sgd with momentum");
  EXPECT_EQ(told.batch_size, 1);
  EXPECT_DOUBLE_EQ(told.first_rate, 0.005);
  EXPECT_EQ(told.snapshots, (std::vector<std::int64_t>{3, 6, 7}));
  EXPECT_GT(told.memory_needed, 1U << 20U);
  EXPECT_LT(told.memory_needed, told.memory_available);
  const auto result = openfield.run("a");
  EXPECT_EQ(result.first_iteration, told.next_iteration);
  EXPECT_EQ(result.last_iteration, told.last_iteration);
  std::vector<std::int64_t> saved;
  for (const auto& snapshot : list_snapshots(told.folder)) saved.push_back(snapshot.iteration);
  EXPECT_EQ(saved, told.snapshots);
  const auto bytes = fs::file_size(told.folder / "snapshot-7.data-00000-of-00001") +
                     fs::file_size(told.folder / "snapshot-7.index");
  EXPECT_LE(bytes, told.snapshot_bytes);
  EXPECT_LE(fs::file_size(told.folder / "train_state.safetensors") * 2 + bytes, told.disk_needed);
  for (const auto& entry : fs::directory_iterator(told.folder)) {
    auto name = entry.path().filename().string();
    if (name.starts_with("snapshot-")) name.replace(9, 1, "N");
    if (name == "log") name = "log/events.out.tfevents.*";
    EXPECT_THAT(told.files, testing::Contains(name));
  }
}

TEST(Forecast, TellsOfAnInterruptedAFinishedAndAReplacedRun) {
  NEEDS_OPENFIELD;
  Openfield openfield;
  TrainHooks hooks;
  hooks.stop = [] { return true; };
  openfield.run("a", hooks);
  auto before = tree(openfield.folder.path());
  auto told = forecast(openfield, "a");
  EXPECT_TRUE(told.resumes);
  EXPECT_EQ(told.next_iteration, 1);
  EXPECT_EQ(told.beginning, "goes on at iteration 1");
  EXPECT_EQ(tree(openfield.folder.path()), before);
  openfield.run("a");
  before = tree(openfield.folder.path());
  told = forecast(openfield, "a");
  EXPECT_TRUE(told.finished);
  EXPECT_TRUE(told.snapshots.empty());
  EXPECT_TRUE(told.files.empty());
  openfield.options.overwrite = true;
  EXPECT_EQ(forecast(openfield, "a").beginning, "anew, in place of the run that is there");
  EXPECT_EQ(tree(openfield.folder.path()), before);
}

TEST(Forecast, FailsAsTrainingWouldAndLeavesNoTrace) {
  NEEDS_OPENFIELD;
  Openfield openfield;
  openfield.options.max_iterations = 2;
  openfield.run("a");
  std::map<std::string, Trace> before;
  const auto fails_alike = [&](const std::string& run, const std::string& text) {
    before = tree(openfield.folder.path());
    std::string forecasts, trains;
    try {
      forecast(openfield, run);
    } catch (const Error& error) {
      forecasts = error.what();
    }
    EXPECT_EQ(tree(openfield.folder.path()), before);
    try {
      openfield.run(run);
    } catch (const Error& error) {
      trains = error.what();
    }
    EXPECT_EQ(forecasts, trains);
    EXPECT_THAT(forecasts, testing::HasSubstr(text));
  };
  openfield.options.seed = 1;
  fails_alike("a", "holds another run: --seed was 0, is 1");
  openfield.options.seed = 0;
  openfield.options.memory_bytes = std::size_t{10} << 20U;
  fails_alike("b", "not even one picture at a time fits");
  openfield.options.memory_bytes.reset();
  openfield.options.init = "absent/snapshot-1";
  fails_alike("b", "absent/snapshot-1");
  openfield.options.init = "random";
  fails_alike("", "not Poseheir's, up to snapshot-4000");
  {
    const FolderLock lock(openfield.train_folder / "runs/a");
    fails_alike("a", "is at work in this folder");
  }
  const auto picture = openfield.folder / "labeled-data";
  fs::remove(picture);
  fs::create_directories(picture);
  fails_alike("b", "no such picture");
}

TEST(Forecast, LeavesNoTraceOfATrainingSet) {
  NEEDS_OPENFIELD;
  const OpenfieldProject folder;
  const auto project = read_project(folder.path());
  TrainingSetOptions options;
  options.shuffle = 7;
  const auto before = tree(folder.path());
  const auto plan = plan_training_dataset(project, options);
  EXPECT_EQ(tree(folder.path()), before);
  create_training_dataset(project, options);
  EXPECT_GE(plan.files.size(), 7U);
  for (const auto& file : plan.files) EXPECT_EQ(read_file(file.path), file.content) << file.path;
  const auto after = tree(folder.path());
  std::size_t fresh = 0;
  for (const auto& [path, trace] : after)
    fresh += before.count(path) == 0 && !fs::is_directory(path);
  EXPECT_EQ(fresh, static_cast<std::size_t>(
                       std::count_if(plan.files.begin(), plan.files.end(),
                                     [](const PlannedFile& file) { return !file.replaces; })));
  EXPECT_ERROR(plan_training_dataset(project, options), ErrorKind::usage, "exists already");
}

TEST(Forecast, OfATrainingSetKnowsOfTheDisk) {
  NEEDS_OPENFIELD;
  const OpenfieldProject folder;
  const TinyDisk disk;
  if (!disk.mounted()) GTEST_SKIP() << "needs the right to mount a small file system";
  const auto sets = folder / "training-datasets";
  fs::remove_all(sets);
  fs::create_directory_symlink(disk.path(), sets);
  disk.make_read_only();
  TrainingSetOptions options;
  options.shuffle = 7;
  EXPECT_ERROR(plan_training_dataset(read_project(folder.path()), options), ErrorKind::io,
               "cannot write into it: Read-only file system");
}

}  // namespace
}  // namespace poseheir
