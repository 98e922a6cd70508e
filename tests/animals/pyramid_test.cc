#include "poseheir/pyramid.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace poseheir {
namespace {

ScaleDetections scale(int height, std::vector<Peak> peaks) {
  Detections detections;
  detections.peaks = {std::move(peaks)};
  return {height, std::move(detections)};
}

PredictedPoint combine(const std::vector<ScaleDetections>& scales, int height) {
  return combine_scales(scales, height, 1).at(0);
}

TEST(Pyramid, TakesTheMedianOfTheScalesInThePicture) {
  // 100 of 200 rows: twice the coordinates. 400 of 200: half.
  const auto point = combine({scale(100, {{50, 20, 0.5F}}), scale(200, {{102, 42, 0.75F}}),
                              scale(400, {{202, 82, 0.25F}})},
                             200);
  EXPECT_EQ(point.x, 101);
  EXPECT_EQ(point.y, 41);
  EXPECT_EQ(point.likelihood, 0.5);
}

TEST(Pyramid, TakesTheMostConfidentPeakOfAScale) {
  const auto point =
      combine({scale(200, {{9, 9, 0.3F}, {100, 40, 0.5F}}), scale(200, {{100, 40, 0.25F}})}, 200);
  EXPECT_EQ(point.x, 100);
  EXPECT_EQ(point.likelihood, 0.375);
}

TEST(Pyramid, LeavesOutScalesThatAreUnsureOrPointElsewhere) {
  // The last lies 45 degrees off: cosine 0.93 to the median.
  const auto point = combine({scale(200, {{100, 40, 0.5F}}), scale(200, {{102, 40, 0.0625F}}),
                              scale(200, {{100, 40, 0.5F}}), scale(200, {{60, 60, 0.75F}})},
                             200);
  EXPECT_EQ(point.x, 100);
  EXPECT_EQ(point.y, 40);
  EXPECT_EQ(point.likelihood, 0.5);
}

TEST(Pyramid, LetsScalesWithoutTheKeypointPullTheMedianToTheCorner) {
  // Median of (100, 40), (0, 0), (0, 0) is the corner: no direction, so nothing is left.
  const auto point = combine({scale(200, {{100, 40, 0.9F}}), scale(200, {}), scale(200, {})}, 200);
  EXPECT_TRUE(std::isnan(point.x));
  EXPECT_TRUE(std::isnan(point.likelihood));
}

TEST(Pyramid, PassesOverAScaleWithoutAnyPeak) {
  const auto point = combine({scale(200, {{100, 40, 0.5F}}), {100, std::nullopt}}, 200);
  EXPECT_EQ(point.x, 100);
  EXPECT_EQ(point.likelihood, 0.5);
}

TEST(Pyramid, ReturnsASingleScaleAsItIs) {
  const auto point = combine({scale(100, {{50, 20, 0.0625F}})}, 200);
  EXPECT_EQ(point.x, 100);
  EXPECT_EQ(point.likelihood, 0.0625);
  const auto nothing = combine({{100, std::nullopt}}, 200);
  EXPECT_TRUE(std::isnan(nothing.x));
  EXPECT_EQ(nothing.likelihood, 0);
}

TEST(Pyramid, KeepsTheAspectOfThePicture) {
  EXPECT_EQ(scaled_size(480, 640, 430), (ScaledSize{430, 573}));  // 573.33
  EXPECT_EQ(scaled_size(4, 2, 3), (ScaledSize{3, 2}));            // 1.5, to the even neighbour
  EXPECT_THAT(default_scales(480), testing::ElementsAre(430, 480, 530));
}

}  // namespace
}  // namespace poseheir
