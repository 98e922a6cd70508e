#include "pose/animal_batches.h"

#include <gmock/gmock.h>

#include "expect_error.h"
#include "pose/training_options.h"

namespace poseheir {
namespace {

BatchOptions options_of(int width, int height) {
  BatchOptions options;
  options.kind = LoaderKind::animals;
  options.batch_size = 2;
  options.keypoints = 2;
  options.min_input_size = 10;
  options.animals = AnimalBatchOptions{};
  options.animals->width = width;
  options.animals->height = height;
  options.animals->targets.limbs = {{0, 1}};
  options.augment.covering_per_channel = 0;
  return options;
}

// A picture whose pixel at x, y is (x, y, 7).
std::shared_ptr<const Image> ramp(int height, int width) {
  Image image{height, width, {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      image.pixels.insert(image.pixels.end(), {std::uint8_t(x), std::uint8_t(y), 7});
  return std::make_shared<const Image>(std::move(image));
}

std::vector<TrainingRecord> records_of(int height, int width) {
  return {{{"a.png"}, 3, height, width, {{0, 30, 20, 0}, {1, 50, 20, 0}, {0, 70.25, 90.5, 2}}}};
}

TEST(AnimalBatches, CutPiecesAtTheirOwnScaleAndJointsMoveAlong) {
  auto options = options_of(64, 48);
  for (const auto sampling : {CropSampling::uniform, CropSampling::keypoints, CropSampling::density,
                              CropSampling::hybrid}) {
    options.animals->sampling = sampling;
    Random random({3});
    for (int i = 0; i < 20; ++i) {
      Sample sample{*ramp(120, 200), {{0, 100, 60, 0}, {1, 104, 60, 1}}};
      cut_piece(sample, {48, 64}, *options.animals, random);
      ASSERT_EQ(sample.image.height, 48);
      ASSERT_EQ(sample.image.width, 64);
      const int left = sample.image.pixels[0], top = sample.image.pixels[1];
      EXPECT_EQ(sample.joints[0].x, 100 - left);
      EXPECT_EQ(sample.joints[0].y, 60 - top);
      EXPECT_EQ(sample.joints[1].individual, 1);
    }
  }
}

TEST(AnimalBatches, PadSmallPicturesWithBlack) {
  const auto options = options_of(64, 48);
  Random random({1});
  Sample sample{*ramp(30, 40), {{0, 5, 6, 0}}};
  cut_piece(sample, {48, 64}, *options.animals, random);
  EXPECT_EQ(sample.image.height, 48);
  EXPECT_EQ(std::count(sample.image.pixels.begin(), sample.image.pixels.end(), 7),
            30 * 40 + 40 + 30);
}

TEST(AnimalBatches, ShrinkThePieceByTheScaleWithinItsLimits) {
  auto options = options_of(100, 80);
  EXPECT_EQ(animal_input_size(options, 0.505).width, 51);
  EXPECT_EQ(animal_input_size(options, 0.505).height, 41);
  EXPECT_DOUBLE_EQ(animal_target_scale(options, {41, 51}), (0.51 + 41.0 / 80) / 2);
  EXPECT_EQ(animal_input_size(options, 0.1).width, 100);  // 8 pixels high: the whole instead
  options.max_input_size = 90;
  EXPECT_EQ(animal_input_size(options, 1.2).width, 100);
}

TEST(AnimalBatches, TeachTheNetworksCellsAtEveryStride) {
  auto options = options_of(400, 400);
  for (const auto& [stride, cells] : {std::pair{8.0, 42}, {4.0, 84}, {2.0, 168}}) {
    options.animals->targets.stride_pixels = stride;
    EXPECT_EQ(empty_animal_targets(1, {323, 333}, options).height, cells) << stride;
  }
}

TEST(AnimalBatches, AreTheTargetsOfTheRecordWhereNothingIsDrawn) {
  const auto options = options_of(160, 112);
  const auto records = records_of(112, 160);
  const auto picture = ramp(112, 160);
  const auto choice = choose_batch(records, options, 5);
  EXPECT_EQ(choice.records.size(), 2U);
  const auto batch = assemble_batch(
      records, [&](std::size_t) { return picture; }, options, choice);
  EXPECT_EQ(batch.height, 112);
  ASSERT_TRUE(batch.pairwise);
  AnimalTargets expected(1, 14, 20, 2, 0, 1);
  const std::vector<LabelledAnimal> animals = {{0, {{0, 30, 20}, {1, 50, 20}}},
                                               {2, {{0, 70.25, 90.5}}}};
  draw_animal_targets(expected, 0, animals, 1, options.animals->targets);
  ASSERT_EQ(batch.targets.part_score.size(), 2 * expected.part_score.size());
  EXPECT_TRUE(std::equal(expected.part_score.begin(), expected.part_score.end(),
                         batch.targets.part_score.begin()));
  EXPECT_TRUE(
      std::equal(expected.locref.begin(), expected.locref.end(), batch.targets.locref.begin()));
  EXPECT_TRUE(std::equal(expected.paf.begin(), expected.paf.end(), batch.pairwise->values.begin()));
  EXPECT_THAT(expected.paf, testing::Contains(testing::Gt(0.9F)));
  EXPECT_TRUE(batch.targets.locref_mask.empty());  // all ones
}

TEST(TrainingOptions, OfSeveralAnimalsAugmentOnlyWhatIsAskedFor) {
  const auto config = parse_pose_config(
      "net_type: resnet_50\nnum_joints: 2\ndataset_type: multi-animal-imgaug\nbatch_size: 8\n"
      "partaffinityfield_predict: true\npartaffinityfield_graph:\n- - 0\n  - 1\nnum_limbs: 1\n"
      "rotation: 25\nrotratio: 0.9\ncrop_size:\n- 300\n- 200\ncrop_sampling: density\n"
      "pre_resize: []\nmax_shift: 0.7\n");
  const auto options = batch_options(config);
  EXPECT_EQ(options.kind, LoaderKind::animals);
  EXPECT_EQ(options.animals->width, 300);
  EXPECT_EQ(options.animals->height, 200);
  EXPECT_EQ(options.animals->sampling, CropSampling::density);
  EXPECT_EQ(options.animals->max_shift, 0.4);
  EXPECT_EQ(options.animals->targets.limbs.size(), 1U);
  EXPECT_EQ(options.min_input_size, 100);
  EXPECT_EQ(options.augment.rotation.probability, 0.5);
  EXPECT_EQ(options.augment.covering.probability, 0);
  EXPECT_EQ(options.augment.elastic.probability, 0);
  EXPECT_EQ(options.augment.motion_blur.probability, 0);
  EXPECT_EQ(options.augment.crop_and_pad.probability, 0);
}

TEST(TrainingOptions, OfSeveralAnimalsNameWhatTheyCannotTake) {
  const std::string start =
      "net_type: resnet_50\nnum_joints: 2\ndataset_type: multi-animal-imgaug\n";
  EXPECT_ERROR(batch_options(parse_pose_config(start + "crop_sampling: dense\n")), ErrorKind::usage,
               "crop_sampling");
  EXPECT_ERROR(batch_options(parse_pose_config(start + "weigh_only_present_joints: true\n")),
               ErrorKind::unsupported, "weigh_only_present_joints");
}

}  // namespace
}  // namespace poseheir
