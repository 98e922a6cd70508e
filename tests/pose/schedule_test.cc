#include "pose/schedule.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "expect_error.h"
#include "pose/training_plan.h"
#include "shared.h"

namespace poseheir {
namespace {

TEST(Schedule, KeepsTheOldRateAtTheBoundary) {
  const std::vector<RateStep> steps = {{0.1, 2}, {0.05, 4}, {0.01, 6}};
  EXPECT_EQ(multi_step_rate(steps, 2), 0.1);
  EXPECT_EQ(multi_step_rate(steps, 3), 0.05);
  EXPECT_EQ(multi_step_rate(steps, 6), 0.01);
}

TEST(Schedule, NeverPassesABoundaryThatLiesBehind) {
  const std::vector<RateStep> steps = {{0.1, 10}, {0.05, 5}, {0.01, 20}};
  EXPECT_EQ(multi_step_rate(steps, 11), 0.05);
  EXPECT_EQ(multi_step_rate(steps, 19), 0.05);
}

TEST(Schedule, EqualsDeepLabCuts) {
  NEEDS_SHARED("reference/training/schedules.json");
  std::ifstream stream(shared_folder() / "reference/training/schedules.json");
  const auto json = nlohmann::json::parse(stream);
  for (const auto& schedule : json["multi_step"]) {
    std::vector<RateStep> steps;
    for (const auto& step : schedule["multi_step"]) steps.push_back({step[0], step[1]});
    double rate = -1;
    std::size_t changes = 0;
    const auto& expected = schedule["first_iteration_of_each_rate"];
    for (std::int64_t it = 0; it < schedule["iterations"]; ++it) {
      if (multi_step_rate(steps, it) == rate) continue;
      rate = multi_step_rate(steps, it);
      ASSERT_LT(changes, expected.size());
      EXPECT_EQ(expected[changes][0], it);
      EXPECT_EQ(expected[changes++][1], rate);
    }
    EXPECT_EQ(changes, expected.size());
  }
  for (const auto& cosine : json["cosine"])
    for (std::size_t i = 0; i < cosine["iterations"].size(); ++i)
      EXPECT_NEAR(cosine_rate({cosine["lr_init"], cosine["decay_steps"], cosine["alpha_r"]},
                              cosine["iterations"][i]),
                  cosine["rates_float32"][i].get<double>(), 1e-7 * cosine["lr_init"].get<double>());
}

TEST(Schedule, WarmsUpAndEndsAtNothing) {
  EXPECT_DOUBLE_EQ(warm_cosine_rate(1, 0, 4, 104), 0.25);
  EXPECT_DOUBLE_EQ(warm_cosine_rate(1, 4, 4, 104), 1);
  EXPECT_DOUBLE_EQ(warm_cosine_rate(1, 54, 4, 104), 0.5);
  EXPECT_NEAR(warm_cosine_rate(1, 104, 4, 104), 0, 1e-15);
}

TEST(Schedule, SaysThatAListIsEmpty) {
  EXPECT_ERROR(multi_step_rate({}, 0), ErrorKind::usage, "no learning rate");
}

TEST(MeasureErrorsEvery, FallsOnSnapshotsAndNeverMoreOftenThanIsAffordable) {
  const auto measured = [](std::int64_t wished, std::int64_t affordable, std::int64_t save) {
    TrainingPlan plan;
    plan.eval_iterations = wished;
    plan.save_iterations = save;
    measure_errors_every(affordable, plan);
    return std::pair{plan.eval_iterations, plan.eval_at_snapshots};
  };
  EXPECT_EQ(measured(50, 132, 75), std::pair(std::int64_t{150}, false));
  EXPECT_EQ(measured(50, 75, 75), std::pair(std::int64_t{75}, true));
  EXPECT_EQ(measured(50, 20, 250), std::pair(std::int64_t{50}, true));
  EXPECT_EQ(measured(60, 20, 250), std::pair(std::int64_t{63}, true));
  EXPECT_EQ(measured(5000, 1, 50000), std::pair(std::int64_t{5000}, true));
}

}  // namespace
}  // namespace poseheir
