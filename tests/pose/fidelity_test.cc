// The measurement that `poseheir system --fidelity` prints, on the shipped reference values.
#include "poseheir/fidelity.h"

#include <algorithm>
#include <gmock/gmock.h>

#include "expect_error.h"
#include "poseheir/reference.h"
#include "shared.h"

namespace poseheir {
namespace {

using testing::Field;

Checkpoint shipped() {
  return read_checkpoint(std::filesystem::path(POSEHEIR_TEST_DATA).parent_path().parent_path() /
                         "share/fidelity/reference.safetensors");
}

TEST(Fidelity, KnowsEveryReferenceNetworkAndTheRealMobileNet) {
  auto expected = reference_networks();
  expected.emplace_back("mobilenet_v2_0.35_imagenet");
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(fidelity_networks(shipped()), expected);
}

TEST(Fidelity, MeasuresOutputsLossesAndGradients) {
  const auto reference = shipped();
  for (const char* name : {"mobilenet_v2_0.35_paf", "resnet_50_one_joint", "efficientnet-b0"}) {
    const auto result = measure_fidelity(reference, name, {});
    EXPECT_TRUE(result.passed()) << name << ' ' << result.obstacle;
    EXPECT_THAT(result.deviations,
                testing::ElementsAre(Field(&Deviation::quantity, "outputs"),
                                     Field(&Deviation::quantity, "losses"),
                                     Field(&Deviation::quantity, "gradient norms"),
                                     Field(&Deviation::quantity, "gradient elements")));
    for (const auto& deviation : result.deviations) {
      EXPECT_GT(deviation.largest, 0) << name << ' ' << deviation.quantity;
      EXPECT_LE(deviation.largest, deviation.tolerance) << name << ' ' << deviation.where;
      EXPECT_NE(deviation.where, "");
    }
  }
}

// Replaces the first value of one tensor.
Checkpoint tampered(const std::string& name, float value) {
  auto reference = shipped();
  for (auto& tensor : reference.tensors)
    if (tensor.info.name == name) {
      auto values = read_floats(tensor);
      values.at(0) = value;
      tensor = make_tensor(tensor.info, values);
    }
  return reference;
}

TEST(Fidelity, FindsAWrongOutputAWrongLossAndAWrongGradient) {
  const std::string net = "mobilenet_v2_0.35";
  const auto worst = [&](const std::string& tensor, std::size_t quantity) {
    const auto result = measure_fidelity(tampered(net + tensor, 1e3F), net, {});
    EXPECT_FALSE(result.passed()) << tensor;
    EXPECT_FALSE(result.deviations.at(quantity).passed());
    return result.deviations.at(quantity).where;
  };
  EXPECT_EQ(worst("/output/97x131/locref/every1", 0), "locref of 97x131");
  EXPECT_EQ(worst("/loss/locref_loss", 1), "locref_loss");
  EXPECT_EQ(worst("/gradient/norm", 2), "MobilenetV2/Conv/BatchNorm/beta");
  EXPECT_EQ(worst("/gradient/value", 3), "MobilenetV2/Conv/BatchNorm/beta");
}

TEST(Fidelity, LeavesTheRealMobileNetOutWithoutItsWeightsAndHoldsItStrictlyWithThem) {
  const std::string name = "mobilenet_v2_0.35_imagenet";
  const auto without = measure_fidelity(shipped(), name, {});
  EXPECT_FALSE(without.passed());
  EXPECT_THAT(without.obstacle, testing::HasSubstr("--weights"));
  NEEDS_SHARED("data/weights/mobilenet_v2_0.35_224");
  const auto backbone = read_checkpoint(
      shared_folder() / "data/weights/mobilenet_v2_0.35_224/mobilenet_v2_0.35_imagenet.ckpt");
  const auto result = measure_fidelity(shipped(), name, {}, &backbone);
  EXPECT_TRUE(result.passed());
  ASSERT_EQ(result.deviations.size(), 4U);
  EXPECT_EQ(result.deviations[2].tolerance, 1e-2);
}

TEST(Fidelity, RefusesAnUnknownNetworkNamingTheNearest) {
  EXPECT_ERROR(measure_fidelity(shipped(), "resnet_51", {}), ErrorKind::usage,
               "no network 'resnet_51' (nearest known: 'resnet_5");
}

}  // namespace
}  // namespace poseheir
