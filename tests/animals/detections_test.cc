#include "poseheir/detections.h"

#include <cmath>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "expect_error.h"
#include "shared.h"

namespace poseheir {
namespace {

using nlohmann::json;

json read_json(const std::filesystem::path& path) {
  std::ifstream stream(path);
  return json::parse(stream);
}

FeatureMap read_map(const std::filesystem::path& path) {
  const auto array = read_npy<float>(path);
  const auto size = [&array](std::size_t axis) { return static_cast<int>(array.shape.at(axis)); };
  return {size(0), size(1), size(2), size(3), array.values};
}

DetectionOptions options_of(const json& about) {
  DetectionOptions options;
  options.keypoints = about["num_joints"];
  options.identity_channels = about["num_idchannel"];
  options.stride_pixels = about["stride"];
  options.locref_stdev = about["locref_stdev"];
  options.nms_radius = about["nmsradius"];
  options.sigma = about["sigma"];
  options.minimal_confidence = about["minconfidence"];
  options.smooth_locref = about["locref_smooth"];
  options.graph = about["partaffinityfield_graph"].get<std::vector<std::array<int, 2>>>();
  if (about.contains("paf_best")) options.limbs = about["paf_best"].get<std::vector<int>>();
  return options;
}

constexpr double kOneUnit = 1.01e-3;  // of the third decimal, to which these values are rounded

void expect_matrix(const json& expected, const std::vector<float>& values, int rows, int columns) {
  ASSERT_EQ(static_cast<int>(expected.size()), rows);
  for (int row = 0; row < rows; ++row) {
    ASSERT_EQ(static_cast<int>(expected[row].size()), columns);
    for (int column = 0; column < columns; ++column)
      EXPECT_NEAR(values[row * columns + column], expected[row][column].get<double>(), kOneUnit);
  }
}

void expect_peaks(const json& expected, const Detections& detections) {
  for (std::size_t joint = 0; joint < detections.peaks.size(); ++joint) {
    const auto& peaks = detections.peaks[joint];
    ASSERT_EQ(expected["coordinates"][joint].size(), peaks.size());
    for (std::size_t n = 0; n < peaks.size(); ++n) {
      EXPECT_NEAR(peaks[n].x, expected["coordinates"][joint][n][0].get<double>(), kOneUnit);
      EXPECT_NEAR(peaks[n].y, expected["coordinates"][joint][n][1].get<double>(), kOneUnit);
      EXPECT_NEAR(peaks[n].confidence, expected["confidence"][joint][n].get<double>(), kOneUnit);
    }
    if (expected.contains("identity"))
      expect_matrix(expected["identity"][joint], detections.identity[joint],
                    static_cast<int>(peaks.size()), detections.identity_channels);
  }
  EXPECT_EQ(expected.contains("identity"), !detections.identity.empty());
}

void expect_costs(const json& expected, const std::vector<LimbCosts>& costs) {
  ASSERT_EQ(expected.size(), costs.size());
  for (const auto& limb : costs) {
    const auto& matrices = expected.at(std::to_string(limb.limb));
    expect_matrix(matrices["m1"], limb.affinity, limb.rows, limb.columns);
    expect_matrix(matrices["distance"], limb.distance, limb.rows, limb.columns);
  }
}

class ReferenceMaps : public testing::TestWithParam<const char*> {};

TEST_P(ReferenceMaps, HoldThePeaksThatTensorFlowFinds) {
  NEEDS_SHARED("reference/decode");
  const auto folder = shared_folder() / "reference/decode" / GetParam();
  auto scores = read_map(folder / "part_pred.npy");
  for (auto& value : scores.values) value = 1 / (1 + std::exp(-value));
  const auto cells = find_peaks(scores, options_of(read_json(folder / "case.json")));
  const auto expected = read_npy<std::int32_t>(folder / "peak_inds.npy");
  ASSERT_EQ(cells.size() * 4, expected.values.size());
  for (std::size_t n = 0; n < cells.size(); ++n) {
    const auto* index = &expected.values[4 * n];
    EXPECT_EQ(cells[n], (PeakCell{index[0], index[1], index[2], index[3]})) << "peak " << n;
  }
}

TEST_P(ReferenceMaps, BecomeTheDetectionsOfDeepLabCut) {
  NEEDS_SHARED("reference/decode");
  const auto folder = shared_folder() / "reference/decode" / GetParam();
  const auto fields = read_map(folder / "pairwise_pred.npy");
  const auto batch = detect(read_map(folder / "part_pred.npy"), read_map(folder / "locref.npy"),
                            &fields, options_of(read_json(folder / "case.json")));
  const auto expected = read_json(folder / "expected.json");
  ASSERT_EQ(batch.size(), expected.size());
  for (std::size_t image = 0; image < batch.size(); ++image) {
    expect_peaks(expected[image], batch[image]);
    expect_costs(expected[image]["costs"], batch[image].costs);
  }
}

INSTANTIATE_TEST_SUITE_P(Multi, ReferenceMaps,
                         testing::Values("multi_default", "multi_even_radius_4", "multi_identity",
                                         "multi_locref_smooth", "multi_minconfidence_0.5",
                                         "multi_nothing", "multi_paf_best", "multi_plateau",
                                         "multi_radius_3_sigma_2"));

TEST(Detections, NameTheMapThatDoesNotFitTheNetwork) {
  DetectionOptions options;
  options.keypoints = 2;
  const FeatureMap part_pred{1, 1, 1, 2, {0, 0}}, locref{1, 1, 1, 3, {0, 0, 0}};
  EXPECT_ERROR(detect(part_pred, locref, nullptr, options), ErrorKind::mismatch,
               "locref has 3 channels, expected 4");
}

TEST(Detections, RefuseALimbThatTheSkeletonLacks) {
  DetectionOptions options;
  options.keypoints = 2;
  options.graph = {{0, 1}};
  options.limbs = {1};
  const FeatureMap fields{1, 1, 1, 2, {0, 0}};
  EXPECT_ERROR(limb_costs(fields, {}, options), ErrorKind::mismatch,
               "paf_best names limb 1, but the skeleton has 1");
}

}  // namespace
}  // namespace poseheir
