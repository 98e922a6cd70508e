#include "checkpoint/locate.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "checkpoint/reference.h"
#include "expect_error.h"
#include "poseheir/checkpoint.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

// A model folder with snapshots of one tensor, whose value is the number.
class ModelFolder {
 public:
  explicit ModelFolder(const std::vector<int>& numbers) {
    for (const auto number : numbers) {
      const std::vector<StoredTensor> tensors{
          make_tensor({"w", DType::f32, {1}}, {static_cast<float>(number)})};
      write_checkpoint(prefix(number), CheckpointFormat::tensorflow_v2, tensors);
    }
  }
  std::filesystem::path prefix(int number) const {
    return folder_ / ("snapshot-" + std::to_string(number));
  }
  void state(std::string_view newest) const {
    write_file(folder_ / "checkpoint", "model_checkpoint_path: \"" + std::string(newest) + "\"\n");
  }
  const std::filesystem::path& path() const { return folder_.path(); }

 private:
  TempDir folder_;
};

float value_of(const std::filesystem::path& path) {
  return read_floats(read_checkpoint(path).tensors.at(0)).at(0);
}

TEST(ReadCheckpoint, TakesAPrefixOrAnyFileOfABundle) {
  const ModelFolder folder({100, 200});
  auto path = folder.prefix(100);
  write_file(path.string() + ".meta", "graph");
  for (const std::string suffix : {"", ".index", ".meta", ".data-00000-of-00001"}) {
    const auto checkpoint = read_checkpoint(path.string() + suffix);
    EXPECT_EQ(checkpoint.path, path) << suffix;
    EXPECT_EQ(checkpoint.step, 100) << suffix;
  }
}

TEST(ReadCheckpoint, TakesAFolderByItsStateFile) {
  const ModelFolder folder({100, 200});
  folder.state("snapshot-100");
  EXPECT_EQ(value_of(folder.path()), 100);
  EXPECT_EQ(value_of(folder.path() / "checkpoint"), 100);
  EXPECT_THAT(
      read_checkpoint(folder.path()).notes,
      testing::ElementsAre("the folder also holds snapshot-200, which is newer by its number"));
}

TEST(ReadCheckpoint, FindsMovedSnapshotsBesideTheStateFile) {
  const ModelFolder folder({100, 200});
  for (const std::string path :
       {"/data/gone/train/snapshot-100", "D:\\\\DLC\\\\train\\\\snapshot-100",
        "../../etc/snapshot-100", "./train/snapshot-100"}) {
    folder.state(path);
    EXPECT_EQ(value_of(folder.path()), 100) << path;
  }
}

TEST(ReadCheckpoint, TakesTheNewestSnapshotWhereTheStateFileIsNoHelp) {
  const ModelFolder folder({1000, 200});
  EXPECT_EQ(value_of(folder.path()), 1000);
  folder.state("snapshot-5000");
  EXPECT_EQ(value_of(folder.path()), 1000);
  EXPECT_THAT(read_checkpoint(folder.path()).notes,
              testing::ElementsAre("the state file names 'snapshot-5000', which is not here"));
  folder.state(
      "export-?????"
      "-of-00002");
  EXPECT_EQ(value_of(folder.path()), 1000);
  folder.state(std::string(900'000, 'n'));
  EXPECT_EQ(value_of(folder.path()), 1000);
  folder.state("checkpoint");  // itself
  EXPECT_EQ(value_of(folder.path()), 1000);
  write_file(folder.path() / "checkpoint", "not a state file");
  EXPECT_EQ(value_of(folder.path()), 1000);
}

TEST(ReadCheckpoint, TakesTheTrainFolderOfAModel) {
  const TempDir model;
  const ModelFolder folder({7});
  std::filesystem::copy(folder.path(), model / "train");
  EXPECT_EQ(value_of(model.path()), 7);
}

TEST(ReadCheckpoint, SaysWhatIsNear) {
  const ModelFolder folder({100, 200});
  EXPECT_ERROR(read_checkpoint(folder.path() / "snapshot-300"), ErrorKind::io,
               "snapshot-300: no such checkpoint");
  EXPECT_ERROR(read_checkpoint(folder.path() / "snapshot-300"), ErrorKind::io,
               "has snapshot-100, snapshot-200 (nearest known: 'snapshot-100')");
  EXPECT_ERROR(read_checkpoint("/nonexistent/snapshot-1"), ErrorKind::io,
               "there is no folder /nonexistent");
  const TempDir empty;
  EXPECT_ERROR(read_checkpoint(empty.path()), ErrorKind::io, "no checkpoint lies in");
}

TEST(ReadCheckpoint, SaysWhichPartIsMissing) {
  const ModelFolder folder({100});
  const auto prefix = folder.prefix(100).string();
  std::filesystem::remove(prefix + ".data-00000-of-00001");
  EXPECT_ERROR(read_checkpoint(prefix), ErrorKind::io, prefix + ".data-00000-of-00001 is missing");
  std::filesystem::rename(prefix + ".index", prefix + ".data-00000-of-00001");
  EXPECT_ERROR(read_checkpoint(prefix + ".data-00000-of-00001"), ErrorKind::io,
               "whose index " + prefix + ".index is missing");
}

TEST(ReadCheckpoint, TakesShardsByPatternByPartAndByBase) {
  const auto folder = reference_checkpoint("v1_sharded");
  for (const std::string name : {"v1.ckpt-?????"
                                 "-of-00002",
                                 "v1.ckpt-00001-of-00002", "v1.ckpt"}) {
    const auto checkpoint = read_checkpoint(folder / name);
    EXPECT_EQ(checkpoint.tensors.size(), 14U) << name;
    EXPECT_EQ(checkpoint.step, 200'000) << name;
    EXPECT_EQ(checkpoint.path, folder / "v1.ckpt");
  }
  const TempDir half;
  std::filesystem::copy(folder / "v1.ckpt-00000-of-00002", half.path());
  EXPECT_ERROR(read_checkpoint(half / "v1.ckpt"), ErrorKind::io,
               "v1.ckpt-00001-of-00002: it is missing");
}

TEST(ReadCheckpoint, RefusesWhatIsNoCheckpoint) {
  const TempDir folder;
  write_file(folder / "notes.txt", "hello");
  EXPECT_ERROR(read_checkpoint(folder / "notes.txt"), ErrorKind::corrupt,
               (folder / "notes.txt").string() + ": expected a checkpoint");
}

TEST(StepOfName, IsTheNumberOfASnapshot) {
  EXPECT_EQ(step_of_name("train/snapshot-500"), 500);
  EXPECT_EQ(step_of_name("model.ckpt-500"), 500);
  EXPECT_EQ(step_of_name("snapshot-200.pt"), 200);
  EXPECT_EQ(step_of_name("resnet-50"), std::nullopt);
  EXPECT_EQ(step_of_name("resnet_v1_50.ckpt"), std::nullopt);
}

}  // namespace
}  // namespace poseheir
