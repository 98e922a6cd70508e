#include "pose/targets.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "expect_error.h"
#include "shared.h"

namespace poseheir {
namespace {

nlohmann::json read_json(const std::filesystem::path& path) {
  std::ifstream stream(path);
  return nlohmann::json::parse(stream);
}

std::vector<InputJoint> joints_of(const nlohmann::json& json) {
  std::vector<InputJoint> joints;
  for (const auto& joint : json)
    joints.push_back({joint[0].get<int>(), joint[1].get<double>(), joint[2].get<double>()});
  return joints;
}

// The mask and the disc are 0 and 1, the bell is float32.
std::vector<float> score_map(const std::filesystem::path& path, bool gaussian) {
  if (gaussian) return read_npy<float>(path).values;
  const auto bytes = read_npy<std::uint8_t>(path).values;
  return {bytes.begin(), bytes.end()};
}

void expect_near(const std::vector<float>& ours, const std::vector<float>& expected,
                 float tolerance) {
  ASSERT_EQ(ours.size(), expected.size());
  for (std::size_t i = 0; i < ours.size(); ++i)
    ASSERT_NEAR(ours[i], expected[i], tolerance) << "element " << i;
}

void expect_case(const std::filesystem::path& folder) {
  SCOPED_TRACE(folder.filename().string());
  const auto json = read_json(folder / "case.json");
  TargetOptions options;
  options.stride_pixels = json["stride"];
  options.disc_radius_pixels = json["pos_dist_thresh"];
  options.locref_stdev = json["locref_stdev"];
  options.gaussian = json.value("scmap_type", "") == "gaussian";
  options.only_present_joints = json["weigh_only_present_joints"];
  Targets targets(1, json["size"][0], json["size"][1], json["num_joints"]);
  draw_targets(targets, 0, joints_of(json["joints"]), json["scale"], options);
  expect_near(targets.part_score, score_map(folder / "part_score.npy", options.gaussian),
              options.gaussian ? 1e-7F : 0.0F);
  expect_near(targets.locref, read_npy<float>(folder / "locref.npy").values, 1e-6F);
  expect_near(targets.locref_mask, score_map(folder / "locref_mask.npy", false), 0);
  if (targets.part_weights.empty()) targets.part_weights.assign(targets.part_score.size(), 1.0F);
  expect_near(targets.part_weights, score_map(folder / "weights.npy", false), 0);
}

TEST(Targets, EqualDeepLabCutsInEverySingleAnimalCase) {
  NEEDS_SHARED("reference/targets");
  int cases = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(shared_folder() / "reference/targets")) {
    if (!entry.path().filename().string().starts_with("single_")) continue;
    expect_case(entry.path());
    ++cases;
  }
  EXPECT_EQ(cases, 19);
}

TEST(Targets, DrawOnlyIntoTheirOwnImageOfABatch) {
  NEEDS_SHARED("reference/training/batch");
  const auto folder = shared_folder() / "reference/training/batch";
  const auto labels = read_json(folder / "labels.json");
  Targets targets(2, 10, 12, 4);
  for (int image = 0; image < 2; ++image)
    draw_targets(targets, image, joints_of(labels["joints"][image]), 1.0,
                 {.only_present_joints = true});
  expect_near(targets.part_score, read_npy<float>(folder / "part_score_targets.npy").values, 0);
  expect_near(targets.part_weights, read_npy<float>(folder / "part_score_weights.npy").values, 0);
  expect_near(targets.locref, read_npy<float>(folder / "locref_targets.npy").values, 1e-6F);
  expect_near(targets.locref_mask, read_npy<float>(folder / "locref_mask.npy").values, 0);
}

TEST(Targets, CoverAnImageWithAnEvenNumberOfCells) {
  EXPECT_EQ(target_map_size(97, 131, 8).height, 14);
  EXPECT_EQ(target_map_size(97, 131, 8).width, 18);
  EXPECT_EQ(target_map_size(96, 128, 8).height, 12);
}

TEST(Targets, RefuseAKeypointThatTheNetworkLacks) {
  Targets targets(1, 4, 4, 2);
  const std::vector<InputJoint> joints = {{2, 8, 8}};
  EXPECT_ERROR(draw_targets(targets, 0, joints, 1, {}), ErrorKind::mismatch,
               "keypoint 2, but the network has 2");
}

}  // namespace
}  // namespace poseheir
