// Training on a disk that becomes full, at every moment and by every amount.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/disk_room.h"
#include "expect_error.h"
#include "pose/run_saver.h"
#include "tiny_disk.h"
#include "train_openfield.h"

namespace poseheir {
namespace {

namespace fs = std::filesystem;

// Somebody else's file, that leaves so many bytes.
class Filler {
 public:
  Filler(const fs::path& folder, std::uint64_t left) : file_(folder / "video") {
    const auto free = room_at(folder).value();
    const int descriptor = ::open(file_.c_str(), O_WRONLY | O_CREAT, 0644);
    if (free > left)
      EXPECT_EQ(::posix_fallocate(descriptor, 0, static_cast<off_t>(free - left)), 0);
    ::close(descriptor);
  }
  ~Filler() { fs::remove(file_); }
  Filler(const Filler&) = delete;
  Filler& operator=(const Filler&) = delete;

 private:
  fs::path file_;
};

constexpr int kMegabytes = 40;

struct SmallDisk {
  Openfield openfield;
  TinyDisk disk{kMegabytes};
  fs::path runs = openfield.train_folder / "runs";

  SmallDisk() {
    openfield.options.eval_iterations = 2;
    fs::create_directories(runs);
    fs::create_directory_symlink(disk.path(), runs / "full");
  }
  // As an uninterrupted run leaves them.
  void expect_all_files() const {
    for (const char* name : {"snapshot-3.data-00000-of-00001", "snapshot-6.data-00000-of-00001",
                             "snapshot-6.index", "checkpoint", "learning_stats.csv"})
      EXPECT_TRUE(openfield.file("full", name) == openfield.file("whole", name)) << name;
    const auto rows = [&](const char* run) {
      std::vector<std::int64_t> iterations;
      for (const auto& point : read_learning_curve(runs / run / "learning_curve.csv"))
        iterations.push_back(point.iteration);
      for (const auto& point : read_error_curve(runs / run / "error_curve.csv"))
        iterations.push_back(point.iteration);
      return iterations;
    };
    EXPECT_EQ(rows("full"), rows("whole"));
    EXPECT_EQ(openfield.file("full", "best_snapshot.json"),
              openfield.file("whole", "best_snapshot.json"));
    EXPECT_EQ(list_snapshots(disk.path()).size(), list_snapshots(runs / "whole").size());
  }
};

#define NEEDS_SMALL_DISK(small) \
  if (!(small).disk.mounted()) GTEST_SKIP() << "needs the right to mount a small file system"

TEST(FullDisk, IsRefusedBeforeAnythingIsComputed) {
  NEEDS_OPENFIELD;
  SmallDisk small;
  NEEDS_SMALL_DISK(small);
  auto& openfield = small.openfield;
  openfield.run("whole");
  {
    const Filler filler(small.disk.path(), 5U << 20U);
    EXPECT_ERROR(openfield.run("full"), ErrorKind::io, "too little room on its disk");
    EXPECT_EQ(std::distance(fs::directory_iterator(small.disk.path()), {}), 1);  // the filler
  }
  EXPECT_TRUE(openfield.run("full").finished);
  small.expect_all_files();
  const auto stats = openfield.file("full", "learning_stats.csv");
  openfield.options.overwrite = true;
  const Filler filler(small.disk.path(), 0);
  EXPECT_ERROR(openfield.run("full"), ErrorKind::io, "run the same command again: nothing was");
  EXPECT_EQ(openfield.file("full", "learning_stats.csv"), stats);
}

// Bytes left and the iteration: nothing; pages, so that some line fails; a snapshot, but no state.
TEST(FullDisk, LosesNothingWheneverItFills) {
  NEEDS_OPENFIELD;
  SmallDisk small;
  NEEDS_SMALL_DISK(small);
  auto& openfield = small.openfield;
  openfield.run("whole");
  const std::vector<std::pair<std::uint64_t, std::int64_t>> cases = {
      {0, 0}, {0, 2}, {4096, 1}, {8192, 3}, {40960, 4}, {3U << 20U, 1}, {3U << 20U, 5}};
  for (const auto& [left, filled_at] : cases) {
    SCOPED_TRACE(fmt::format("{} bytes are left from iteration {} on", left, filled_at));
    for (const auto& entry : fs::directory_iterator(small.disk.path())) fs::remove_all(entry);
    std::optional<Filler> filler;
    std::int64_t last = -1;
    TrainHooks hooks;
    hooks.progress = [&](const TrainProgress& progress) {
      last = progress.iteration;
      if (last == filled_at) filler.emplace(small.disk.path(), left);
    };
    std::string text;
    try {
      openfield.run("full", hooks);
      ADD_FAILURE() << "there was room enough";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::io);
      text = error.what();
    }
    EXPECT_NE(text.find("No space left on device"), std::string::npos) << text;
    EXPECT_NE(text.find(fmt::format("iteration {} is saved, nothing is lost", last + 1)),
              std::string::npos)
        << text;
    if (left == 0) {  // the same command, when it is still full
      EXPECT_ERROR(openfield.run("full"), ErrorKind::io, "run the ");
    }
    filler.reset();
    const auto result = openfield.run("full");
    EXPECT_TRUE(result.resumed);
    EXPECT_TRUE(result.finished);
    EXPECT_EQ(result.first_iteration, last + 2);
    small.expect_all_files();
  }
}

// Without room kept, as where another program was quicker.
TEST(FullDisk, KeepsTheStateBeforeWhereEvenThatHasNoRoom) {
  const TinyDisk disk(kMegabytes);
  if (!disk.mounted()) GTEST_SKIP() << "needs the right to mount a small file system";
  NetworkSpec spec;
  spec.net_type = "mobilenet_v2_0.35";
  spec.keypoints = 2;
  const auto network = build_network(spec);
  const auto parameters = initial_parameters(network, 0);
  RunSaver saver(RunFolder(disk.path(), 5), network,
                 save_sizes(network, OptimizerKind::sgd_momentum));
  TrainingState state;
  state.next_iteration = 6;
  saver.save(5, state, parameters, {}, true);
  const Filler filler(disk.path(), 0);
  state.next_iteration = 10;
  EXPECT_ERROR(saver.save(9, state, parameters, {}, true), ErrorKind::io,
               "iteration 5 is the last one saved. Going on needs");
  const auto left = read_training_state(disk.path() / "train_state.safetensors", network);
  EXPECT_EQ(left.next_iteration, 6);
  EXPECT_EQ(left.parameters, parameters);
  EXPECT_EQ(list_snapshots(disk.path()).size(), 1U);
}

}  // namespace
}  // namespace poseheir
