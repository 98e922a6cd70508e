#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "expect_error.h"
#include "poseheir/project.h"
#include "poseheir/reference.h"
#include "shared.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

TEST(PoseConfig, LiesNotInItself) {
  EXPECT_ERROR(parse_pose_config("net_type: resnet_50\nloop: &a\n  b: *a\n"), ErrorKind::corrupt,
               "key 'loop' lies in itself");
}

using testing::ElementsAre;

TEST(PoseConfig, HasDeepLabCutsDefaultsUnderneath) {
  const auto config = parse_pose_config("net_type: resnet_50\nnum_joints: 4\n");
  EXPECT_EQ(config.number("stride", 0), 8.0);
  EXPECT_EQ(config.number("global_scale", 0), 1.0);
  EXPECT_EQ(config.text("optimizer", ""), "sgd");
  EXPECT_FALSE(config.network.location_refinement);
  EXPECT_EQ(config.network.mean_pixel, (std::array<float, 3>{123.68F, 116.779F, 103.939F}));
  EXPECT_FALSE(config.has("multi_step"));
  EXPECT_EQ(config.number("pos_dist_thresh", 17), 17);
}

TEST(PoseConfig, ReadsListsAndNestedMaps) {
  const auto config = parse_pose_config(
      "multi_step:\n- - 0.005\n  - 10000\n- [0.02, 430000]\n"
      "contrast:\n  clahe: true\n  claheratio: 0.1\nempty: {}\nnothing:\n");
  EXPECT_THAT(config.lists.at("multi_step"),
              ElementsAre(ElementsAre(0.005, 10000), ElementsAre(0.02, 430000)));
  EXPECT_TRUE(config.flag("contrast.clahe", false));
  EXPECT_EQ(config.number("contrast.claheratio", 0), 0.1);
  EXPECT_FALSE(config.has("nothing"));
  EXPECT_EQ(config.lines.at("contrast"), 5);
}

TEST(PoseConfig, NamesFileLineAndKeyOfAWrongValue) {
  EXPECT_ERROR(parse_pose_config("num_joints: 4\nstride: wide\n"), ErrorKind::usage,
               "pose_cfg.yaml, line 2: key 'stride' is 'wide', expected a number");
  EXPECT_ERROR(parse_pose_config("location_refinement: maybe\n"), ErrorKind::usage,
               "line 1: key 'location_refinement' is 'maybe', expected true or false");
  EXPECT_ERROR(parse_pose_config("num_joints: 4\n  stride: [\n"), ErrorKind::corrupt, "line 2");
  EXPECT_ERROR(parse_pose_config("mean_pixel: [1, 2]\n"), ErrorKind::usage, "three numbers");
}

TEST(PoseConfig, ReadsEveryReferenceNetworkAsItsSpec) {
  NEEDS_SHARED("reference/networks");
  for (const auto& name : reference_networks()) {
    auto expected = reference_spec(name);
    expected.backbone_stride = 16;  // no key says otherwise
    const auto config =
        read_pose_config(shared_folder() / "reference/networks" / name / "pose_cfg.yaml");
    EXPECT_EQ(config.network, expected) << name;
  }
}

TEST(PoseConfig, ReadsWhatDeepLabCutRunsLeft) {
  NEEDS_SHARED("data/dlc-outputs/pose_cfg");
  int files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(shared_folder() / "data/dlc-outputs/pose_cfg")) {
    const auto config = read_pose_config(entry.path());
    ++files;
    if (entry.path().filename().string().starts_with("AlexEMG")) {  // the unfilled template
      EXPECT_TRUE(config.keypoint_names.empty());
      continue;
    }
    EXPECT_EQ(config.keypoint_names.size(), static_cast<std::size_t>(config.network.keypoints))
        << entry.path();
    EXPECT_FALSE(build_network(config.network).layers.empty()) << entry.path();
  }
  EXPECT_GE(files, 10);
}

TEST(PoseConfig, ReadsARealTrainingConfig) {
  const std::string path =
      "reference/dlc-project/dlc-models/iteration-0/openfieldOct30-trainset95shuffle1/train/"
      "pose_cfg.yaml";
  NEEDS_SHARED(path);
  const auto config = read_pose_config(shared_folder() / path);
  EXPECT_THAT(config.keypoint_names, ElementsAre("snout", "leftear", "rightear", "tailbase"));
  EXPECT_EQ(config.network.net_type, "mobilenet_v2_0.35");
  EXPECT_EQ(config.init_weights, "/home/user/weights/mobilenet_v2_0.35_224.ckpt");
  EXPECT_EQ(config.all_joints.size(), 4U);
  EXPECT_THAT(config.lists.at("convolution.emboss.alpha"), ElementsAre(ElementsAre(0.0, 1.0)));
}

std::string edited(const std::string& text, const std::string& value) {
  return edit_yaml_value(text, "pose_cfg.yaml", "init_weights", value).text;
}

TEST(PoseConfigEdit, ChangesOneValueAndNothingElse) {
  const std::string text = "# start\na: 1 # one\ninit_weights: /old/x.ckpt   # keep me\nb:\n- 2\n";
  EXPECT_EQ(edited(text, "./snapshot-0"),
            "# start\na: 1 # one\ninit_weights: ./snapshot-0   # keep me\nb:\n- 2\n");
  EXPECT_EQ(edit_yaml_value(text, "", "init_weights", "x").old_value, "/old/x.ckpt");
}

TEST(PoseConfigEdit, KeepsTheKindOfQuotesAndOfLineEnds) {
  EXPECT_EQ(edited("init_weights: 'C:\\old # no comment' # yes\r\nb: 1\r\n", "it's"),
            "init_weights: 'it''s' # yes\r\nb: 1\r\n");
  EXPECT_EQ(edited("init_weights: \"a\\\"b\"\n", "C:\\x"), "init_weights: \"C:\\\\x\"\n");
}

TEST(PoseConfigEdit, QuotesWhatWouldReadAsSomethingElse) {
  EXPECT_EQ(edited("init_weights: a\n", "b: c"), "init_weights: 'b: c'\n");
  EXPECT_EQ(edited("init_weights: a\n", "b #c"), "init_weights: 'b #c'\n");
  EXPECT_EQ(edited("init_weights: a\n", ""), "init_weights: ''\n");
}

TEST(PoseConfigEdit, ReplacesBlocksAndListsButNotTheCommentsBetween) {
  EXPECT_EQ(edited("init_weights: |\n  one\n  # two\n\n# about b\nb: 1\n", "x"),
            "init_weights: x\n\n# about b\nb: 1\n");
  EXPECT_EQ(edited("init_weights:\n- 1\n# why\n- 2\nb: 1\n", "x"),
            "init_weights: x\n# why\nb: 1\n");
  EXPECT_EQ(edited("init_weights: [1,\n  2] # two\nb: 1\n", "x"), "init_weights: x\nb: 1\n");
}

TEST(PoseConfigEdit, AppendsAnAbsentKey) {
  EXPECT_EQ(edited("a: 1", "x"), "a: 1\ninit_weights: x\n");
  EXPECT_EQ(edited("a: 1\n#init_weights: y\n", "x"), "a: 1\n#init_weights: y\ninit_weights: x\n");
}

TEST(PoseConfigEdit, FillsAnEmptyValue) {
  EXPECT_EQ(edited("init_weights:\nb: 1\n", "x"), "init_weights: x\nb: 1\n");
  EXPECT_EQ(edited("init_weights:   # none yet\nb: 1\n", "x"),
            "init_weights: x   # none yet\nb: 1\n");
}

TEST(PoseConfigEdit, ReadsBackWhatItWrites) {
  const TempDir folder;
  const auto path = folder / "pose_cfg.yaml";
  std::ofstream(path) << "net_type: resnet_50\ninit_weights: old\nnum_joints: 4\n";
  for (const std::string value :
       {"./snapshot-0", "C:\\a\\b", "a'b", "- x", "yes", "#", "läuft", "a\nb"}) {
    set_pose_config_value(path, "init_weights", value);
    EXPECT_EQ(read_pose_config(path).init_weights, value);
    EXPECT_EQ(read_pose_config(path).network.keypoints, 4);
  }
}

}  // namespace
}  // namespace poseheir
