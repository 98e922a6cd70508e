#include "pose/augmenters.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numeric>

#include "shared.h"

namespace poseheir {
namespace {

const std::filesystem::path kFolder = "reference/augmentation";

Image image_from(const std::filesystem::path& path) {
  auto array = read_npy<std::uint8_t>(path);
  return {static_cast<int>(array.shape[0]), static_cast<int>(array.shape[1]),
          std::move(array.values)};
}

Sample input() {
  Sample sample{image_from(shared_folder() / kFolder / "input.npy"), {}};
  const auto points = read_npy<float>(shared_folder() / kFolder / "keypoints.npy").values;
  for (int id = 0; id < 6; ++id)
    if (!std::isnan(points[2 * id]))
      sample.joints.push_back({id, points[2 * id], points[2 * id + 1]});
  return sample;
}

struct Difference {
  int largest = 0;
  double mean = 0;
};

Difference difference(const Image& a, const Image& b) {
  Difference found;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) {
    const int levels = std::abs(a.pixels[i] - b.pixels[i]);
    found.largest = std::max(found.largest, levels);
    found.mean += levels / static_cast<double>(a.pixels.size());
  }
  return found;
}

void expect_joints(const std::vector<InputJoint>& joints, const std::vector<float>& expected) {
  std::size_t known = 0;
  for (std::size_t id = 0; id < expected.size() / 2; ++id) known += !std::isnan(expected[2 * id]);
  ASSERT_EQ(joints.size(), known);
  for (const auto& joint : joints) {
    EXPECT_NEAR(joint.x, expected[2 * joint.id], 1e-3) << "joint " << joint.id;
    EXPECT_NEAR(joint.y, expected[2 * joint.id + 1], 1e-3) << "joint " << joint.id;
  }
}

struct Case {
  const char* name;
  std::function<void(Sample&)> apply;
  int largest_difference;  // grey levels
};

class Augmenters : public testing::TestWithParam<Case> {};

TEST_P(Augmenters, EqualImgaug) {
  NEEDS_SHARED(kFolder);
  const auto& [name, apply, largest] = GetParam();
  auto sample = input();
  apply(sample);
  const auto expected = image_from(shared_folder() / kFolder / (std::string(name) + ".image.npy"));
  ASSERT_EQ(sample.image.height, expected.height);
  ASSERT_EQ(sample.image.width, expected.width);
  const auto found = difference(sample.image, expected);
  EXPECT_LE(found.largest, largest);
  EXPECT_LE(found.mean, 0.05 * largest);
  expect_joints(
      sample.joints,
      read_npy<float>(shared_folder() / kFolder / (std::string(name) + ".keypoints.npy")).values);
}

const Case kCases[] = {
    {"fliplr", [](Sample& s) { flip_horizontally(s); }, 0},
    {"rotate_10", [](Sample& s) { rotate(s, 10); }, 1},
    {"rotate_-25", [](Sample& s) { rotate(s, -25); }, 1},
    {"motion_blur", [](Sample& s) { motion_blur(s.image, 7, 30, 0.5); }, 1},
    {"motion_blur_0", [](Sample& s) { motion_blur(s.image, 7, 0, 0); }, 1},
    {"grayscale_0.7", [](Sample& s) { blend_with_grey(s.image, 0.7); }, 1},
    {"histogram_equalization", [](Sample& s) { equalize_histogram(s.image); }, 1},
    {"clahe", [](Sample& s) { equalize_locally(s.image, 3, 8); }, 1},
    {"log_contrast", [](Sample& s) { change_log_contrast(s.image, 0.8); }, 1},
    {"linear_contrast", [](Sample& s) { change_linear_contrast(s.image, 1.3); }, 1},
    {"sigmoid_contrast", [](Sample& s) { change_sigmoid_contrast(s.image, 5.5, 0.45); }, 1},
    {"gamma_contrast", [](Sample& s) { change_gamma(s.image, 1.4); }, 1},
    {"sharpen", [](Sample& s) { sharpen(s.image, 0.15, 1.1); }, 1},
    {"emboss", [](Sample& s) { emboss(s.image, 0.6, 0.8); }, 1},
    {"edge_detect", [](Sample& s) { show_edges(s.image, 0.4); }, 1},
    {"crop_and_pad",
     [](Sample& s) { crop_and_pad(s, sides_from_fractions(s.image, 0.1, -0.05, -0.12, 0.07)); }, 0},
    {"resize_78x105", [](Sample& s) { resize_cubic(s, 78, 105); }, 1},
    {"resize_122x164", [](Sample& s) { resize_cubic(s, 122, 164); }, 1},
};

INSTANTIATE_TEST_SUITE_P(Imgaug, Augmenters, testing::ValuesIn(kCases), [](const auto& info) {
  std::string name = info.param.name;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(c); }, '_');
  return name;
});

Image grey_image(int height, int width, std::uint8_t level) {
  return {height, width,
          std::vector<std::uint8_t>(static_cast<std::size_t>(height) * width * 3, level)};
}

TEST(Displace, MovesPixelsAndJointsTheSameWay) {
  Sample sample{grey_image(40, 60, 0), {{0, 20.4, 15.6}, {1, 70, 5}}};
  sample.image.pixels[(16 * 60 + 20) * 3] = 255;
  displace(sample, {std::vector<float>(2400, 5), std::vector<float>(2400, -3)}, true);
  EXPECT_EQ(sample.image.pixels[(13 * 60 + 25) * 3], 255);
  EXPECT_NEAR(sample.joints[0].x, 25, 1e-4);  // the fraction is lost, as in imgaug
  EXPECT_NEAR(sample.joints[0].y, 13, 1e-4);
  EXPECT_EQ(sample.joints[1].x, 70);  // outside the image: stays
}

TEST(Displace, EqualsImgaug) {
  NEEDS_SHARED(kFolder);
  constexpr int kHeight = 64, kWidth = 80;
  auto sample = input();
  crop_and_pad(sample, {0, kWidth - 131, kHeight - 97, 0});
  sample.joints = {{0, 20.3, 30.7}, {1, 60.5, 44.5}, {2, 0.2, 0.4},
                   {3, 79.6, 63.9}, {4, 85.0, 20.0}, {5, 40.0, 10.0}};
  Displacement shifts;
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      shifts.dx.push_back(static_cast<float>(3 * std::sin(y / 9.0) + 0.05 * x - 2));
      shifts.dy.push_back(static_cast<float>(2.5 * std::cos(x / 7.0)));
    }
  }
  displace(sample, shifts, true);
  const std::filesystem::path folder = POSEHEIR_TEST_DATA "/augment";
  EXPECT_LE(difference(sample.image, image_from(folder / "elastic.image.npy")).largest, 1);
  expect_joints(sample.joints, read_npy<float>(folder / "elastic.keypoints.npy").values);
}

TEST(Displace, IsBlackBeyondThePicture) {
  for (const float away : {30.0F, -200.0F, 1e5F}) {
    Sample sample{grey_image(20, 20, 200), {}};
    displace(sample, {std::vector<float>(400, away), std::vector<float>(400, 0)}, false);
    EXPECT_THAT(sample.image.pixels, testing::Each(0)) << away;
  }
}

TEST(Displace, MovesAJointToTheMedianOfItsNeighbours) {
  // Left half stands still, right half jumps: most of the neighbours of x = 29.9 jump.
  Displacement half{std::vector<float>(2400), std::vector<float>(2400, 0)};
  for (std::size_t i = 0; i < 2400; ++i) half.dx[i] = i % 60 >= 29 ? 8.0F : 0.0F;
  Sample sample{grey_image(40, 60, 0), {{0, 29.9, 20}}};
  displace(sample, half, true);
  EXPECT_NEAR(sample.joints[0].x, 37.7, 0.5);
}

TEST(ElasticDisplacement, HasTheStrengthOfBlurredNoise) {
  Random random({1});
  const auto shifts = elastic_displacement(200, 300, 5, 40, random);
  double squares = 0;
  for (const float dx : shifts.dx) squares += dx * dx / 60000.0;
  // Uniform noise of variance 1/3 under a Gaussian of sigma 5 cut at 13 taps: 40 * sqrt(1/3) * sum
  // k^2
  EXPECT_NEAR(std::sqrt(squares), 1.87, 0.1);
}

TEST(Cover, BlackensTheCellsOfTheMask) {
  auto image = grey_image(4, 6, 9);
  const std::vector<std::uint8_t> mask = {1, 0, 1, 1};  // 2 x 2
  cover(image, mask, 2, 2, 1);
  EXPECT_EQ(image.pixels[(0 * 6 + 2) * 3], 9);
  EXPECT_EQ(image.pixels[(1 * 6 + 3) * 3 + 2], 0);
  EXPECT_EQ(image.pixels[(2 * 6 + 3) * 3], 9);
}

TEST(Noise, IsTheSameInAllChannelsUnlessAskedOtherwise) {
  auto image = grey_image(50, 50, 128);
  Random random({7});
  add_noise(image, 10, false, random);
  EXPECT_EQ(image.pixels[0], image.pixels[1]);
  double squares = 0;
  for (const auto value : image.pixels) squares += (value - 128.0) * (value - 128.0) / 7500;
  EXPECT_NEAR(std::sqrt(squares), 10, 0.6);
}

TEST(Random, DependsOnItsKeyAlone) {
  Random first({1, 2}), again({1, 2}), other({2, 1});
  const auto bits = first.bits();
  EXPECT_EQ(again.bits(), bits);
  EXPECT_NE(other.bits(), bits);
  double mean = 0;
  for (int i = 0; i < 100000; ++i) mean += first.uniform() / 100000;
  EXPECT_NEAR(mean, 0.5, 0.005);
}

}  // namespace
}  // namespace poseheir
