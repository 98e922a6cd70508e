#include <cmath>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "expect_error.h"
#include "poseheir/animal_targets.h"
#include "shared.h"

namespace poseheir {
namespace {

using nlohmann::json;

json read_case(const std::string& name) {
  std::ifstream stream(shared_folder() / "reference/targets" / name / "case.json");
  return json::parse(stream);
}

AnimalTargets draw(const json& about) {
  AnimalTargetOptions options;
  options.stride_pixels = about["stride"];
  options.disc_radius_pixels = about["pos_dist_thresh"];
  options.locref_stdev = about["locref_stdev"];
  options.limb_width_pixels = about["pafwidth"];
  options.limbs = about["partaffinityfield_graph"].get<std::vector<std::array<int, 2>>>();
  std::vector<LabelledAnimal> animals;
  for (const auto& [individual, joints] : about["animals"].items()) {
    animals.push_back({std::stoi(individual), {}});
    for (const auto& joint : joints)
      animals.back().joints.push_back({joint[0], joint[1], joint[2]});
  }
  AnimalTargets targets(1, about["size"][0], about["size"][1], about["num_joints"],
                        about["num_idchannel"], about["num_limbs"]);
  draw_animal_targets(targets, 0, animals, about["scale"], options);
  return targets;
}

double largest_difference(const std::vector<float>& ours, const Array<float>& expected) {
  double largest = ours.size() == expected.values.size() ? 0 : INFINITY;
  for (std::size_t n = 0; largest != INFINITY && n < ours.size(); ++n)
    largest = std::max(largest, std::abs(double(ours[n]) - expected.values[n]));
  return largest;
}

class ReferenceTargets : public testing::TestWithParam<const char*> {};

TEST_P(ReferenceTargets, AreDrawnAsDeepLabCutDrawsThem) {
  NEEDS_SHARED("reference/targets");
  const auto folder = shared_folder() / "reference/targets" / GetParam();
  const auto targets = draw(read_case(GetParam()));
  const auto score = read_npy<std::uint8_t>(folder / "part_score.npy");
  const std::vector<float> expected_score(score.values.begin(), score.values.end());
  EXPECT_EQ(targets.part_score, expected_score);
  EXPECT_LE(largest_difference(targets.locref, read_npy<float>(folder / "locref.npy")), 1e-6);
  EXPECT_LE(largest_difference(targets.paf, read_npy<float>(folder / "paf.npy")), 2e-6);
  for (const auto* mask : {"locref_mask.npy", "paf_mask.npy", "weights.npy"})
    EXPECT_THAT(read_npy<std::uint8_t>(folder / mask).values, testing::Each(1)) << mask;
}

INSTANTIATE_TEST_SUITE_P(Multi, ReferenceTargets,
                         testing::Values("multi_identity", "multi_identity_first_absent",
                                         "multi_identity_middle_absent", "multi_missing",
                                         "multi_no_joint", "multi_overlap", "multi_scale_0.75",
                                         "multi_stride_4", "multi_two_animals",
                                         "multi_vertical_horizontal"));

TEST(AnimalTargets, RefuseAKeypointTheNetworkDoesNotHave) {
  AnimalTargets targets(1, 2, 2, 3, 0, 0);
  const std::vector<LabelledAnimal> animals = {{0, {{3, 1, 1}}}};
  EXPECT_ERROR(draw_animal_targets(targets, 0, animals, 1, {}), ErrorKind::mismatch,
               "a label of keypoint 3, but the network has 3");
}

}  // namespace
}  // namespace poseheir
