#include "poseheir/assembly.h"

#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "animals/assignment.h"
#include "animals/visiting_order.h"
#include "expect_error.h"

namespace poseheir {
namespace {

using nlohmann::json;

double number(const json& value) { return value.is_null() ? kMissing : value.get<double>(); }

std::vector<float> floats(const json& rows) {
  std::vector<float> values;
  for (const auto& row : rows)
    for (const auto& value : row) values.push_back(value.get<float>());
  return values;
}

Detections detections_of(const json& frame, int identity_channels) {
  Detections detections;
  for (const auto& joint : frame["peaks"]) {
    detections.peaks.emplace_back();
    for (const auto& peak : joint)
      detections.peaks.back().push_back({peak[0], peak[1], peak[2].get<float>()});
  }
  for (const auto& m1 : frame["m1"]) {
    LimbCosts costs;
    costs.limb = static_cast<int>(detections.costs.size());
    costs.rows = static_cast<int>(m1.size());
    costs.columns = m1.empty() ? 0 : static_cast<int>(m1[0].size());
    costs.affinity = floats(m1);
    costs.distance.assign(costs.affinity.size(), 1.0F);
    detections.costs.push_back(costs);
  }
  for (const auto& joint : frame["identity"]) detections.identity.push_back(floats(joint));
  detections.identity_channels = identity_channels;
  return detections;
}

AssemblyOptions options_of(const json& example) {
  AssemblyOptions options;
  options.keypoints_of_animals = example["joints"];
  options.graph = example["graph"].get<std::vector<std::array<int, 2>>>();
  const auto& given = example["options"];
  options.individuals = given["max_n_individuals"];
  options.minimal_links = given["min_n_links"];
  options.minimal_affinity = given.value("min_affinity", 0.05);
  options.greedy = given.value("greedy", false);
  options.identity_only = given.value("identity_only", false);
  options.add_discarded = given.value("add_discarded", false);
  return options;
}

std::optional<Calibration> calibration_of(const json& example) {
  std::vector<AnimalPose> poses;
  for (const auto& pose : example["labelled"]) {
    poses.emplace_back();
    for (const auto& point : pose) poses.back().push_back({number(point[0]), number(point[1])});
  }
  return calibrate(poses);
}

bool same(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || std::abs(a - b) <= 1e-6 * std::max(1.0, std::abs(b));
}

bool same(const AssembledPoint& point, const json& row) {
  return same(point.x, number(row[0])) && same(point.y, number(row[1])) &&
         same(point.likelihood, number(row[2])) && same(point.identity, number(row[3]));
}

testing::AssertionResult same_animals(const std::vector<Animal>& animals, const json& expected) {
  if (animals.size() != expected.size())
    return testing::AssertionFailure() << animals.size() << " animals, not " << expected.size();
  for (std::size_t n = 0; n < animals.size(); ++n) {
    const auto& [points, affinity, links] = animals[n];
    for (std::size_t label = 0; label < points.size(); ++label)
      if (!same(points[label], expected[n][0][label]))
        return testing::AssertionFailure()
               << "animal " << n << ", keypoint " << label << ": " << points[label].x << ", not "
               << expected[n][0][label].dump();
    if (!same(affinity, expected[n][1]) || links != expected[n][2].get<int>())
      return testing::AssertionFailure()
             << "animal " << n << ": affinity " << affinity << " of " << links << " links, not "
             << expected[n][1] << " of " << expected[n][2];
  }
  return testing::AssertionSuccess();
}

testing::AssertionResult same_unique(const std::optional<std::vector<PredictedPoint>>& points,
                                     const json& expected) {
  if (points.has_value() == expected.is_null())
    return testing::AssertionFailure() << "unique parts found by one only";
  for (std::size_t n = 0; points && n < points->size(); ++n)
    if (!same((*points)[n].x, number(expected[n][0])) ||
        !same((*points)[n].likelihood, number(expected[n][2])))
      return testing::AssertionFailure() << "unique part " << n;
  return testing::AssertionSuccess();
}

// data/animals/make_assembly.py had DeepLabCut's own Assembler make these.
TEST(Assembly, MakesTheAnimalsThatDeepLabCutMakes) {
  std::ifstream stream(POSEHEIR_TEST_DATA "/animals/assembly.json");
  const auto examples = json::parse(stream);
  ASSERT_GE(examples.size(), 14U);
  for (const auto& example : examples) {
    const auto calibration = calibration_of(example);
    ASSERT_EQ(calibration.has_value(), !example["labelled"].empty());
    int n = 0;
    for (const auto& frame : example["frames"]) {
      const auto found = assemble(detections_of(frame, example["identity_channels"]),
                                  options_of(example), calibration ? &*calibration : nullptr);
      EXPECT_TRUE(same_animals(found.animals, frame["animals"])) << example["name"] << " " << n;
      EXPECT_TRUE(same_unique(found.unique, frame["unique"])) << example["name"] << " " << n;
      ++n;
    }
  }
}

TEST(Assembly, FindsNothingInAFrameWithoutPeaks) {
  Detections detections;
  detections.peaks.resize(3);
  AssemblyOptions options;
  options.keypoints_of_animals = 2;
  const auto found = assemble(detections, options);
  EXPECT_TRUE(found.animals.empty());
  EXPECT_FALSE(found.unique.has_value());
}

TEST(Assembly, RefusesAnimalsOfMoreKeypointsThanThereAre) {
  Detections detections;
  detections.peaks.resize(3);
  AssemblyOptions options;
  options.keypoints_of_animals = 4;
  EXPECT_ERROR(assemble(detections, options), ErrorKind::mismatch,
               "animals of 4 keypoints, but the detections hold 3");
}

TEST(Calibration, NeedsMorePosesThanDistances) {
  const std::vector<AnimalPose> poses = {{{0, 0}, {3, 4}, {1, 1}}, {{0, 1}, {3, 5}, {2, 1}}};
  EXPECT_FALSE(calibrate(poses).has_value());
}

// What CPython 3.10 prints for list(set) after these insertions.
TEST(VisitingOrder, IsThatOfAPythonSet) {
  EXPECT_EQ(visiting_order({17, 1, 9}), (std::vector<int>{17, 1, 9}));
  EXPECT_EQ(visiting_order({40, 3, 11, 19, 27, 5}), (std::vector<int>{3, 5, 40, 11, 19, 27}));
  EXPECT_EQ(visiting_order({8, 16, 24, 32, 40}), (std::vector<int>{32, 8, 40, 16, 24}));
}

TEST(Assignment, FindsTheBestPairsOfAWideMatrix) {
  Matrix cost(2, 3);
  cost.values = {4, 1, 3, 2, 0, 5};
  EXPECT_EQ(assign(cost, Sense::minimise), (std::vector<Pairing>{{0, 1}, {1, 0}}));
  EXPECT_EQ(assign(cost, Sense::maximise), (std::vector<Pairing>{{0, 0}, {1, 2}}));
}

TEST(Assignment, FindsTheBestPairsOfATallMatrix) {
  Matrix cost(3, 2);
  cost.values = {4, 2, 1, 0, 3, 5};
  EXPECT_EQ(assign(cost, Sense::minimise), (std::vector<Pairing>{{0, 1}, {1, 0}}));
}

// SciPy 1.15's linear_sum_assignment of the same matrices.
TEST(Assignment, BreaksTiesAsSciPyDoes) {
  EXPECT_EQ(assign(Matrix(2, 3), Sense::minimise), (std::vector<Pairing>{{0, 0}, {1, 1}}));
  Matrix cost(3, 3);
  cost.values = {1, 1, 0, 1, 0, 1, 1, 0, 1};
  EXPECT_EQ(assign(cost, Sense::minimise), (std::vector<Pairing>{{0, 2}, {1, 1}, {2, 0}}));
}

TEST(Assignment, OfNothingIsNothing) {
  EXPECT_TRUE(assign(Matrix(0, 3), Sense::minimise).empty());
  EXPECT_TRUE(assign(Matrix(3, 0), Sense::maximise).empty());
}

}  // namespace
}  // namespace poseheir
