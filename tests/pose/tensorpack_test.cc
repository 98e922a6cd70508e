#include "pose/tensorpack.h"

#include <cmath>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

#include "pose/batches.h"
#include "pose/training_options.h"
#include "shared.h"

namespace poseheir {
namespace {

const std::filesystem::path kData = POSEHEIR_TEST_DATA "/tensorpack";

Image image_from(const std::filesystem::path& path) {
  auto array = read_npy<std::uint8_t>(path);
  return {static_cast<int>(array.shape[0]), static_cast<int>(array.shape[1]),
          std::move(array.values)};
}

struct Case {
  const char* name;
  std::function<void(Sample&)> apply;
};

class TensorpackAugmenters : public testing::TestWithParam<Case> {};

TEST_P(TensorpackAugmenters, EqualTensorpack) {
  NEEDS_SHARED("reference/augmentation");
  Sample sample{image_from(shared_folder() / "reference/augmentation/input.npy"),
                {{0, 20.3, 30.7}, {1, 60.5, 44.5}, {2, -3, 70}}};
  crop_and_pad(sample, {0, 80 - sample.image.width, 64 - sample.image.height, 0});
  GetParam().apply(sample);
  const std::string name = GetParam().name;
  const auto expected = image_from(kData / (name + ".image.npy"));
  ASSERT_EQ(sample.image.height, expected.height);
  ASSERT_EQ(sample.image.width, expected.width);
  for (std::size_t i = 0; i < expected.pixels.size(); ++i)
    ASSERT_NEAR(sample.image.pixels[i], expected.pixels[i], 1) << "value " << i;
  const auto file = kData / (name + ".keypoints.npy");
  if (!std::filesystem::exists(file)) return;
  const auto joints = read_npy<float>(file).values;
  for (int id = 0; id < 3; ++id) {
    EXPECT_NEAR(sample.joints[id].x, joints[2 * id], 1e-4);
    EXPECT_NEAR(sample.joints[id].y, joints[2 * id + 1], 1e-4);
  }
}

const Case kCases[] = {
    {"rotation", [](Sample& s) { rotate_about(s, 12, 30.25, 20.5); }},
    {"resize", [](Sample& s) { resize_linear(s, 0.7); }},
    {"brightness", [](Sample& s) { add_brightness(s.image, -30.5); }},
    {"contrast", [](Sample& s) { change_contrast_about_mean(s.image, 1.7, true); }},
    {"saturation", [](Sample& s) { change_saturation(s.image, 0.6, true); }},
    {"blur", [](Sample& s) { blur_gaussian(s.image, 7); }},
};

INSTANTIATE_TEST_SUITE_P(Each, TensorpackAugmenters, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

const std::string kConfig =
    "net_type: resnet_50\nnum_joints: 2\nall_joints: [[0], [1]]\nall_joints_names: [a, b]\n"
    "dataset_type: tensorpack\nglobal_scale: 0.8\nscale_jitter_lo: 0.5\nscale_jitter_up: 1.25\n";

BatchOptions options_of(const std::string& text) {
  return batch_options(parse_pose_config(kConfig + text));
}

TEST(Tensorpack, HasDeepLabCutsProbabilitiesAndRanges) {
  const auto options = options_of("batch_size: 8\nmirror: true\n");
  EXPECT_EQ(options.kind, LoaderKind::tensorpack);
  EXPECT_EQ(options.batch_size, 1);
  EXPECT_FALSE(options.mirror);  // this loader never mirrors
  const auto& drawn = options.tensorpack;
  EXPECT_EQ(drawn.crop_probability, 0.4);
  EXPECT_EQ(drawn.max_width, 900);
  EXPECT_EQ(drawn.rotation.probability, 0.4);
  EXPECT_EQ(drawn.contrast.probability, 0.2);
  EXPECT_EQ(drawn.blur.first.high, 9);
  EXPECT_EQ(drawn.resize.probability, 0.6);
  EXPECT_DOUBLE_EQ(drawn.resize.first.low, 0.4);
  EXPECT_DOUBLE_EQ(drawn.resize.first.high, 1);
  for (const auto* off : {&drawn.brightness, &drawn.saturation, &drawn.noise})
    EXPECT_EQ(off->probability, 0);
}

TEST(Tensorpack, FollowsItsKeys) {
  const auto drawn = options_of(
                         "rotation: 10\nrotratio: 0.7\ncropratio: 0.1\nminsize: 50\nleftwidth: 20\n"
                         "rightwidth: 30\nsaturationratio: 1\nsaturation_max_dif: 0.25\n"
                         "blur_max_window_size: 4\nscaleratio: 1\nis_rgb: false\n")
                         .tensorpack;
  EXPECT_EQ(drawn.rotation.probability, 0.7);
  EXPECT_EQ(drawn.rotation.first.low, -10);
  EXPECT_EQ(drawn.crop_probability, 0.1);
  EXPECT_EQ(drawn.max_width, 100);
  EXPECT_EQ(drawn.saturation.first.low, 0.75);
  EXPECT_EQ(drawn.blur.first.high, 3);
  EXPECT_EQ(drawn.resize.probability, 1);
  EXPECT_FALSE(drawn.grey_of_rgb);
  EXPECT_EQ(options_of("rotation: false\n").tensorpack.rotation.probability, 0);
}

// A picture of noise, whose size after augmentation tells what was drawn.
struct Pictures {
  std::vector<TrainingRecord> records;
  std::shared_ptr<Image> picture = std::make_shared<Image>();

  Pictures() {
    *picture = {120, 200, std::vector<std::uint8_t>(120 * 200 * 3)};
    for (std::size_t i = 0; i < picture->pixels.size(); ++i)
      picture->pixels[i] = static_cast<std::uint8_t>(i % 3 == 0 ? 200 : 10);  // red
    for (int i = 0; i < 5; ++i)
      records.push_back({{"a.png"}, 3, 120, 200, {{0, 100, 60}, {1, -4, 60}}});
  }
  Batch batch(const BatchOptions& options, std::int64_t iteration) const {
    return assemble_batch(
        records, [this](std::size_t) { return picture; }, options,
        choose_batch(records, options, iteration));
  }
};

TEST(Tensorpack, CropsAndResizesAsOftenAndAsMuchAsDeepLabCut) {
  const Pictures pictures;
  auto options = options_of("minsize: 100\nrotation: false\nblurratio: 0\ncontrastratio: 0\n");
  const int draws = 2000;
  int whole = 0, cropped = 0;
  double cropped_height = 0;
  options.tensorpack.resize.probability = 0;
  for (int i = 0; i < draws; ++i) {
    const auto batch = pictures.batch(options, i);
    if (batch.height == 120 && batch.width == 200) continue;
    ++cropped;
    cropped_height += batch.height;
    EXPECT_GE(batch.width, 100);
  }
  // 0.4, less the crops that happen to keep all (1 of 21 * 101)
  EXPECT_NEAR(cropped / double(draws), 0.4, 0.04);
  EXPECT_NEAR(cropped_height / cropped, 110, 1);  // U{100..120}
  options = options_of("cropratio: 0\nrotation: false\nblurratio: 0\ncontrastratio: 0\n");
  double width = 0;
  for (int i = 0; i < draws; ++i) {
    const auto batch = pictures.batch(options, i);
    if (batch.width == 200)
      ++whole;
    else
      width += batch.width;
  }
  // At its own size, without global_scale, where no resize is drawn.
  EXPECT_NEAR(whole / double(draws), 0.4, 0.04);
  EXPECT_NEAR(width / (draws - whole), 140, 3);  // 200 * U(0.4, 1)
}

TEST(Tensorpack, GivesBlueFirstAndKeepsJointsOutside) {
  const Pictures pictures;
  const auto batch = pictures.batch(options_of("cropratio: 0\nrotation: false\nblurratio: 0\n"
                                               "contrastratio: 0\nscaleratio: 0\n"),
                                    0);
  EXPECT_EQ(batch.pixels[0], 10);
  EXPECT_EQ(batch.pixels[2], 200);
  // Joint 1 is 4 pixels left of the picture: part of its disc is in the map.
  float outside = 0;
  for (std::size_t cell = 0; cell < batch.targets.part_score.size(); cell += 2)
    outside += batch.targets.part_score[cell + 1];
  EXPECT_GT(outside, 0);
}

TEST(Tensorpack, ShowsEachPictureOnceAnEpoch) {
  const Pictures pictures;
  const auto options = options_of("shuffle: false\n");
  std::set<std::vector<int>> orders;
  for (int epoch = 0; epoch < 4; ++epoch) {
    std::vector<int> order;
    for (int i = 0; i < 5; ++i)
      order.push_back(choose_batch(pictures.records, options, epoch * 5 + i).records.at(0));
    EXPECT_THAT(order, testing::UnorderedElementsAre(0, 1, 2, 3, 4));
    orders.insert(order);
  }
  EXPECT_GT(orders.size(), 1U);  // this loader shuffles whatever the key says
}

}  // namespace
}  // namespace poseheir
