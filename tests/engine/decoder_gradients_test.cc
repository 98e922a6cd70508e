// Losses and gradients of the multi-scale networks against DeepLabCut's own
// (tests/oracle/decoder_gradients.py made the values).
#include <fstream>
#include <gmock/gmock.h>
#include <map>
#include <sstream>

#include "engine/reference.h"
#include "engine/tested.h"
#include "pose/losses.h"

namespace poseheir {
namespace {

struct Expected {
  double norm = 0, largest = 0;
  std::vector<std::pair<std::size_t, double>> elements;
};

struct Reference {
  std::vector<double> losses;  // part, locref, pairwise (0: none)
  std::map<std::string, Expected> gradients;
};

Reference read_reference(const std::string& name) {
  std::ifstream file(std::filesystem::path(POSEHEIR_TEST_DATA) / "decoders" / (name + ".csv"));
  Reference reference;
  for (std::string line; std::getline(file, line);) {
    std::stringstream stream(line);
    std::vector<std::string> cells;
    for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
    if (cells[0] == "loss") {
      for (std::size_t i = 1; i < cells.size(); ++i)
        reference.losses.push_back(std::stod(cells[i]));
      continue;
    }
    auto& row = reference.gradients[cells[0]];
    row.norm = std::stod(cells[1]);
    row.largest = std::stod(cells[2]);
    for (std::size_t i = 3; i + 1 < cells.size(); i += 2)
      row.elements.emplace_back(std::stoul(cells[i]), std::stod(cells[i + 1]));
  }
  return reference;
}

template <class Rule>
std::vector<float> filled(const FeatureMap& like, Rule rule) {
  std::vector<float> values(like.values.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(rule(i));
  return values;
}

// TensorFlow with and without oneDNN differs from itself by 1.4 % of a norm and 3.2 % of a largest
// element in the MobileNet (a ReLU6 that turns out differently under 52 batch norms).
struct Tolerances {
  double norm, element;
};
constexpr Tolerances kResnet = {2e-3, 5e-3}, kMobilenet = {3e-2, 6e-2};

class DecoderGradients : public testing::TestWithParam<std::string> {
 protected:
  bool mobilenet() const { return GetParam().starts_with("mobilenet"); }
  Network network() const {
    return build_network(
        reference_spec(mobilenet() ? "mobilenet_v2_0.35_dual_fusion" : GetParam()));
  }
  Parameters parameters(const Network& network) const {
    if (!mobilenet()) return reference_parameters(GetParam(), network);
    return reference_parameters(kImagenetMobilenet, network);
  }
};

TEST_P(DecoderGradients, AreDeepLabCuts) {
  NEEDS_SHARED("reference/training");
  const auto reference = read_reference(GetParam());
  ASSERT_EQ(reference.losses.size(), 3U);
  const auto net = network();
  Trainer trainer(net, parameters(net), {}, tested());
  const auto inputs =
      read_npy<std::uint8_t>(shared_folder() / "reference/training/batch/inputs.npy");
  const auto& maps = trainer.forward(image_batch(inputs));
  const auto& part = maps.at("part_pred");
  Targets targets(part.count, part.height, part.width, 4);
  targets.part_score = filled(part, [](std::size_t i) { return i % 7 == 0; });
  targets.locref =
      filled(maps.at("locref"), [](std::size_t i) { return double(i % 13) / 4 - 1.5; });
  targets.locref_mask = filled(maps.at("locref"), [](std::size_t i) { return i % 5 == 0; });
  targets.identities = part.channels - 4;
  PairwiseTargets pairwise;
  if (const auto head = maps.find("pairwise_pred"); head != maps.end()) {
    pairwise.values = filled(head->second, [](std::size_t i) { return double(i % 11) / 5 - 1; });
    pairwise.mask = filled(head->second, [](std::size_t) { return 1; });
  }
  FeatureMaps gradients;
  const auto losses = compute_losses(maps, targets, &pairwise, {.locref_weight = 0.05}, gradients);
  EXPECT_NEAR(losses.part, reference.losses[0], 1e-5 * reference.losses[0]);
  EXPECT_NEAR(losses.locref.value_or(0), reference.losses[1], 1e-5 * reference.losses[1]);
  EXPECT_NEAR(losses.pairwise.value_or(0), reference.losses[2], 1e-5 * reference.losses[2]);
  trainer.backward(gradients);
  const auto tolerance = mobilenet() ? kMobilenet : kResnet;
  std::size_t compared = 0;
  for (std::size_t v = 0; v < net.variables.size(); ++v) {
    const auto& name = net.variables[v].info.name;
    if (!net.variables[v].trainable) continue;
    // The next layer's batch statistics remove any constant: rounding noise.
    if (mobilenet() && name.ends_with("project/BatchNorm/beta")) continue;
    const auto gradient = trainer.gradient(static_cast<int>(v));
    const auto& expected = reference.gradients.at(name);
    double squares = 0;
    for (const float g : gradient) squares += double(g) * double(g);
    EXPECT_NEAR(std::sqrt(squares), expected.norm, tolerance.norm * expected.norm) << name;
    for (const auto& [index, value] : expected.elements)
      EXPECT_NEAR(gradient.at(index), value, tolerance.element * expected.largest)
          << name << ' ' << index;
    ++compared;
  }
  EXPECT_GT(compared, 140U);
}

INSTANTIATE_TEST_SUITE_P(Networks, DecoderGradients,
                         testing::Values("resnet_50_multi_stage_stride4",
                                         "resnet_50_multi_stage_stride2",
                                         "resnet_50_dual_fusion_paf",
                                         "mobilenet_v2_0.35_imagenet_dual_fusion"),
                         [](const auto& info) {
                           auto name = info.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

}  // namespace
}  // namespace poseheir
