#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "poseheir/reference.h"

namespace poseheir {
namespace {

using testing::HasSubstr;

std::vector<TensorInfo> tensors_of(const NetworkSpec& spec, const std::string& scope = "") {
  std::vector<TensorInfo> tensors;
  for (auto variable : variables_of(spec)) {
    variable.info.name = scope + variable.info.name;
    tensors.push_back(std::move(variable.info));
  }
  return tensors;
}

TEST(Recognise, FindsEveryReferenceNetworkByNamesAndShapes) {
  for (const auto& name : reference_networks()) {
    auto expected = reference_spec(name);
    if (name == "resnet_50_output_stride_32") continue;  // its variables are resnet_50's
    const auto found = recognise_network(tensors_of(expected));
    ASSERT_EQ(found.size(), 1U) << name;
    EXPECT_EQ(found[0].obstacle, "");
    const auto same = variables_of(found[0].spec);
    const auto wanted = variables_of(expected);
    ASSERT_EQ(same.size(), wanted.size()) << name;
    for (std::size_t i = 0; i < same.size(); ++i) EXPECT_EQ(same[i].info, wanted[i].info) << name;
    EXPECT_EQ(found[0].spec.stride, expected.stride) << name;
    EXPECT_EQ(found[0].spec.keypoints, expected.keypoints) << name;
  }
}

TEST(Recognise, StripsAScopeAndPassesOverOptimizerSlots) {
  auto tensors = tensors_of(reference_spec("resnet_50_superquadruped"), "model_a/");
  tensors.push_back({"model_a/resnet_v1_50/conv1/weights/Adam", DType::f32, {7, 7, 3, 64}});
  tensors.push_back({"beta1_power", DType::f32, {}});
  const auto found = recognise_network(tensors);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].scope, "model_a/");
  EXPECT_EQ(found[0].description,
            "ResNet-50 with batch norm, 39 keypoints (SuperAnimal-Quadruped's number), location "
            "refinement");
}

TEST(Recognise, FindsImageNetWeightsWithoutAHead) {
  auto tensors = tensors_of(reference_spec("mobilenet_v2_0.5"));
  std::erase_if(tensors, [](const auto& tensor) { return tensor.name.starts_with("pose/"); });
  const auto found = recognise_network(tensors);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].spec.net_type, "mobilenet_v2_0.5");
  EXPECT_EQ(found[0].spec.keypoints, 0);
}

std::vector<TensorInfo> pytorch_resnet(bool batch_norm) {
  const std::string backbone = "backbone.model.";
  std::vector<TensorInfo> tensors = {
      {backbone + "bn1.weight", DType::f32, {64}},
      {backbone + "conv1.weight", DType::f32, {64, 3, 7, 7}},
      {backbone + "layer1.0.bn1.weight", DType::f32, {64}},
      {backbone + "layer3.5.conv3.weight", DType::f32, {1024, 256, 1, 1}},
      {backbone + "layer4.2.conv3.weight", DType::f32, {2048, 512, 1, 1}},
      {"heads.bodypart.heatmap_head.deconv_layers.0.bias", DType::f32, {39}},
      {"heads.bodypart.heatmap_head.deconv_layers.0.weight", DType::f32, {2048, 39, 3, 3}}};
  if (batch_norm) tensors.push_back({backbone + "layer1.0.bn1.running_mean", DType::f32, {64}});
  return tensors;
}

TEST(Recognise, SaysWhyADeepLabCut3ModelCannotServe) {
  const auto group_norm = recognise_network(pytorch_resnet(false));
  ASSERT_EQ(group_norm.size(), 1U);
  EXPECT_EQ(group_norm[0].description,
            "DeepLabCut 3 PyTorch model: ResNet-50 with GroupNorm, 39 keypoints "
            "(SuperAnimal-Quadruped's number)");
  EXPECT_THAT(group_norm[0].obstacle, HasSubstr("GroupNorm"));
  const auto batch_norm = recognise_network(pytorch_resnet(true));
  ASSERT_EQ(batch_norm.size(), 1U);
  EXPECT_THAT(batch_norm[0].obstacle, HasSubstr("strides sit in the first unit"));
}

TEST(Recognise, GuessesASuperAnimalOnlyWhereTheNetworkIsBuiltLikeIt) {
  const auto guess = [](NetworkSpec spec) {
    return likely_superanimal(recognise_network(tensors_of(spec)).at(0).spec);
  };
  auto spec = reference_spec("resnet_50_superquadruped");
  EXPECT_EQ(guess(spec), "superanimal_quadruped");
  spec.multi_stage = true;  // says their pose_cfg.yaml, and it changes nothing at stride 8
  EXPECT_EQ(likely_superanimal(spec), "superanimal_quadruped");
  spec.keypoints = 27;
  EXPECT_EQ(guess(spec), "superanimal_topviewmouse");
  spec.keypoints = 28;
  EXPECT_EQ(guess(spec), "");
  spec = reference_spec("resnet_50_superquadruped");
  spec.location_refinement = false;
  EXPECT_EQ(guess(spec), "");
  for (const char* other :
       {"resnet_101", "mobilenet_v2_1.0", "resnet_50_paf", "resnet_50_dual_fusion"}) {
    spec = reference_spec(other);
    spec.keypoints = 39;
    EXPECT_EQ(guess(spec), "") << other;
  }
}

TEST(Recognise, FindsNothingInOtherModels) {
  EXPECT_TRUE(recognise_network({{"dense/kernel", DType::f32, {2, 2}}}).empty());
  EXPECT_TRUE(recognise_network({}).empty());
}

}  // namespace
}  // namespace poseheir
