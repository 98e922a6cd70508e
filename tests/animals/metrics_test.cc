#include <cmath>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "poseheir/animal_metrics.h"

namespace poseheir {
namespace {

using nlohmann::json;

double number(const json& value) { return value.is_null() ? kMissing : value.get<double>(); }

// data/animals/make_evaluation.py had DeepLabCut's own functions make these.
json read_example() {
  std::ifstream stream(POSEHEIR_TEST_DATA "/animals/evaluation.json");
  return json::parse(stream);
}

EvaluatedFrame frame_of(const json& frame) {
  EvaluatedFrame result;
  for (const auto& animal : frame["labels"]) {
    result.labels.animals.emplace_back();
    for (const auto& xy : animal)
      result.labels.animals.back().push_back({number(xy[0]), number(xy[1])});
  }
  for (const auto& joint : frame["peaks"]) {
    result.detections.peaks.emplace_back();
    for (const auto& peak : joint)
      result.detections.peaks.back().push_back({peak[0], peak[1], peak[2].get<float>()});
  }
  for (const auto& m1 : frame["m1"]) {
    LimbCosts costs;
    costs.limb = static_cast<int>(result.detections.costs.size());
    costs.rows = static_cast<int>(m1.size());
    costs.columns = m1.empty() ? 0 : static_cast<int>(m1[0].size());
    for (const auto& row : m1)
      for (const auto& value : row) costs.affinity.push_back(value.get<float>());
    costs.distance.assign(costs.affinity.size(), 1.0F);
    result.detections.costs.push_back(costs);
  }
  return result;
}

std::vector<EvaluatedFrame> frames_of(const json& example) {
  std::vector<EvaluatedFrame> frames;
  for (const auto& frame : example["frames"]) frames.push_back(frame_of(frame));
  for (const int train : example["train"]) frames[train].train = true;
  return frames;
}

std::vector<std::array<int, 2>> graph_of(const json& example) {
  return example["graph"].get<std::vector<std::array<int, 2>>>();
}

TEST(LabelErrors, BelongToThePeaksThatDeepLabCutMatches) {
  const auto example = read_example();
  const auto frames = frames_of(example);
  for (std::size_t n = 0; n < frames.size(); ++n) {
    const auto errors = label_errors(frames[n].labels, frames[n].detections);
    const auto keypoints = frames[n].detections.peaks.size();
    for (std::size_t place = 0; place < errors.size(); ++place) {
      const auto animal = place / keypoints, keypoint = place % keypoints;
      const int peak = example["frames"][n]["neighbours"][animal][keypoint];
      if (peak < 0) {
        EXPECT_TRUE(std::isnan(errors[place].distance));
      } else {
        const auto& label = frames[n].labels.animals[animal][keypoint];
        const auto& expected = frames[n].detections.peaks[keypoint][peak];
        EXPECT_EQ(errors[place].predicted.x, expected.x);
        EXPECT_DOUBLE_EQ(errors[place].distance,
                         std::hypot(label.x - expected.x, label.y - expected.y));
      }
    }
  }
}

TEST(Skeletons, AreThoseThatDeepLabCutTries) {
  const auto example = read_example();
  const auto skeletons = candidate_skeletons(frames_of(example), graph_of(example), 4);
  EXPECT_EQ(skeletons.limbs, example["skeletons"].get<std::vector<std::vector<int>>>());
  ASSERT_EQ(skeletons.separability.size(), example["separability"].size());
  for (const auto& limb : example["separability"])
    EXPECT_NEAR(skeletons.separability.at(limb[0]), limb[1].get<double>(), 1e-12);
}

TEST(Skeletons, AreScoredAsDeepLabCutScoresThem) {
  const auto example = read_example();
  AssemblyOptions options;
  options.individuals = 3;
  options.keypoints_of_animals = 5;
  options.graph = graph_of(example);
  options.add_discarded = true;
  const auto choice = choose_skeleton(
      frames_of(example), example["skeletons"].get<std::vector<std::vector<int>>>(), options);
  EXPECT_EQ(choice.best, example["best"].get<std::size_t>());
  ASSERT_EQ(choice.scores.size(), example["scores"].size());
  for (std::size_t n = 0; n < choice.scores.size(); ++n) {
    const auto& found = choice.scores[n];
    const auto& expected = example["scores"][n];
    EXPECT_NEAR(found.miss_mean, expected["miss"][0].get<double>(), 1e-12);
    EXPECT_NEAR(found.miss_deviation, expected["miss"][1].get<double>(), 1e-12);
    EXPECT_NEAR(found.purity_mean, expected["purity"][0].get<double>(), 1e-12);
    EXPECT_NEAR(found.purity_deviation, expected["purity"][1].get<double>(), 1e-12);
    EXPECT_NEAR(found.train.map, expected["train"][0].get<double>(), 1e-12);
    EXPECT_NEAR(found.train.mar, expected["train"][1].get<double>(), 1e-12);
    EXPECT_NEAR(found.test.map, expected["test"][0].get<double>(), 1e-12);
    EXPECT_NEAR(found.test.mar, expected["test"][1].get<double>(), 1e-12);
  }
}

TEST(MatchNearest, ServesTheNearestLabelFirst) {
  const std::vector<Point> labels = {{0, 0}, {2, 0}}, peaks = {{1.5, 0}};
  EXPECT_EQ(match_nearest(labels, peaks), (std::vector<int>{-1, 0}));
}

TEST(MatchNearest, LooksNoFurtherThanThreeCandidates) {
  const std::vector<Point> labels = {{0, 0}, {0, 0}, {0, 0}, {0, 0}};
  const std::vector<Point> peaks = {{1, 0}, {2, 0}, {3, 0}, {4, 0}};
  EXPECT_EQ(match_nearest(labels, peaks), (std::vector<int>{0, 1, 2, -1}));
}

TEST(KeypointSimilarity, IsOneForAPerfectPoseAndNothingForASinglePoint) {
  const AnimalPose labelled = {{0, 0}, {10, 20}, {}};
  const std::vector<AssembledPoint> found = {{0, 0, 1, -1}, {10, 20, 1, -1}, {5, 5, 1, -1}};
  EXPECT_DOUBLE_EQ(keypoint_similarity(found, labelled, {}), 1);
  EXPECT_TRUE(std::isnan(keypoint_similarity(found, {{0, 0}, {}, {}}, {})));
}

}  // namespace
}  // namespace poseheir
