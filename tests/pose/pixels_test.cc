#include "pose/pixels.h"

#include <array>
#include <cmath>
#include <gtest/gtest.h>
#include <opencv2/imgproc.hpp>

#include "pose/affine.h"
#include "pose/augmenters.h"
#include "pose/cubic_remap.h"
#include "pose/cubic_resize.h"
#include "pose/opencv_image.h"

namespace poseheir {
namespace {

using pixels::Set;

class PixelSets : public testing::TestWithParam<Set> {
 protected:
  void SetUp() override {
    if (!pixels::has(GetParam())) GTEST_SKIP() << "this machine lacks the instructions";
  }
  const pixels::Kernels& kernels() const { return *pixels::kernels_of(GetParam()); }
};

std::string name_of(const testing::TestParamInfo<Set>& info) {
  constexpr const char* kNames[] = {"baseline", "avx2", "avx512"};
  return kNames[static_cast<int>(info.param)];
}
INSTANTIATE_TEST_SUITE_P(Sets, PixelSets, testing::Values(Set::baseline, Set::avx2, Set::avx512),
                         name_of);

Image noise_image(int height, int width) {
  Random random({3, std::uint64_t(height), std::uint64_t(width)});
  auto image = blank_image(height, width);
  for (auto& value : image.pixels) value = static_cast<std::uint8_t>(random.below(256));
  return image;
}

TEST_P(PixelSets, DrawTheNumbersOfTheirStream) {
  Random random({5, 6}), same({5, 6});
  same.bits();
  random.bits();
  const auto stream = same.take(77);
  std::vector<float> drawn(77);
  kernels().uniform(stream.key, stream.first, 77, drawn.data());
  for (const float value : drawn) ASSERT_EQ(value, static_cast<float>(random.uniform(-1, 1)));
  EXPECT_EQ(same.bits(), random.bits());
}

// Whatever the set, the pixels inside by one formula and those at the border by another; here both
// are written out once more.
std::uint8_t looked_up(const Image& image, float x, float y, int channel) {
  const auto weights = [](float place) {
    const double step = std::floor(place * 32.0 + 0.5);
    std::array<double, 5> result{std::floor(step / 32)};
    for (int tap = 0; tap < 4; ++tap) {
      const double d = std::abs(step / 32 - result[0] - (tap - 1));
      result[tap + 1] = d <= 1  ? (1.25 * d - 2.25) * d * d + 1
                        : d < 2 ? ((-0.75 * d + 3.75) * d - 6) * d + 3
                                : 0;
    }
    return result;
  };
  const auto across = weights(x), down = weights(y);
  double sum = 0;
  for (int row = 0; row < 4; ++row)
    for (int column = 0; column < 4; ++column) {
      const int from_x = int(across[0]) - 1 + column, from_y = int(down[0]) - 1 + row;
      if (from_x < 0 || from_x >= image.width || from_y < 0 || from_y >= image.height) continue;
      sum += across[column + 1] * down[row + 1] *
             image.pixels[(std::size_t(from_y) * image.width + from_x) * 3 + channel];
    }
  return static_cast<std::uint8_t>(std::clamp(sum + 0.5, 0.0, 255.0));
}

TEST_P(PixelSets, DisplaceByCubicInterpolation) {
  for (const auto& [height, width] : {std::pair{3, 3}, {4, 4}, {9, 70}, {30, 131}}) {
    const auto image = noise_image(height, width);
    Random random({9});
    const auto size = static_cast<std::size_t>(height) * width;
    std::vector<float> dx(size), dy(size);
    for (auto* shifts : {&dx, &dy})
      for (auto& shift : *shifts) shift = static_cast<float>(random.uniform(-4, 4));
    const auto expected = remap_cubic(image, dx, dy);
    const std::vector<float> levels(image.pixels.begin(), image.pixels.end());
    std::vector<std::uint8_t> row_bytes(std::size_t(3) * width);
    pixels::CubicWeights weights{};
    for (int step = 0; step < 32; ++step)
      for (int tap = 0; tap < 4; ++tap) {
        const double d = std::abs(step / 32.0 - (tap - 1));
        const double weight =
            d <= 1 ? (1.25 * d - 2.25) * d * d + 1 : ((-0.75 * d + 3.75) * d - 6) * d + 3;
        weights.of_row[step][tap] = static_cast<float>(weight);
        for (int c = 0; c < 3; ++c)
          weights.of_values[step][tap * 3 + c] = weights.of_row[step][tap];
      }
    for (int row = 0; row < height; ++row) {
      const auto first = static_cast<std::size_t>(row) * width;
      kernels().displace({levels.data(), height, width}, &dx[first], &dy[first], row, weights,
                         row_bytes.data());
      for (int i = 0; i < 3 * width; ++i) {
        // Alike in all sets, and right but for a fraction that rounds the other way.
        ASSERT_EQ(row_bytes[i], expected.pixels[first * 3 + i]) << row << ' ' << i;
        const int column = i / 3;
        const auto at = first + column;
        ASSERT_NEAR(row_bytes[i],
                    looked_up(image, float(column) - dx[at], float(row) - dy[at], i % 3), 1);
      }
    }
  }
}

TEST_P(PixelSets, BlurAsOpenCv) {
  if (kernels().blur_row == nullptr) return;  // left to OpenCV itself
  constexpr int kTaps = 13, kHalf = 6;
  const cv::Mat weights = cv::getGaussianKernel(kTaps, 5, CV_32F);
  for (const int width : {1, 7, 8, 15, 16, 31, 33, 64, 100, 101}) {
    cv::Mat_<float> noise(kTaps, width + 2 * kHalf + 32), blurred;
    Random random({1, std::uint64_t(width)});
    for (auto& value : noise) value = static_cast<float>(random.uniform(-1, 1));
    cv::GaussianBlur(noise, blurred, {kTaps, kTaps}, 5, 5);
    std::vector<float> rows(std::size_t(kTaps) * width), result(width);
    std::vector<const float*> each;
    for (int row = 0; row < kTaps; ++row) {
      auto* to = rows.data() + std::size_t(row) * width;
      kernels().blur_row(noise[row], weights.ptr<float>(), kTaps, width, to);
      each.push_back(to);
    }
    kernels().blur_rows(each.data(), weights.ptr<float>(), kTaps, 37.5F, width, result.data());
    for (int i = 0; i < width; ++i)
      ASSERT_EQ(result[i], blurred(kHalf, i + kHalf) * 37.5F) << width << ' ' << i;
  }
}

TEST_P(PixelSets, ResizeAsOpenCv) {
  const std::array<std::pair<int, int>, 9> sizes{
      {{1, 1}, {2, 3}, {5, 4}, {7, 9}, {24, 32}, {37, 53}, {48, 64}, {60, 81}, {97, 131}}};
  for (const auto& [height, width] : sizes) {
    const auto image = noise_image(height, width);
    for (const auto& [to_height, to_width] : sizes) {
      auto expected = blank_image(to_height, to_width), result = expected;
      cv::Mat target = as_matrix(expected);
      cv::resize(as_matrix(image), target, target.size(), 0, 0, cv::INTER_CUBIC);
      resize_cubic(image, result, kernels());
      ASSERT_EQ(result.pixels, expected.pixels)
          << width << 'x' << height << " to " << to_width << 'x' << to_height;
    }
  }
}

TEST_P(PixelSets, TurnAsOpenCv) {
  Random random({8});
  for (const auto& [height, width] : {std::pair{1, 1}, {3, 5}, {24, 33}, {97, 131}}) {
    const auto image = noise_image(height, width);
    for (int round = 0; round < 20; ++round) {
      const double angle = random.uniform(-4, 4), scale = random.uniform(0.5, 2);
      const double c = scale * std::cos(angle), s = scale * std::sin(angle);
      const cv::Matx23d map(c, -s, random.uniform(-9, 50), s, c, random.uniform(-9, 50));
      auto expected = blank_image(60 + round, 80 + round), result = expected;
      cv::Mat target = as_matrix(expected);
      cv::warpAffine(as_matrix(image), target, map, target.size(), cv::INTER_LINEAR,
                     cv::BORDER_CONSTANT, cv::Scalar());
      warp_affine(image, map, result, kernels());
      ASSERT_EQ(result.pixels, expected.pixels) << width << ' ' << round;
    }
  }
}

TEST_P(PixelSets, FilterAsOpenCv) {
  if (kernels().filter == nullptr) return;  // left to OpenCV itself
  constexpr int kSide = 7, kTaps = kSide * kSide;
  Random random({4});
  cv::Mat_<float> kernel(kSide, kSide);
  for (auto& weight : kernel) weight = static_cast<float>(random.uniform(-0.1, 0.15));
  const auto image = noise_image(kSide, 200);
  cv::Mat filtered;
  cv::filter2D(as_matrix(image), filtered, -1, kernel);
  std::vector<float> wide(image.pixels.size());
  kernels().widen(image.pixels.data(), static_cast<int>(wide.size()), wide.data());
  std::vector<const float*> rows;
  for (int tap = 0; tap < kTaps; ++tap)
    rows.push_back(wide.data() + (std::size_t(tap / kSide) * image.width + tap % kSide) * 3);
  const int count = (image.width - kSide + 1) * 3;
  std::vector<std::uint8_t> result(count);
  kernels().filter(rows.data(), kernel[0], kTaps, count, result.data());
  for (int i = 0; i < count; ++i)
    ASSERT_EQ(result[i], filtered.ptr(kSide / 2)[i + kSide / 2 * 3]) << i;
}

TEST(Emboss, FiltersAsOpenCv) {
  for (const auto& [height, width] : {std::pair{2, 50}, {12, 12}, {13, 17}, {50, 33}, {31, 131}}) {
    auto image = noise_image(height, width);
    const cv::Matx33f kernel(-0.6F * 1.8F, -0.48F, 0, -0.48F, 1, 0.48F, 0, 0.48F, 0.6F * 1.8F);
    cv::Mat expected;
    cv::filter2D(as_matrix(image), expected, -1, kernel);
    emboss(image, 0.6, 0.8);
    ASSERT_LE(cv::norm(expected, as_matrix(image), cv::NORM_INF), 1) << width;
    ASSERT_LE(cv::norm(expected, as_matrix(image), cv::NORM_L1), 3) << width;  // the kernel's ends
  }
}

TEST(Cover, EnlargesItsMaskAsOpenCv) {
  Random random({2});
  for (const auto& [rows, columns, channels] :
       {std::array{3, 3, 1}, {29, 40, 1}, {30, 39, 3}, {97, 131, 3}}) {
    std::vector<std::uint8_t> mask(std::size_t(rows) * columns * channels);
    for (auto& keep : mask) keep = random.chance(0.3) ? 0 : 1;
    auto image = noise_image(97, 131);
    cv::Mat expected = as_matrix(image).clone(), large,
            small(rows, columns, CV_8UC(channels), mask.data());
    cv::resize(small, large, expected.size(), 0, 0, cv::INTER_NEAREST);
    if (channels == 1) cv::merge(std::vector{large, large, large}, large);
    expected = expected.mul(large);
    cover(image, mask, rows, columns, channels);
    ASSERT_EQ(cv::norm(expected, as_matrix(image), cv::NORM_INF), 0) << rows << 'x' << columns;
  }
}

}  // namespace
}  // namespace poseheir
