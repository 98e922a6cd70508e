#include "pose/training_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "expect_error.h"

namespace poseheir {
namespace {

const std::string kNetwork =
    "net_type: mobilenet_v2_0.35\nnum_joints: 3\nall_joints: [[0], [1, 2]]\n"
    "all_joints_names: [nose, left, right]\n";

BatchOptions options_of(const std::string& text) {
  return batch_options(parse_pose_config(kNetwork + text));
}

TEST(TrainingOptions, ApplyWhatAFileDoesNotMention) {
  const auto augment = options_of("").augment;
  EXPECT_EQ(augment.covering.probability, 0.5);
  EXPECT_EQ(augment.elastic.probability, 0.5);
  EXPECT_EQ(augment.motion_blur.probability, 0.5);
  EXPECT_EQ(augment.blur_size.low, 7);
  EXPECT_EQ(augment.crop_and_pad.probability, 0.4);
  EXPECT_EQ(augment.crop_and_pad.first.high, 0.15);
  EXPECT_EQ(augment.histeq.probability, 0);
  EXPECT_FALSE(augment.mirror);
  EXPECT_FALSE(options_of("").scale_jitter);
}

TEST(TrainingOptions, RefuseNumbersThatMakeNoSense) {
  for (const auto* text : {"global_scale: -1", "global_scale: 0", "global_scale: nan",
                           "pos_dist_thresh: -17", "locref_stdev: 0", "batch_size: -3",
                           "batch_size: 1.5", "scale_jitter_lo: 0\nscale_jitter_up: 1"}) {
    const std::string line = text;
    EXPECT_ERROR(options_of(line + "\n"), ErrorKind::usage,
                 "line 5: key '" + line.substr(0, line.find(':')) + "' is ");
  }
  const auto steps = [](const std::string& list) {
    return rate_steps(parse_pose_config(kNetwork + "multi_step: " + list + "\n"));
  };
  EXPECT_EQ(steps("[[0.005, 10]]")[0].last_iteration, 10);
  EXPECT_ERROR(steps("[[0.005, x]]"), ErrorKind::usage, "holds something else than numbers");
  EXPECT_ERROR(steps("[[nan, 10]]"), ErrorKind::usage, "expected [learning rate, last iteration]");
  EXPECT_ERROR(steps("[[-1, 10]]"), ErrorKind::usage, "has [-1, 10]");
}

TEST(TrainingOptions, RotateByOneDegreeForTrueAndBy25ForAFloat) {
  EXPECT_EQ(options_of("").augment.rotation.first.high, 1);  // absent: true
  EXPECT_EQ(options_of("rotation: true\n").augment.rotation.first.high, 1);
  EXPECT_EQ(options_of("rotation: 10.0\n").augment.rotation.first.high, 25);
  EXPECT_EQ(options_of("rotation: 40\n").augment.rotation.first.high, 40);
  EXPECT_EQ(options_of("rotation: false\n").augment.rotation.probability, 0);
  // rotratio is what files say, rotateratio what is read.
  EXPECT_EQ(options_of("rotratio: 0.9\n").augment.rotation.probability, 0.4);
  EXPECT_EQ(options_of("rotateratio: 0.9\n").augment.rotation.probability, 0.9);
}

TEST(TrainingOptions, TakeAListAsAChoiceNotARange) {
  const auto emboss =
      options_of(
          "convolution:\n  emboss:\n    alpha: [0.0, 1.0]\n    strength: [0.5, 1.5]\n"
          "  embossratio: 0.2\n")
          .augment.emboss;
  EXPECT_EQ(emboss.probability, 0.2);
  EXPECT_THAT(emboss.first.choices, testing::ElementsAre(0, 1));
  EXPECT_THAT(emboss.second.choices, testing::ElementsAre(0.5, 1.5));
  const auto by_default = options_of("convolution:\n  emboss: true\n").augment.emboss;
  EXPECT_EQ(by_default.probability, 0.1);
  EXPECT_TRUE(by_default.first.choices.empty());
  EXPECT_EQ(by_default.second.low, 0.25);
}

TEST(TrainingOptions, SwapJointsOfEveryImageWhenFliplrIsNeitherWholeNorBoolean) {
  const std::string pairs = "symmetric_pairs: [[1, 2]]\n";
  EXPECT_FALSE(options_of("fliplr: true\n").augment.fliplr);  // no pairs, no flip
  EXPECT_EQ(options_of(pairs + "fliplr: true\n").augment.fliplr->first.low, 1);
  EXPECT_EQ(options_of(pairs + "fliplr: 0.7\n").augment.fliplr->first.low, 0.5);
  EXPECT_THAT(options_of(pairs).augment.partner, testing::ElementsAre(0, 2, 1));
}

TEST(TrainingOptions, MakeScalecropTrainOnePictureAtATime) {
  const auto options = options_of("dataset_type: scalecrop\nbatch_size: 8\nmirror: true\n");
  EXPECT_EQ(options.kind, LoaderKind::scalecrop);
  EXPECT_EQ(options.batch_size, 1);
  EXPECT_TRUE(options.crop.enabled);
  EXPECT_TRUE(options.mirror);
  // DeepLabCut's loader dies here for lack of `crop`.
  EXPECT_FALSE(options_of("dataset_type: deterministic\n").crop.enabled);
}

TEST(TrainingOptions, NameWhatTheyCannotTake) {
  EXPECT_ERROR(options_of("contrast:\n  clahe:\n    clip_limits: 3\n"), ErrorKind::usage,
               "'contrast.clahe.clip_limits' is no parameter of this augmenter (nearest known: "
               "'clip_limit')");
  EXPECT_ERROR(options_of("dataset_type: tensorflow\n"), ErrorKind::unsupported,
               "line 5: key 'dataset_type' is 'tensorflow'");
  EXPECT_ERROR(options_of("symmetric_pairs: [[1, 3]]\n"), ErrorKind::usage,
               "pairs 1 with 3, but there are 3 keypoints");
  EXPECT_ERROR(rate_steps(parse_pose_config(kNetwork)), ErrorKind::usage, "'multi_step'");
}

TEST(TrainingOptions, RefuseKeysOfEfficientNetsThatWouldChangeTheirNumbers) {
  const auto config = [](const std::string& text) {
    return parse_pose_config(
        "net_type: efficientnet-b0\nnum_joints: 1\nall_joints: [[0]]\n"
        "all_joints_names: [a]\n" +
        text);
  };
  for (const std::string key : {"use_batch_norm", "use_drop_out"}) {
    // DeepLabCut's plain EfficientNet reads them at inference alone, its multi-scale one always.
    refuse_unfollowed_keys(config(key + ": true\n"), NetworkUse::training);
    EXPECT_ERROR(refuse_unfollowed_keys(config(key + ": true\n"), NetworkUse::inference),
                 ErrorKind::unsupported, "line 5: key '" + key + "' is true");
    EXPECT_ERROR(refuse_unfollowed_keys(config(key + ": true\nstride: 4\n"), NetworkUse::training),
                 ErrorKind::unsupported, "set it to false");
    refuse_unfollowed_keys(config(key + ": false\nstride: 4\n"), NetworkUse::training);
  }
  // Other networks do not read them.
  refuse_unfollowed_keys(parse_pose_config(kNetwork + "use_batch_norm: true\n"),
                         NetworkUse::inference);
}

TEST(TrainingOptions, ReadTheScheduleOfAFile) {
  const auto steps =
      rate_steps(parse_pose_config(kNetwork + "multi_step:\n- [0.005, 10000]\n- [0.02, 430000]\n"));
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(steps[1].rate, 0.02);
  EXPECT_EQ(steps[1].last_iteration, 430000);
}

}  // namespace
}  // namespace poseheir
