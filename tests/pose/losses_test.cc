#include "pose/losses.h"

#include <gtest/gtest.h>

#include "expect_error.h"

namespace poseheir {
namespace {

FeatureMap map_of(int height, int width, int channels, std::vector<float> values) {
  return {1, height, width, channels, std::move(values)};
}

// One keypoint, two cells: logits 2 and -1, targets 1 and 0; the first cell has an offset.
struct TwoCells {
  FeatureMaps outputs = {{"part_pred", map_of(1, 2, 1, {2.0F, -1.0F})},
                         {"locref", map_of(1, 2, 2, {0.5F, 3.0F, 9.0F, 9.0F})}};
  Targets targets{1, 1, 2, 1};
  FeatureMaps gradients;

  TwoCells() {
    targets.part_score = {1, 0};
    targets.locref = {0.25F, 1.0F, 0, 0};
    targets.locref_mask = {1, 1, 0, 0};
  }
};

TEST(Losses, AreCrossEntropyOfAllCellsAndHuberOfTheDisc) {
  TwoCells two;
  const auto losses =
      compute_losses(two.outputs, two.targets, nullptr, {.locref_weight = 0.05}, two.gradients);
  // log(1 + e^-2) = 0.126928, log(1 + e^-1) = 0.313262; huber 0.25^2/2 and 2 - 0.5
  EXPECT_NEAR(losses.part, (0.126928 + 0.313262) / 2, 1e-6);
  EXPECT_NEAR(*losses.locref, 0.05 * (0.03125 + 1.5) / 2, 1e-7);
  EXPECT_NEAR(losses.total, losses.part + *losses.locref, 1e-12);
  EXPECT_FALSE(losses.part_interm);
  EXPECT_NEAR(two.gradients["part_pred"].values[0], (0.880797 - 1) / 2, 1e-6);
  EXPECT_NEAR(two.gradients["part_pred"].values[1], 0.268941 / 2, 1e-6);
  EXPECT_NEAR(two.gradients["locref"].values[0], 0.05 * 0.25 / 2, 1e-7);
  EXPECT_NEAR(two.gradients["locref"].values[1], 0.05 * 1 / 2, 1e-7);
  EXPECT_EQ(two.gradients["locref"].values[2], 0);
}

TEST(Losses, SquareTheErrorInsteadOfHalvingItWithoutHuber) {
  TwoCells two;
  const auto losses = compute_losses(two.outputs, two.targets, nullptr,
                                     {.locref_weight = 1, .locref_huber = false}, two.gradients);
  EXPECT_NEAR(*losses.locref, (0.0625 + 4) / 2, 1e-6);
  EXPECT_NEAR(two.gradients["locref"].values[1], 2 * 2.0 / 2, 1e-6);
}

TEST(Losses, CountOnlyWeighedCells) {
  TwoCells two;
  two.targets.part_weights = {1, 0};
  const auto losses =
      compute_losses(two.outputs, two.targets, nullptr, {.weigh_parts = true}, two.gradients);
  EXPECT_NEAR(losses.part, 0.126928, 1e-6);
  EXPECT_EQ(two.gradients["part_pred"].values[1], 0);
}

TEST(Losses, AreZeroForAnImageWithoutLabels) {
  TwoCells two;
  two.targets.locref_mask = {0, 0, 0, 0};
  const auto losses = compute_losses(two.outputs, two.targets, nullptr, {}, two.gradients);
  EXPECT_EQ(*losses.locref, 0);
  EXPECT_EQ(two.gradients["locref"].values[0], 0);
}

// A difference quotient in double precision knows nothing of how the gradient was derived.
TEST(Losses, HaveTheGradientOfTheirValue) {
  Targets targets(1, 5, 7, 3);
  const std::vector<InputJoint> joints = {{0, 20, 12}, {2, 40, 33}};
  draw_targets(targets, 0, joints, 1, {});
  FeatureMaps outputs = {{"part_pred", {1, 5, 7, 3, {}}}, {"locref", {1, 5, 7, 6, {}}}};
  for (int i = 0; i < 105; ++i) outputs["part_pred"].values.push_back(0.1F * float(i % 23) - 1);
  for (int i = 0; i < 210; ++i) outputs["locref"].values.push_back(0.3F * float(i % 17) - 2);
  FeatureMaps gradients, unused;
  compute_losses(outputs, targets, nullptr, {}, gradients);
  for (const char* name : {"part_pred", "locref"}) {
    for (const std::size_t i : {3U, 44U, 58U, 97U}) {
      auto shifted = outputs;
      shifted[name].values[i] += 1e-2F;
      const double above = compute_losses(shifted, targets, nullptr, {}, unused).total;
      shifted[name].values[i] -= 2e-2F;
      const double below = compute_losses(shifted, targets, nullptr, {}, unused).total;
      EXPECT_NEAR(gradients[name].values[i], (above - below) / 2e-2, 2e-5) << name << ' ' << i;
    }
  }
}

TEST(Losses, DoNotDependOnTheNumberOfThreads) {
  Targets targets(2, 60, 80, 10);
  FeatureMaps outputs = {{"part_pred", {2, 60, 80, 10, std::vector<float>(96000)}}};
  for (std::size_t i = 0; i < 96000; ++i)
    outputs["part_pred"].values[i] = static_cast<float>(i % 977) * 0.01F - 5;
  FeatureMaps one, four;
  const double single = compute_losses(outputs, targets, nullptr, {.threads = 1}, one).total;
  EXPECT_EQ(compute_losses(outputs, targets, nullptr, {.threads = 4}, four).total, single);
  EXPECT_EQ(four["part_pred"].values, one["part_pred"].values);
}

TEST(Losses, NameTheOutputWhoseShapeIsNotThatOfItsTargets) {
  TwoCells two;
  two.outputs["locref"].channels = 4;
  EXPECT_ERROR(compute_losses(two.outputs, two.targets, nullptr, {}, two.gradients),
               ErrorKind::mismatch, "'locref' has the shape [1,1,2,4], its targets [1,1,2,2]");
}

}  // namespace
}  // namespace poseheir
