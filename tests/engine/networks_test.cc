// Outputs and intermediate values of whole networks against TensorFlow's.
#include <cstring>
#include <filesystem>
#include <gmock/gmock.h>

#include "engine/reference.h"
#include "engine/tested.h"

namespace poseheir {
namespace {

double output_tolerance(const std::string& name) {
  if (name == kImagenetMobilenet) return 1e-4;
  if (name.starts_with("mobilenet") && name.ends_with("dual_fusion")) return 3e-4;
  return name.starts_with("mobilenet") ? 2e-3 : 2e-5;
}

class ReferenceNetwork : public testing::TestWithParam<std::string> {};

TEST_P(ReferenceNetwork, GivesTensorFlowsOutputsAtBothSizes) {
  NEEDS_SHARED("reference/networks");
  const auto name = GetParam();
  const auto network = reference_network(name);
  Predictor predictor(network, reference_parameters(name, network), tested());
  for (const std::string size : {"97x131", "128x160"}) {
    const auto folder = shared_folder() / "reference/networks";
    const auto image = read_npy<std::uint8_t>(folder / "inputs" / (size + ".npy"));
    const auto maps = predictor.run(image_batch(image));
    ASSERT_EQ(maps.size(), network.outputs.size());
    for (const auto& [output, map] : maps) {
      const auto expected = read_npy<float>(folder / name / (size + "." + output + ".npy"));
      EXPECT_THAT(expected.shape,
                  testing::ElementsAre(map.count, map.height, map.width, map.channels));
      EXPECT_LE(difference(map.values, expected.values), output_tolerance(name))
          << size << ' ' << output;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Networks, ReferenceNetwork,
    testing::Values("resnet_50", "resnet_50_one_joint", "resnet_50_superquadruped",
                    "resnet_50_intermediate", "resnet_50_pairwise", "resnet_50_paf",
                    "resnet_50_output_stride_32", "resnet_101", "resnet_101_intermediate",
                    "resnet_152", "mobilenet_v2_0.35", "mobilenet_v2_0.35_intermediate",
                    "mobilenet_v2_0.35_paf", "mobilenet_v2_0.5", "mobilenet_v2_0.75",
                    "mobilenet_v2_1.0", kImagenetMobilenet, "resnet_50_multi_stage_stride4",
                    "resnet_50_multi_stage_stride2", "resnet_101_multi_stage_stride4",
                    "resnet_50_dual_fusion", "resnet_50_dual_fusion_paf",
                    "mobilenet_v2_0.35_dual_fusion", "mobilenet_v2_1.0_dual_fusion",
                    "efficientnet-b0", "efficientnet-b1", "efficientnet-b2", "efficientnet-b3",
                    "efficientnet-b4", "efficientnet-b5", "efficientnet-b6",
                    "efficientnet-b0_dual_fusion", "efficientnet-b3_dual_fusion"),
    [](const auto& info) {
      auto name = info.param;
      std::replace(name.begin(), name.end(), '.', '_');
      std::replace(name.begin(), name.end(), '-', '_');
      return name;
    });

// Mean and deviation of each channel, and the corners of the first channels, where padding errors
// show.
void expect_layer(const FeatureMap& map, const std::filesystem::path& prefix, double tolerance) {
  const auto stats = read_npy<float>(prefix.string() + ".stats.npy");
  const auto corners = read_npy<float>(prefix.string() + ".corners.npy");
  ASSERT_EQ(stats.shape[1], map.channels) << prefix;
  const std::size_t pixels = map.values.size() / map.channels;
  std::vector<float> own(2 * std::size_t(map.channels));
  for (int c = 0; c < map.channels; ++c) {
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < pixels; ++i) sum += double(map.values[i * map.channels + c]);
    const double mean = sum / double(pixels);
    for (std::size_t i = 0; i < pixels; ++i)
      squares += std::pow(double(map.values[i * map.channels + c]) - mean, 2);
    own[c] = float(mean);
    own[map.channels + c] = float(std::sqrt(squares / double(pixels)));
  }
  EXPECT_LE(difference(own, stats.values), tolerance) << prefix;
  std::vector<float> cells;
  for (const int corner : {0, 1})
    for (int y = 0; y < 3; ++y)
      for (int x = 0; x < 3; ++x)
        for (int c = 0; c < std::min(map.channels, 16); ++c) {
          const int row = corner == 0 ? y : map.height - 3 + y;
          const int column = corner == 0 ? x : map.width - 3 + x;
          cells.push_back(map.values[(std::size_t(row) * map.width + column) * map.channels + c]);
        }
  EXPECT_LE(difference(cells, corners.values), tolerance) << prefix;
}

// "block1_unit_3" or "Conv_before_bn" to the layer of that name in the network.
int layer_of(const Network& network, std::string label) {
  const bool resnet = network.spec.net_type.starts_with("resnet");
  if (label == "Conv_before_bn") return network.find_layer("MobilenetV2/Conv/Conv2D");
  if (!resnet) return network.find_layer("MobilenetV2/" + label);
  if (!label.starts_with("block")) return network.find_layer("resnet_v1_50/" + label);
  label[label.find('_')] = '/';
  return network.find_layer("resnet_v1_50/" + label + "/bottleneck_v1");
}

// Early layers of a MobileNet strictly, since each later one amplifies rounding.
double layer_tolerance(const std::string& name, const std::string& label) {
  if (name.starts_with("resnet")) return 2e-5;
  const bool early = label.starts_with("Conv")
                         ? label != "Conv_1"
                         : label == "expanded_conv" || label == "expanded_conv_1" ||
                               label == "expanded_conv_2" || label == "expanded_conv_3";
  return early ? 4e-5 : name == kImagenetMobilenet ? 1e-4 : 2e-3;
}

class IntermediateValues : public testing::TestWithParam<std::string> {};

TEST_P(IntermediateValues, AreTensorFlows) {
  NEEDS_SHARED("reference/networks");
  const auto name = GetParam();
  const auto folder = shared_folder() / "reference/networks" / name / "intermediate";
  auto network = reference_network(name);
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (const auto file = entry.path().filename().string(); file.ends_with(".stats.npy"))
      files.push_back(file.substr(0, file.size() - std::strlen(".stats.npy")));
  ASSERT_GE(files.size(), 20U);
  for (const auto& file : files)
    if (const auto label = file.substr(file.find('.') + 1); file.starts_with("97x131")) {
      ASSERT_GE(layer_of(network, label), 0) << label;
      network.outputs.push_back({label, layer_of(network, label)});
    }
  Predictor predictor(network, reference_parameters(name, network), tested());
  for (const std::string size : {"97x131", "128x160"}) {
    const auto image =
        read_npy<std::uint8_t>(folder.parent_path().parent_path() / "inputs" / (size + ".npy"));
    for (const auto& [label, map] : predictor.run(image_batch(image)))
      if (std::filesystem::exists(folder / (size + "." + label + ".stats.npy")))
        expect_layer(map, folder / (size + "." + label), layer_tolerance(name, label));
  }
}

INSTANTIATE_TEST_SUITE_P(Plain, IntermediateValues,
                         testing::Values("resnet_50", "mobilenet_v2_0.35", kImagenetMobilenet),
                         [](const auto& info) {
                           auto name = info.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

TEST(Predictor, RunsToALayerThatWouldBeFusedOtherwise) {
  NEEDS_SHARED("reference/networks");
  const auto network = reference_network(kImagenetMobilenet);
  Predictor predictor(network, reference_parameters(kImagenetMobilenet, network), tested());
  const auto folder = shared_folder() / "reference/networks";
  const auto image = read_npy<std::uint8_t>(folder / "inputs/97x131.npy");
  const auto map = predictor.run_to_layer(image_batch(image), layer_of(network, "Conv_before_bn"));
  expect_layer(map, folder / kImagenetMobilenet / "intermediate/97x131.Conv_before_bn", 4e-5);
}

}  // namespace
}  // namespace poseheir
