#include "poseheir/metrics.h"

#include <cmath>
#include <fstream>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "expect_error.h"
#include "shared.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

using ::testing::ElementsAre;

std::filesystem::path reference() { return shared_folder() / "reference/evaluation"; }

struct Case {
  nlohmann::json expected;
  Labels labels;
  Predictions predictions;
  Split split;
};

Case reference_case() {
  Case c;
  c.expected = nlohmann::json::parse(read_file(reference() / "expected.json"));
  c.labels = read_labels(reference() / "CollectedData_Rater.h5");
  c.predictions =
      read_predictions(reference() / "DLC_resnet50_demoJan1shuffle1_1000-snapshot-1000.h5");
  c.split.train = c.expected["train_indices"].get<std::vector<int>>();
  c.split.test = c.expected["test_indices"].get<std::vector<int>>();
  return c;
}

void expect_value(double value, const nlohmann::json& expected, const std::string& what) {
  if (expected.is_null()) {
    EXPECT_TRUE(std::isnan(value)) << what << " is " << value;
  } else {
    EXPECT_NEAR(value, expected.get<double>(), 1e-9) << what;
  }
}

TEST(Evaluate, GivesDeepLabCutsErrorsForEveryCutoffAndChoiceOfParts) {
  NEEDS_SHARED("reference/evaluation");
  const auto c = reference_case();
  ASSERT_EQ(c.expected["cases"].size(), 12U);
  for (const auto& expected : c.expected["cases"]) {
    const auto& parts = expected["comparisonbodyparts"];
    const auto metrics = evaluate(
        c.labels, c.predictions, c.split, expected["pcutoff"],
        parts.is_array() ? parts.get<std::vector<std::string>>() : std::vector<std::string>());
    const auto what = expected["pcutoff"].dump() + " " + parts.dump();
    expect_value(metrics.all.train, expected["train_error"], what + " train");
    expect_value(metrics.all.test, expected["test_error"], what + " test");
    expect_value(metrics.all.train_cutoff, expected["train_error_pcutoff"],
                 what + " train with cutoff");
    expect_value(metrics.all.test_cutoff, expected["test_error_pcutoff"],
                 what + " test with cutoff");
    if (!expected.contains("distances")) continue;
    for (std::size_t row = 0; row < metrics.distances.size(); ++row) {
      for (std::size_t column = 0; column < metrics.keypoints.size(); ++column) {
        const auto& names = expected["columns"];
        const auto at = std::find(names.begin(), names.end(), metrics.keypoints[column].bodypart) -
                        names.begin();
        expect_value(metrics.distances[row][column],
                     expected["distances"][row][static_cast<std::size_t>(at)], what + " distance");
      }
    }
  }
}

TEST(Evaluate, CountsLabelledPoints) {
  NEEDS_SHARED("reference/evaluation");
  const auto c = reference_case();
  const auto metrics = evaluate(c.labels, c.predictions, c.split, 0.6);
  EXPECT_EQ(metrics.keypoints[3].bodypart, "tailbase");
  EXPECT_EQ(metrics.keypoints[3].train_points, 6);
  EXPECT_EQ(metrics.keypoints[3].test_points, 0);
}

Labels two_labels() {
  Labels labels{"s", {"hand", "elbow"}, {}, {}};
  labels.images = {{{"a"}, {{0, 0}, {10, 10}}}, {{"b"}, {{0, 0}, {}}}};
  return labels;
}
Predictions two_predictions() {
  Predictions predictions;
  predictions.bodyparts = {"elbow", "hand"};  // another order than the labels
  predictions.poses = {{{10, 11, 0.6}, {3, 4, 0.5}}, {{1, 1, 1}, {0, 2, 0.9}}};
  return predictions;
}

TEST(Evaluate, MatchesPartsByNameAndTakesTheCutoffItself) {
  const auto metrics = evaluate(two_labels(), two_predictions(), {{0}, {1}, 0.5}, 0.6);
  EXPECT_DOUBLE_EQ(metrics.all.train, 3);         // 5 and 1
  EXPECT_DOUBLE_EQ(metrics.all.train_cutoff, 1);  // likelihood 0.6 counts
  EXPECT_DOUBLE_EQ(metrics.all.test, 2);
  EXPECT_DOUBLE_EQ(metrics.keypoints[0].errors.train, 5);
}

TEST(Evaluate, RefusesWhatDoesNotFit) {
  const auto labels = two_labels();
  auto predictions = two_predictions();
  EXPECT_ERROR(evaluate(labels, predictions, {{0}, {1}, 0.5}, 0.6, {"hnad"}), ErrorKind::usage,
               "no body part 'hnad' (nearest known: 'hand')");
  EXPECT_ERROR(evaluate(labels, predictions, {{0}, {2}, 0.5}, 0.6), ErrorKind::mismatch,
               "names image 2, but only 2");
  predictions.poses.pop_back();
  EXPECT_ERROR(evaluate(labels, predictions, {{0}, {}, 0.5}, 0.6), ErrorKind::mismatch,
               "2 labelled images, but 1 predicted poses");
  predictions = two_predictions();
  predictions.bodyparts = {"elbow", "wrist"};
  EXPECT_ERROR(evaluate(labels, predictions, {{0}, {1}, 0.5}, 0.6), ErrorKind::mismatch, "'hand'");
}

TEST(ResultsCsv, IsDeepLabCutsByteForByte) {
  NEEDS_SHARED("reference/evaluation/results");
  const auto c = reference_case();
  const auto metrics = evaluate(c.labels, c.predictions, c.split, 0.6);
  const TempDir folder;
  append_results_csv(folder / "results.csv", {{1000, 60, 1, 0.6, metrics.all}});
  append_results_csv(folder / "results.csv", {{2000, 60, 1, 0.6, metrics.all}});
  write_keypoint_csv(folder / "keypoints.csv", metrics);
  const auto theirs = reference() / "results/demoJan1-trainset60shuffle1";
  EXPECT_EQ(read_file(folder / "results.csv"),
            read_file(theirs / "DLC_resnet50_demoJan1shuffle1_1000-results.csv"));
  EXPECT_EQ(read_file(folder / "keypoints.csv"),
            read_file(theirs / "DLC_resnet50_demoJan1shuffle1_1000-keypoint-results.csv"));
}

TEST(ResultsCsv, LeavesUnreachedCutoffsEmptyAndKeepsForeignColumns) {
  const TempDir folder;
  write_file(folder / "r.csv", ",Training iterations:,Remark\n0,7,\"a, b\"\n");
  append_results_csv(folder / "r.csv", {{500, 95, 1, 0.6, {68.004, 64.755, kMissing, kMissing}}});
  EXPECT_EQ(read_file(folder / "r.csv"),
            ",Training iterations:,Remark,%Training dataset,Shuffle number, Train error(px), Test "
            "error(px),"
            "p-cutoff used,Train error with p-cutoff,Test error with p-cutoff\n"
            "0,7,\"a, b\",,,,,,,\n"
            "1,500,,95,1,68.0,64.76,0.6,,\n");
  write_file(folder / "bad.csv", ",Training iterations:\n0\n");
  EXPECT_ERROR(append_results_csv(folder / "bad.csv", {{}}), ErrorKind::corrupt,
               "bad.csv, line 2: 1 columns");
}

TEST(ResultsCsv, ReplacesTheRowOfASnapshotThatIsEvaluatedAgain) {
  const TempDir folder;
  append_results_csv(folder / "r.csv", {{500, 95, 1, 0.6, {9, 9, 9, 9}}, {1000, 95, 1, 0.6, {}}});
  append_results_csv(folder / "r.csv", {{500, 95, 1, 0.6, {2, 3, 1, 1.5}}});
  append_results_csv(folder / "r.csv", {{500, 95, 1, 0.4, {2, 3, 1, 1.5}}});
  const auto text = read_file(folder / "r.csv");
  EXPECT_EQ(text.substr(text.find('\n') + 1),
            "0,1000,95,1,,,0.6,,\n1,500,95,1,2.0,3.0,0.6,1.0,1.5\n"
            "2,500,95,1,2.0,3.0,0.4,1.0,1.5\n");
}

TEST(Curves, ComeBackAsTheyWereAppended) {
  const TempDir folder;
  append_learning_curve(folder / "learning_curve.csv", {10, 0.5, 0.25, 0.125, 0.005, 1.5});
  append_learning_curve(folder / "learning_curve.csv", {20, 0.1, kMissing, 0.3, 5e-5, 3});
  EXPECT_EQ(read_file(folder / "learning_curve.csv"),
            "iteration,total_loss,part_loss,locref_loss,rate,seconds\n10,0.5,0.25,0.125,0.005,1.5\n"
            "20,0.1,,0.3,5e-05,3.0\n");
  const auto points = read_learning_curve(folder / "learning_curve.csv");
  ASSERT_EQ(points.size(), 2U);
  EXPECT_EQ(points[1].iteration, 20);
  EXPECT_EQ(points[1].total_loss, 0.1);
  EXPECT_TRUE(std::isnan(points[1].part_loss));

  append_error_curve(folder / "error_curve.csv", {10, {5, 6, kMissing, 4.5}, 2});
  const auto errors = read_error_curve(folder / "error_curve.csv");
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].errors.test, 6);
  EXPECT_EQ(errors[0].errors.test_cutoff, 4.5);
  EXPECT_TRUE(std::isnan(errors[0].errors.train_cutoff));
}

TEST(Curves, SurviveALineCutByAKill) {
  const TempDir folder;
  const auto path = folder / "error_curve.csv";
  append_error_curve(path, {10, {1, 2, 3, 4}, 5});
  write_file(path, read_file(path) + "20,1.0,2.");
  EXPECT_EQ(read_error_curve(path).size(), 1U);
  append_error_curve(path, {20, {1, 2, 3, 4}, 5});
  EXPECT_EQ(read_error_curve(path).size(), 2U);
  EXPECT_EQ(read_error_curve(path)[1].iteration, 20);
}

TEST(Curves, NameLineAndColumnOfWhatIsWrong) {
  const TempDir folder;
  write_file(folder / "c.csv",
             "iteration,train,test,train_cutoff,test_cutoff,seconds\n1,2,x,4,5,6\n");
  EXPECT_ERROR(read_error_curve(folder / "c.csv"), ErrorKind::corrupt,
               "c.csv, line 2, column 3: 'x' is not a number");
  EXPECT_ERROR(read_learning_curve(folder / "c.csv"), ErrorKind::corrupt,
               "line 1: expected 'iteration,total_loss");
  EXPECT_ERROR(read_learning_curve(folder / "none.csv"), ErrorKind::io, "none.csv");
}

}  // namespace
}  // namespace poseheir
