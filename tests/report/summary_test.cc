#include "report/summary.h"

#include <cmath>
#include <gmock/gmock.h>

#include "report/sample_runs.h"

namespace poseheir {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::vector<RunReport> inherited_against(double inherited, double fresh) {
  auto first = sample_run("inherited", inherited), second = sample_run("random start", fresh);
  first.transferred = {"backbone: 260 variables copied"};
  return {first, second};
}

TEST(Verdict, SaysThatTheInheritanceHelpedWhereItsErrorIsSmaller) {
  const auto verdict = judge(inherited_against(4, 10));
  EXPECT_EQ(verdict.outcome, Outcome::gain);
  EXPECT_THAT(
      verdict.sentence,
      HasSubstr(
          "The inheritance helped: the test error is 4.00 px with it and 10.0 px without it"));
  EXPECT_THAT(verdict.sentence, HasSubstr("2.50 times smaller"));
}

TEST(Verdict, SaysThatTheInheritanceDidNotHelpWhereItLost) {
  const auto verdict = judge(inherited_against(10, 4));
  EXPECT_EQ(verdict.outcome, Outcome::loss);
  EXPECT_THAT(verdict.sentence, HasSubstr("The inheritance did not help"));
  EXPECT_THAT(verdict.sentence, HasSubstr("2.50 times larger"));
  EXPECT_THAT(verdict.sentence, Not(HasSubstr("helped:")));
}

TEST(Verdict, SaysThatNothingIsClearWhereTheIntervalHoldsZero) {
  auto runs = inherited_against(4, 4);
  runs[1].metrics.distances[4] = {6, 6};  // one picture better by 2 px, one worse
  runs[1].metrics.distances[5] = {2.2, 2.2};
  const auto verdict = judge(runs);
  EXPECT_EQ(verdict.outcome, Outcome::unclear);
  EXPECT_THAT(verdict.sentence, HasSubstr("no clear difference"));
}

TEST(Verdict, ComparesWithTheBestOfTheOthers) {
  auto runs = inherited_against(4, 10);
  runs.push_back(sample_run("ImageNet", 5));
  EXPECT_THAT(judge(runs).sentence, HasSubstr("5.00 px without it (“ImageNet”)"));
}

TEST(Verdict, NamesTheRunsWhereNothingWasInherited) {
  const auto verdict = judge({sample_run("a", 4), sample_run("b", 8)});
  EXPECT_THAT(verdict.sentence,
              HasSubstr("“a” helped: the test error is 4.00 px with “a” and 8.00 px with “b”"));
}

TEST(Verdict, TellsHowMuchSoonerTheSameErrorIsReached) {
  // Errors fall as 5/i of the final one: 10 px is reached by "inherited" (4 px at the end) at the
  // second of five evaluations, by "random start" at the last.
  const auto verdict = judge(inherited_against(4, 10));
  EXPECT_THAT(verdict.speed, HasSubstr("10.0 px is reached after 400 iterations with “inherited” "
                                       "and after 1000 with “random start”, 2.5 times sooner"));
  EXPECT_THAT(verdict.speed, HasSubstr("8.0 s and 20.0 s"));
}

TEST(Verdict, AsksForAnEvaluationWhereThereIsNoTestError) {
  auto run = sample_run("a", 4);
  run.metrics = {};
  EXPECT_EQ(judge({run}).outcome, Outcome::unknown);
  EXPECT_THAT(judge({run}).sentence, HasSubstr("no test error yet"));
}

TEST(Bootstrap, GivesTheMeanAndAnIntervalAroundIt) {
  std::vector<std::vector<double>> distances;
  for (int i = 0; i < 100; ++i) distances.push_back({i % 2 == 0 ? 1.0 : 3.0, kMissing});
  std::vector<int> rows(100);
  for (int i = 0; i < 100; ++i) rows[static_cast<std::size_t>(i)] = i;
  const auto interval = bootstrap_mean(distances, rows, 0);
  EXPECT_DOUBLE_EQ(interval.mean, 2.0);
  EXPECT_EQ(interval.points, 100);
  // The standard error of this mean is 0.1, so the interval is about 2 -+ 0.196.
  EXPECT_NEAR(interval.low, 1.8, 0.05);
  EXPECT_NEAR(interval.high, 2.2, 0.05);
  EXPECT_TRUE(std::isnan(bootstrap_mean(distances, rows, 1).mean));
}

TEST(ErrorOverCutoff, LeavesOutUnlikelyPoints) {
  auto run = sample_run("a", 4);
  run.metrics.distances[7] = {4, 100};  // likelihood 0.3
  const auto curve = error_over_cutoff(run);
  ASSERT_EQ(curve.size(), 20U);
  EXPECT_DOUBLE_EQ(curve[0].test, (7 * 4.0 + 100) / 8);
  EXPECT_DOUBLE_EQ(curve[0].test_share, 1.0);
  EXPECT_DOUBLE_EQ(curve[8].cutoff, 0.4);
  EXPECT_NEAR(curve[8].test, 4.0, 1e-12);
  EXPECT_DOUBLE_EQ(curve[8].test_share, 7.0 / 8);
  EXPECT_TRUE(std::isnan(curve[19].test));  // no point reaches 0.95
  EXPECT_DOUBLE_EQ(curve[19].test_share, 0.0);
}

TEST(Smoothing, HasNoBiasAtItsStart) {
  EXPECT_THAT(smoothed({2, 2, 2}, 0.9), ::testing::Each(::testing::DoubleNear(2.0, 1e-12)));
  EXPECT_NEAR(smoothed({0, 1}, 0.5)[1], 2.0 / 3, 1e-12);
}

}  // namespace
}  // namespace poseheir
