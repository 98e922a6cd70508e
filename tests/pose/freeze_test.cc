#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pose/training_plan.h"

namespace poseheir {
namespace {

// A ResNet-50 as --freeze trains it, one small picture at a time.
struct Frozen {
  explicit Frozen(Freeze freeze)
      : config(parse_pose_config("net_type: resnet_50\nnum_joints: 1\nall_joints: [[0]]\n"
                                 "all_joints_names: [a]\nlocation_refinement: true\n")),
        network(build_network(config.network)),
        trainer(network, initial_parameters(network, 1), {}, {.threads = 1}) {
    TrainOptions options;
    options.freeze = freeze;
    trained = plan_training(network, config, options, 0).trained;
    trainer.set_trained(trained);
  }

  void pass() {
    const std::vector<std::uint8_t> pixels(kSide * kSide * 3, 100);
    auto gradients = trainer.forward({1, kSide, kSide, pixels});
    for (auto& [name, map] : gradients) std::fill(map.values.begin(), map.values.end(), 1e-3F);
    trainer.backward(gradients);
  }

  static constexpr int kSide = 64;
  PoseConfig config;
  Network network;
  Trainer trainer;
  std::vector<bool> trained;
};

TEST(Freeze, ComputesNoGradientInOrBelowTheFrozenPart) {
  Frozen frozen(Freeze::base);
  frozen.pass();
  for (std::size_t i = 0; i < frozen.network.variables.size(); ++i) {
    const auto& variable = frozen.network.variables[i];
    const bool trains = variable.trainable && variable.part != NetworkPart::base;
    EXPECT_EQ(!frozen.trainer.gradient(static_cast<int>(i)).empty(), trains) << variable.info.name;
  }
  int backward = 0;
  for (const auto& line : frozen.trainer.implementations()) {
    if (line.find("backward") == std::string::npos) continue;
    ++backward;
    EXPECT_TRUE(line.find("block4") != std::string::npos || line.starts_with("pose")) << line;
  }
  EXPECT_GT(backward, 0);
}

TEST(Freeze, NeedsNoMemoryForABackwardPassBelow) {
  constexpr int kPictures = 8, kLarge = 256;
  // Maps and packed weights, of which frozen ones last and trained ones do not; and the gradients.
  const auto bytes = [](Freeze freeze) {
    Frozen frozen(freeze);
    auto sum = double(frozen.trainer.bytes_for(kPictures, kLarge, kLarge));
    for (std::size_t i = 0; i < frozen.trained.size(); ++i)
      if (frozen.trained[i])
        sum += 4 * double(element_count(frozen.network.variables[i].info.shape));
    return sum;
  };
  const double all = bytes(Freeze::none), above = bytes(Freeze::base),
               heads = bytes(Freeze::backbone);
  EXPECT_LT(above, 0.75 * all);
  EXPECT_LT(heads, above);
}

}  // namespace
}  // namespace poseheir
