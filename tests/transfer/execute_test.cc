// Transfers between real files: what is written, what is refused, and that nothing changes when
// something fails.
#include <cerrno>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include "base/file.h"
#include "base/folder_lock.h"
#include "expect_error.h"
#include "generated_checkpoint.h"
#include "killed.h"
#include "poseheir/transfer.h"
#include "temp_dir.h"
#include "transfer/staging.h"

namespace poseheir {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

void write_text(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

std::string pose_config_text(const std::string& net_type, const std::vector<std::string>& names) {
  std::string text = "# made by hand\nnet_type: " + net_type +
                     "\ninit_weights: /models/imagenet.ckpt  # start\nnum_joints: " +
                     std::to_string(names.size()) +
                     "\nlocation_refinement: true\nall_joints_names:\n";
  for (const auto& name : names) text += "- " + name + "\n";
  return text;
}

// Every file of a folder with its content.
std::map<std::string, std::string> content_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    files[entry.path().string()] = entry.is_regular_file() ? read_file(entry.path()) : "folder";
  return files;
}

std::vector<std::string> list_hidden(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().filename().string().starts_with(".transfer-")) names.push_back(entry.path());
  return names;
}

void read_every(const fs::path& prefix) {
  const auto checkpoint = read_checkpoint(prefix);
  for (const auto& tensor : checkpoint.tensors) tensor.read();
}

class Transfer : public testing::Test {
 protected:
  Transfer() {
    fs::create_directories(root_ / "a");
    fs::create_directories(train_);
    NetworkSpec spec;
    spec.net_type = "mobilenet_v2_0.35";
    spec.keypoints = 3;
    spec.location_refinement = true;
    write_checkpoint(root_ / "a" / "snapshot-1000", CheckpointFormat::tensorflow_v2,
                     generated_checkpoint(spec).tensors);
    write_text(root_ / "a" / "pose_cfg.yaml",
               pose_config_text("mobilenet_v2_0.35", {"nose", "leftear", "tail"}));
    write_text(train_ / "pose_cfg.yaml",
               pose_config_text("mobilenet_v2_0.35", {"tail", "back", "nose", "rightear"}));
    request_.source = root_ / "a" / "snapshot-1000";
    request_.pose_config = train_ / "pose_cfg.yaml";
  }

  TransferResult run() { return execute_transfer(prepare_transfer(request_)); }

  void expect_nothing_changes(ErrorKind kind, const std::string& text) {
    const auto before = content_of(train_);
    EXPECT_ERROR(run(), kind, text);
    EXPECT_EQ(content_of(train_), before);
  }

  TempDir folder_;
  fs::path root_ = folder_.path();
  fs::path train_ = root_ / "c" / "train";
  TransferRequest request_;
};

TEST_F(Transfer, WritesASnapshotThatHoldsTheMappedChannels) {
  const auto result = run();
  EXPECT_EQ(result.snapshot, train_ / "snapshot-0");
  EXPECT_EQ(result.old_init_weights, "/models/imagenet.ckpt");
  const auto a = read_checkpoint(request_.source), b = read_checkpoint(result.snapshot);
  EXPECT_EQ(b.tensors.size(), 264U);
  const auto from = read_floats(*a.find("pose/part_pred/block4/biases"));
  EXPECT_EQ(read_floats(*b.find("pose/part_pred/block4/biases")),
            (std::vector<float>{from[2], 0, from[0], 0}));
  const auto* backbone = b.find("MobilenetV2/expanded_conv_7/depthwise/depthwise_weights");
  EXPECT_EQ(read_floats(*backbone), read_floats(*a.find(backbone->info.name)));
}

TEST_F(Transfer, EditsTheOneLineOfPoseCfgAndListsTheSnapshot) {
  const auto before = read_file(train_ / "pose_cfg.yaml");
  run();
  auto expected = before;
  expected.replace(expected.find("/models/imagenet.ckpt"), 21, "./snapshot-0");
  EXPECT_EQ(read_file(train_ / "pose_cfg.yaml"), expected);
  EXPECT_THAT(read_checkpoint_state(train_)->all, ElementsAre("snapshot-0"));
  EXPECT_THAT(read_file(train_ / "transfer.json"), HasSubstr("\"source_crc32c\""));
}

TEST_F(Transfer, IsTheSameBytesForTheSameSeed) {
  run();
  const auto first = read_file(train_ / "snapshot-0.data-00000-of-00001");
  request_.overwrite = true;
  run();
  EXPECT_EQ(read_file(train_ / "snapshot-0.data-00000-of-00001"), first);
  request_.options.seed = 1;
  run();
  EXPECT_NE(read_file(train_ / "snapshot-0.data-00000-of-00001"), first);
}

TEST_F(Transfer, IsTakenBackByUndo) {
  const auto before = content_of(train_);
  run();
  EXPECT_THAT(undo_transfer(request_.pose_config),
              ElementsAre("init_weights is '/models/imagenet.ckpt' again", "snapshot-0 removed"));
  EXPECT_EQ(content_of(train_), before);
}

TEST_F(Transfer, IsTakenBackToTheStartAfterSeveral) {
  const auto before = content_of(train_);
  run();
  request_.overwrite = true;
  run();
  undo_transfer(request_.pose_config);
  EXPECT_EQ(content_of(train_), before);
}

TEST_F(Transfer, LeavesWhatIsNoLongerItsOwn) {
  run();
  set_pose_config_value(request_.pose_config, "init_weights", "./snapshot-500");
  write_text(train_ / "snapshot-0.index", "changed");
  EXPECT_THAT(undo_transfer(request_.pose_config),
              ElementsAre("init_weights is './snapshot-500', not ours: left as it is",
                          "snapshot-0 is not the one that was written: left as it is"));
  EXPECT_TRUE(fs::exists(train_ / "snapshot-0.index"));
  EXPECT_ERROR(undo_transfer(request_.pose_config), ErrorKind::usage, "there is no transfer.json");
}

TEST_F(Transfer, UsesTheConversionTableOfConfigYamlForASuperAnimal) {
  NetworkSpec spec;
  spec.net_type = "mobilenet_v2_0.35";
  spec.keypoints = 27;
  spec.location_refinement = true;
  fs::create_directories(root_ / "super");
  write_checkpoint(root_ / "super" / "snapshot-7", CheckpointFormat::tensorflow_v2,
                   generated_checkpoint(spec).tensors);
  request_.source = root_ / "super" / "snapshot-7";
  request_.conversion_tables["superanimal_topviewmouse"] = {{"tail", "tail_base"}};
  const auto prepared = prepare_transfer(request_);
  EXPECT_THAT(prepared.plan.warnings,
              testing::Contains(HasSubstr("taken for the keypoints of superanimal_topviewmouse")));
  run();
  const auto a = read_checkpoint(request_.source), b = read_checkpoint(train_ / "snapshot-0");
  const auto from = read_floats(*a.find("pose/part_pred/block4/biases"));
  EXPECT_EQ(read_floats(*b.find("pose/part_pred/block4/biases")),
            (std::vector<float>{from[13], 0, 0, 0}));
}

TEST_F(Transfer, RefusesAnExistingSnapshot) {
  write_text(train_ / "snapshot-0.index", "of an earlier training");
  expect_nothing_changes(ErrorKind::usage, "snapshot-0.index: exists already");
}

TEST_F(Transfer, RefusesAnotherNetwork) {
  write_text(request_.pose_config, pose_config_text("resnet_50", {"tail"}));
  expect_nothing_changes(ErrorKind::mismatch, "A is mobilenet_v2_0.35 and C is resnet_50");
}

TEST_F(Transfer, RefusesAPoseCfgOfAnotherModel) {
  write_text(root_ / "a" / "pose_cfg.yaml",
             pose_config_text("mobilenet_v2_0.35", {"nose", "tail"}));
  expect_nothing_changes(ErrorKind::mismatch,
                         "model A has 3 keypoints in its head, but its pose_cfg.yaml names 2");
}

TEST_F(Transfer, SaysWhereCHasNoPoseCfg) {
  fs::remove(request_.pose_config);
  expect_nothing_changes(ErrorKind::usage, "create its training dataset first");
}

TEST_F(Transfer, NamesTheFileThatIsCutShortOrDamaged) {
  const auto data = root_ / "a" / "snapshot-1000.data-00000-of-00001";
  const auto whole = read_file(data);
  write_text(data, whole.substr(0, 100000));
  expect_nothing_changes(ErrorKind::corrupt, "snapshot-1000");
  auto flipped = whole;
  flipped[200000] = static_cast<char>(flipped[200000] ^ 1);
  write_text(data, flipped);
  expect_nothing_changes(ErrorKind::corrupt, "is damaged: checksum");
}

TEST_F(Transfer, LeavesTheFolderAsItWasWhereTheLastStepFails) {
  fs::create_directories(train_ / "transfer.json" / "in the way");
  const auto before = content_of(train_);
  EXPECT_THROW(run(), Error);
  EXPECT_EQ(content_of(train_), before);
}

TEST_F(Transfer, ClearsAwayWhatAKilledProcessLeft) {
  fs::create_directories(train_ / ".transfer-999999999");
  run();
  EXPECT_FALSE(fs::exists(train_ / ".transfer-999999999"));
}

TEST_F(Transfer, KilledWhileItReplacesFilesIsPutBackByTheNext) {
  run();
  request_.overwrite = true;
  const auto killed_before = [&](int call) {
    ++request_.options.seed;  // another snapshot-0 each time
    const auto fate = run_killed_before(call, [&] { run(); });
    EXPECT_NE(fate, Fate::failed) << call;
    return fate == Fate::killed;
  };
  int calls = 0;
  constexpr int kStep = 96;
  while (killed_before(calls)) calls += kStep;
  // Through the last calls more closely: there the files are moved.
  int put_back = 0;
  auto before = content_of(train_);
  for (int call = std::max(0, calls - 2 * kStep); killed_before(call); call += 3) {
    const bool moving = !list_hidden(train_).empty();
    { const Staging next(train_); }
    EXPECT_TRUE(list_hidden(train_).empty()) << call;
    EXPECT_NO_THROW(read_every(train_ / "snapshot-0")) << call;
    const auto after = content_of(train_);
    if (moving && after == before) ++put_back;
    before = after;
  }
  EXPECT_GT(put_back, 0);
}

TEST_F(Transfer, LeavesAFolderAloneWhereAnotherProcessIsAtWork) {
  const FolderLock lock(train_);
  EXPECT_ERROR(run(), ErrorKind::io, "is at work in this folder");
}

// A file system of its own over the train folder.
class Mounted {
 public:
  Mounted(fs::path place, const char* options) : place_(std::move(place)) {
    mounted_ = ::mount("tmpfs", place_.c_str(), "tmpfs", 0, options) == 0;
  }
  ~Mounted() {
    if (mounted_) ::umount(place_.c_str());
  }
  bool ok() const { return mounted_; }
  void make_read_only() const {
    ::mount("tmpfs", place_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr);
  }

 private:
  fs::path place_;
  bool mounted_ = false;
};

TEST_F(Transfer, ChangesNothingOnAFullDisk) {
  const auto config = read_file(request_.pose_config);
  const Mounted disk(train_, "size=1m");
  if (!disk.ok()) GTEST_SKIP() << "needs the right to mount a small file system";
  write_text(request_.pose_config, config);
  expect_nothing_changes(ErrorKind::io, "No space left on device; free some space");
}

TEST_F(Transfer, SaysThatAFolderCannotBeWritten) {
  const auto config = read_file(request_.pose_config);
  const Mounted disk(train_, "size=8m");
  if (!disk.ok()) GTEST_SKIP() << "needs the right to mount a small file system";
  write_text(request_.pose_config, config);
  disk.make_read_only();
  expect_nothing_changes(ErrorKind::io, "Read-only file system");
}

}  // namespace
}  // namespace poseheir
