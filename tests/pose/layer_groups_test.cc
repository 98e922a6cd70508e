#include "pose/layer_groups.h"

#include <gmock/gmock.h>

#include "expect_error.h"
#include "pose/training_plan.h"

namespace poseheir {
namespace {

struct Planned {
  PoseConfig config = parse_pose_config(
      "net_type: resnet_50\nnum_joints: 1\nall_joints: [[0]]\nall_joints_names: [a]\n"
      "location_refinement: true\nmulti_step: [[0.005, 10000], [0.02, 430000]]\n");
  Network network = build_network(config.network);
  TrainOptions options;

  TrainingPlan plan(std::int64_t first = 0) const {
    return plan_training(network, config, options, first);
  }
  std::size_t index(const std::string& name) const {
    return static_cast<std::size_t>(network.find_variable(name));
  }
};

constexpr auto kConv1 = "resnet_v1_50/conv1/weights";
constexpr auto kBlock4 = "resnet_v1_50/block4/unit_1/bottleneck_v1/conv1/weights";
constexpr auto kHead = "pose/part_pred/block4/weights";

TEST(LayerGroups, AreNamedByPartsWordsAndExpressions) {
  const Planned planned;
  const auto names = [&](const std::string& group, const char* variable) -> bool {
    return variables_named(planned.network, group)[planned.index(variable)];
  };
  EXPECT_TRUE(names("base", kConv1));
  EXPECT_FALSE(names("base", kBlock4));
  EXPECT_TRUE(names("backbone", kBlock4));
  EXPECT_FALSE(names("backbone", kHead));
  EXPECT_TRUE(names("heads", kHead));
  EXPECT_FALSE(names("heads", kBlock4));
  EXPECT_TRUE(names("CONV1/", kConv1));
  EXPECT_TRUE(names("re:^resnet.*/block4/", kBlock4));
  EXPECT_FALSE(names("re:^resnet.*/block4/", kHead));
}

TEST(LayerGroups, ThatNameNothingAreRefused) {
  const Planned planned;
  EXPECT_ERROR(variables_named(planned.network, "bakcbone"), ErrorKind::usage,
               "no variable of resnet_50 is named by 'bakcbone' (nearest known: 'backbone')");
  EXPECT_ERROR(variables_named(planned.network, "re:["), ErrorKind::usage,
               "'re:[' is not a regular expression");
  EXPECT_ERROR(variables_named(planned.network, ""), ErrorKind::usage, "is named by ''");
}

TEST(LayerGroups, AreFrozenBesideTheWellKnownParts) {
  Planned planned;
  planned.options.freeze = Freeze::base;
  planned.options.frozen = {"part_pred"};
  const auto trained = planned.plan().trained;
  EXPECT_FALSE(trained[planned.index(kConv1)]);
  EXPECT_FALSE(trained[planned.index(kHead)]);
  EXPECT_TRUE(trained[planned.index(kBlock4)]);
  EXPECT_TRUE(trained[planned.index("pose/locref_pred/block4/weights")]);
  planned.options.frozen = {"backbone", "heads"};
  EXPECT_ERROR(planned.plan(), ErrorKind::usage, "leaves nothing to train");
}

TEST(LayerGroups, HaveRatesOfTheirOwnTheLastOneCounting) {
  Planned planned;
  EXPECT_TRUE(planned.plan().factors_at(0).empty());
  planned.options.layer_rates = {{"backbone", 0.5}, {"base", 0.1}};
  const auto factors = planned.plan().factors_at(0);
  EXPECT_EQ(factors[planned.index(kConv1)], 0.1F);
  EXPECT_EQ(factors[planned.index(kBlock4)], 0.5F);
  EXPECT_EQ(factors[planned.index(kHead)], 1.0F);
  planned.options.layer_rates = {{"base", -1}};
  EXPECT_ERROR(planned.plan(), ErrorKind::usage, "--rate base=-1: expected a factor from 0");
}

TEST(LayerGroups, WaitWhileNewHeadsWarmUp) {
  Planned planned;
  planned.options.heads_first = 20;
  planned.options.layer_rates = {{"heads", 2}};
  const auto plan = planned.plan(100);
  EXPECT_EQ(plan.factors_at(119)[planned.index(kBlock4)], 0.0F);
  EXPECT_EQ(plan.factors_at(119)[planned.index(kHead)], 2.0F);
  EXPECT_EQ(plan.factors_at(120)[planned.index(kBlock4)], 1.0F);
  EXPECT_EQ(plan.factors_at(120)[planned.index(kHead)], 2.0F);
}

// deeplabcut/pose_estimation_tensorflow/core/train.py where TensorFlow is no build with CUDA.
TEST(Optimizer, OfDeepLabCutWithoutCudaIsAdamWithAScheduleOfItsOwn) {
  Planned planned;
  planned.options.recipe = Recipe::dlc;
  EXPECT_EQ(planned.plan().optimizer.kind, OptimizerKind::sgd_momentum);
  EXPECT_EQ(planned.plan().last_iteration, 430000);
  planned.options.optimizer = OptimizerChoice::without_cuda;
  const auto plan = planned.plan();
  EXPECT_EQ(plan.optimizer.kind, OptimizerKind::adam);
  EXPECT_EQ(plan.last_iteration, 200000);
  EXPECT_EQ(plan.rate(7500), 1e-4);
  EXPECT_EQ(plan.rate(7501), 5e-5);
  EXPECT_EQ(plan.rate(12001), 1e-5);
  planned.options.optimizer = OptimizerChoice::adam;
  EXPECT_EQ(planned.plan().optimizer.kind, OptimizerKind::adam);
  EXPECT_EQ(planned.plan().rate(0), 0.005);
}

}  // namespace
}  // namespace poseheir
