#include "poseheir/network.h"

#include <gtest/gtest.h>

#include "expect_error.h"

namespace poseheir {
namespace {

NetworkSpec four_keypoints(const std::string& net_type) {
  NetworkSpec spec;
  spec.net_type = net_type;
  spec.keypoints = 4;
  spec.location_refinement = true;
  return spec;
}

MapSize size_of(const Network& network, const std::string& layer, MapSize image) {
  const int index = network.find_layer(layer);
  if (index < 0) throw std::out_of_range(layer);
  return map_sizes(network, image)[static_cast<std::size_t>(index)];
}

TEST(Network, HasTheMapSizesOfTheResNet) {
  const auto network = build_network(four_keypoints("resnet_50"));
  const MapSize odd{97, 131};
  EXPECT_EQ(size_of(network, "resnet_v1_50/conv1", odd), (MapSize{49, 66}));
  EXPECT_EQ(size_of(network, "resnet_v1_50/pool1", odd), (MapSize{25, 33}));
  EXPECT_EQ(size_of(network, "resnet_v1_50/block1/unit_2/bottleneck_v1", odd), (MapSize{25, 33}));
  EXPECT_EQ(size_of(network, "resnet_v1_50/block1/unit_3/bottleneck_v1", odd), (MapSize{13, 17}));
  EXPECT_EQ(size_of(network, "resnet_v1_50/block2/unit_3/bottleneck_v1", odd), (MapSize{13, 17}));
  EXPECT_EQ(size_of(network, "resnet_v1_50/block2/unit_4/bottleneck_v1", odd), (MapSize{7, 9}));
  EXPECT_EQ(size_of(network, "resnet_v1_50/block4/unit_3/bottleneck_v1", odd), (MapSize{7, 9}));
  EXPECT_EQ(size_of(network, "pose/part_pred/block4", odd), (MapSize{14, 18}));
}

TEST(Network, StridesInTheLastUnitWithSymmetricPaddingAndDilatesOnlyBlockFour) {
  const auto network = build_network(four_keypoints("resnet_50"));
  for (const auto& layer : network.layers) {
    if (layer.kind != LayerKind::convolution || layer.kernel != 3) continue;
    const bool strided = layer.name == "resnet_v1_50/block1/unit_3/bottleneck_v1/conv2/Conv2D" ||
                         layer.name == "resnet_v1_50/block2/unit_4/bottleneck_v1/conv2/Conv2D";
    EXPECT_EQ(layer.stride, strided ? 2 : 1) << layer.name;
    EXPECT_EQ(layer.padding, strided ? Padding::symmetric : Padding::same) << layer.name;
    EXPECT_EQ(layer.dilation, layer.name.starts_with("resnet_v1_50/block4/") ? 2 : 1) << layer.name;
  }
  const int shortcut = network.find_layer("resnet_v1_50/block2/unit_4/bottleneck_v1/shortcut");
  ASSERT_GE(shortcut, 0);
  EXPECT_EQ(network.layers[static_cast<std::size_t>(shortcut)].kind, LayerKind::subsample);
}

TEST(Network, NormalisesMobileNetWithTheBatchAndResNetWithStoredStatistics) {
  for (const auto& [net_type, batch, epsilon] :
       {std::tuple("mobilenet_v2_0.35", true, 0.001F), std::tuple("resnet_50", false, 1e-5F),
        std::tuple("efficientnet-b0", false, 0.001F)}) {
    for (const auto& layer : build_network(four_keypoints(net_type)).layers) {
      if (layer.kind != LayerKind::batch_norm) continue;
      EXPECT_EQ(layer.batch_statistics, batch) << layer.name;
      EXPECT_EQ(layer.epsilon, epsilon) << layer.name;
    }
  }
}

TEST(Network, KeepsMobileNetAtOneSixteenth) {
  const auto network = build_network(four_keypoints("mobilenet_v2_0.35"));
  EXPECT_EQ(size_of(network, "MobilenetV2/expanded_conv_13", {97, 131}), (MapSize{7, 9}));
  EXPECT_EQ(size_of(network, "pose/locref_pred/block4", {97, 131}), (MapSize{14, 18}));
}

TEST(Network, DoublesTheMapOfAMultiScaleNetwork) {
  auto spec = four_keypoints("resnet_50");
  spec.stride = 4;
  EXPECT_EQ(size_of(build_network(spec), "pose/part_pred/block4", {97, 131}), (MapSize{28, 36}));
  spec.multi_stage = spec.multi_animal = spec.paf_predict = true;
  spec.limbs = 3;
  EXPECT_EQ(size_of(build_network(spec), "pose/part_pred/Conv", {97, 131}), (MapSize{28, 36}));
  spec.stride = 2;
  EXPECT_EQ(size_of(build_network(spec), "pose/part_pred/Conv", {97, 131}), (MapSize{56, 72}));
}

TEST(Network, ListsLayersInAnOrderInWhichTheyCanBeComputed) {
  auto spec = four_keypoints("efficientnet-b0");
  spec.stride = 4;
  const auto network = build_network(spec);
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    for (const int input : network.layers[i].inputs) EXPECT_LT(input, static_cast<int>(i));
  }
}

TEST(Network, CallsTheCookbooksChoiceOfLayersItsBase) {
  for (const auto& variable : variables_of(four_keypoints("resnet_50"))) {
    const bool excluded = variable.info.name.find("block4") != std::string::npos;
    EXPECT_EQ(variable.part == NetworkPart::base, !excluded) << variable.info.name;
  }
}

TEST(Network, NamesTheNearestNetworkForAnUnknownOne) {
  EXPECT_ERROR(build_network(four_keypoints("resnet50")), ErrorKind::usage,
               "unknown net_type 'resnet50' (nearest known: 'resnet_50')");
}

TEST(Network, SaysWhichIntermediateLayersThereAre) {
  auto spec = four_keypoints("resnet_50");
  spec.intermediate_supervision = true;
  EXPECT_ERROR(build_network(spec), ErrorKind::usage, "set it to a number from 1 to 6");
}

TEST(Network, RefusesAMultiStageNetworkWithoutLimbs) {
  auto spec = four_keypoints("resnet_50");
  spec.multi_stage = true;
  spec.stride = 4;
  EXPECT_ERROR(build_network(spec), ErrorKind::unsupported, "DeepLabCut cannot build it");
}

}  // namespace
}  // namespace poseheir
