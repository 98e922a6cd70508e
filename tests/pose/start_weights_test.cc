#include "pose/start_weights.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "expect_error.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

TEST(SnapshotIteration, IsTheSecondFieldOfANameThatHoldsSnapshot) {
  EXPECT_EQ(snapshot_iteration("snapshot-1000"), 1000);
  EXPECT_EQ(snapshot_iteration("my_snapshot-7-old"), 7);
  EXPECT_FALSE(snapshot_iteration("mobilenet_v2_0.35_224.ckpt"));
  EXPECT_FALSE(snapshot_iteration("resnet_v1_50.ckpt"));
  EXPECT_ERROR(snapshot_iteration("snapshot-best-1000"), ErrorKind::usage, "must be snapshot-N");
  EXPECT_ERROR(snapshot_iteration("my-snapshot-1000"), ErrorKind::usage, "must be snapshot-N");
  EXPECT_ERROR(snapshot_iteration("snapshot"), ErrorKind::usage, "must be snapshot-N");
}

// A network small enough to write whole.
struct Files {
  TempDir folder;
  PoseConfig config = parse_pose_config(
      "net_type: mobilenet_v2_0.35\nnum_joints: 2\nall_joints_names: [a, b]\n"
      "location_refinement: true\n");
  Network network = build_network(config.network);
  Parameters values;

  Files() {
    for (const auto& variable : network.variables)
      values.emplace_back(element_count(variable.info.shape), 0.25F);
    config.path = folder / "pose_cfg.yaml";
  }
  std::string write(const std::string& name) const {
    std::vector<StoredTensor> tensors;
    for (std::size_t i = 0; i < values.size(); ++i)
      tensors.push_back(make_tensor(network.variables[i].info, values[i]));
    write_checkpoint(folder / name, CheckpointFormat::tensorflow_v2, tensors);
    return (folder / name).string();
  }
  StartWeights load(const std::string& init, bool keep_heads = true) const {
    return load_start_weights(network, config, folder.path(), init, keep_heads, 0);
  }
  const std::vector<float>& of(const StartWeights& start, const char* name) const {
    return start.parameters[network.find_variable(name)];
  }
};

constexpr auto kConv = "MobilenetV2/Conv/weights";
constexpr auto kHead = "pose/part_pred/block4/weights";

TEST(StartWeights, TakeAllOfASnapshotAndItsIteration) {
  const Files files;
  const auto start = files.load(files.write("snapshot-300"));
  EXPECT_EQ(start.first_iteration, 300);
  EXPECT_EQ(start.restored, static_cast<int>(files.network.variables.size()));
  EXPECT_EQ(files.of(start, kHead)[0], 0.25F);
}

TEST(StartWeights, TakeTheBackboneWhenHeadsBeginAfreshOrTheNameHoldsNoSnapshot) {
  const Files files;
  for (const auto& start : {files.load(files.write("snapshot-300"), false),
                            files.load(files.write("mobilenet_v2_0.35_224.ckpt"))}) {
    EXPECT_EQ(start.first_iteration, 0);
    EXPECT_EQ(files.of(start, kConv)[0], 0.25F);
    EXPECT_NE(files.of(start, kHead)[0], 0.25F);
  }
}

TEST(StartWeights, StripTheSuffixOfABundlesFiles) {
  const Files files;
  const auto path = files.write("snapshot-300");
  for (const char* suffix : {".index", ".data-00000-of-00001", ".meta"})
    EXPECT_EQ(files.load(path + suffix).first_iteration, 300) << suffix;
}

TEST(StartWeights, AreFoundBesideThePoseConfigWhenTheProjectMoved) {
  Files files;
  files.write("snapshot-300");
  files.config.init_weights = "/home/someone/else/train/snapshot-300";
  EXPECT_EQ(files.load("").first_iteration, 300);
}

TEST(StartWeights, AreInitialisedAfreshWhenAskedForRandom) {
  const Files files;
  const auto start = files.load("random");
  EXPECT_EQ(start.restored, 0);
  EXPECT_TRUE(start.source.empty());
}

TEST(StartWeights, SayWhatIsAbsentOrDoesNotFit) {
  Files files;
  EXPECT_ERROR(files.load("/nowhere/resnet_v1_50.ckpt"), ErrorKind::io,
               "start weights not found: /nowhere/resnet_v1_50.ckpt");
  const auto path = files.write("snapshot-300");
  files.config.network.keypoints = 5;
  files.network = build_network(files.config.network);
  EXPECT_ERROR(files.load(path), ErrorKind::mismatch,
               "'pose/locref_pred/block4/biases' has the shape [4], but the network needs [10]");
}

}  // namespace
}  // namespace poseheir
