#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "expect_error.h"
#include "generated_checkpoint.h"
#include "poseheir/transfer.h"

namespace poseheir {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

NetworkSpec spec_of(const std::string& net_type, int keypoints) {
  NetworkSpec spec;
  spec.net_type = net_type;
  spec.keypoints = keypoints;
  spec.location_refinement = true;
  return spec;
}

// Model A with keypoints a, b, c; model C with the given ones.
struct Small {
  Checkpoint source = generated_checkpoint(spec_of("mobilenet_v2_0.35", 3));
  KeypointNames names;
  TransferOptions options;

  explicit Small(std::vector<std::string> target) {
    names.source = {"a", "b", "c"};
    names.target = std::move(target);
  }
  TransferPlan plan(const Checkpoint* init = nullptr) const {
    return plan_transfer(source,
                         spec_of("mobilenet_v2_0.35", static_cast<int>(names.target.size())), names,
                         options, init);
  }
};

const TransferStep& step_of(const TransferPlan& plan, const std::string& name) {
  for (const auto& step : plan.steps) {
    if (step.target.info.name == name) return step;
  }
  throw std::out_of_range(name);
}

std::vector<float> values_of(const TransferPlan& plan, const Checkpoint& source,
                             const std::string& name, const Checkpoint* init = nullptr) {
  for (const auto& tensor : transferred_tensors(plan, source, init, 1)) {
    if (tensor.info.name == name) return read_floats(tensor);
  }
  throw std::out_of_range(name);
}

TEST(TransferPlan, TakesTheHeadOfKeypointsThatAgreeByName) {
  const Small small({"c", "x", "a"});
  const auto plan = small.plan();
  const auto& step = step_of(plan, "pose/locref_pred/block4/weights");
  EXPECT_EQ(step.action, TransferAction::select_keypoints);
  EXPECT_EQ(step.axis, 2U);
  EXPECT_THAT(step.channels, ElementsAre(ElementsAre(4), ElementsAre(5), ElementsAre(),
                                         ElementsAre(), ElementsAre(0), ElementsAre(1)));
  EXPECT_EQ(step_of(plan, "MobilenetV2/Conv/weights").action, TransferAction::copy);
}

TEST(TransferPlan, CutsChannelsOfWeightsAndBiasesBitForBit) {
  const Small small({"c", "a"});
  const auto plan = small.plan();
  const auto from = read_floats(*small.source.find("pose/locref_pred/block4/biases"));
  EXPECT_EQ(values_of(plan, small.source, "pose/locref_pred/block4/biases"),
            (std::vector<float>{from[4], from[5], from[0], from[1]}));
  const auto kernel = read_floats(*small.source.find("pose/part_pred/block4/weights"));
  const auto cut = values_of(plan, small.source, "pose/part_pred/block4/weights");
  ASSERT_EQ(kernel.size(), 3U * 3 * 3 * 1280);
  ASSERT_EQ(cut.size(), 3U * 3 * 2 * 1280);
  for (std::size_t cell = 0; cell < 9; ++cell) {
    for (std::size_t in = 0; in < 1280; ++in) {
      ASSERT_EQ(cut[(cell * 2 + 0) * 1280 + in], kernel[(cell * 3 + 2) * 1280 + in]);
      ASSERT_EQ(cut[(cell * 2 + 1) * 1280 + in], kernel[(cell * 3 + 0) * 1280 + in]);
    }
  }
}

TEST(TransferPlan, StartsAKeypointWithoutAPartnerAfreshOrFromAMean) {
  Small small({"x", "a"});
  EXPECT_EQ(values_of(small.plan(), small.source, "pose/part_pred/block4/biases")[0], 0.0F);
  small.options.averages["x"] = {"b", "c"};
  const auto from = read_floats(*small.source.find("pose/part_pred/block4/biases"));
  const auto mean = values_of(small.plan(), small.source, "pose/part_pred/block4/biases");
  EXPECT_EQ(mean, (std::vector<float>{(from[1] + from[2]) / 2, from[0]}));
}

TEST(TransferPlan, TakesTheBackboneAloneWhereNoNameAgrees) {
  const auto plan = Small({"x", "y"}).plan();
  EXPECT_EQ(step_of(plan, "MobilenetV2/Conv_1/weights").action, TransferAction::copy);
  EXPECT_EQ(step_of(plan, "pose/part_pred/block4/weights").action, TransferAction::initialize);
  EXPECT_THAT(plan.warnings, Contains(HasSubstr("no keypoint of C has a partner in A")));
}

TEST(TransferPlan, RefusesToInheritAHeadThatMapsNothing) {
  Small small({"x", "y"});
  small.options.layers = Layers::all;
  EXPECT_ERROR(small.plan(), ErrorKind::mismatch,
               "no keypoint of C has a partner in A (A: a, b, c; "
               "C: x, y); give --keypoints");
}

TEST(TransferPlan, CopiesTheCookbooksLayersAndWarnsOfItsMistakes) {
  const auto source = generated_checkpoint(spec_of("resnet_50", 39));
  TransferOptions options;
  options.layers = Layers::base;
  const auto plan = plan_transfer(source, spec_of("resnet_50", 4), {}, options);
  for (const auto& step : plan.steps) {
    const bool excluded = step.target.info.name.find("block4") != std::string::npos;
    EXPECT_EQ(step.action, excluded ? TransferAction::initialize : TransferAction::copy)
        << step.target.info.name;
  }
  EXPECT_THAT(plan.warnings,
              Contains(HasSubstr("'pose/final_pred' is none that DeepLabCut restores")));
  EXPECT_THAT(plan.warnings, Contains(HasSubstr("has no number to continue from")));
  EXPECT_THAT(plan.warnings, Contains(HasSubstr("start from random values")));
}

TEST(TransferPlan, TakesTheCookbooksOwnKeywords) {
  const auto source = generated_checkpoint(spec_of("resnet_50", 39), "model_a/");
  TransferOptions options;
  options.layers = Layers::backbone;
  for (const char* keyword : {"adam", "block4", "global_step:0", "beta1_power:0", "beta2_power:0"})
    options.selectors.push_back({false, keyword});
  const auto plan = plan_transfer(source, spec_of("resnet_50", 4), {}, options);
  EXPECT_EQ(plan.source_scope, "model_a/");
  int copied = 0;
  for (const auto& step : plan.steps) copied += step.action == TransferAction::copy ? 1 : 0;
  EXPECT_EQ(copied, 215);  // 265 variables without the 50 of block4
}

TEST(TransferPlan, LetsTheLastMatchingSelectorWin) {
  Small small({"a"});
  small.options.layers = Layers::backbone;
  small.options.selectors = {{false, "re:^MobilenetV2/"}, {true, "EXPANDED_CONV_3/"}};
  const auto plan = small.plan();
  EXPECT_EQ(step_of(plan, "MobilenetV2/Conv/weights").action, TransferAction::initialize);
  EXPECT_EQ(step_of(plan, "MobilenetV2/expanded_conv_3/expand/weights").action,
            TransferAction::copy);
  EXPECT_EQ(step_of(plan, "MobilenetV2/expanded_conv_3/expand/weights").reason,
            "--include 'EXPANDED_CONV_3/'");
}

TEST(TransferPlan, SaysWhichPatternsMatchNothing) {
  Small small({"a"});
  small.options.selectors = {{false, "blok4"}};
  EXPECT_THAT(small.plan().warnings, Contains(HasSubstr("'blok4' matches no variable")));
  small.options.selectors = {{false, "re:("}};
  EXPECT_ERROR(small.plan(), ErrorKind::usage, "'re:(' is not a regular expression");
}

TEST(TransferPlan, FillsTheRestFromStartWeights) {
  Small small({"x"});
  small.options.layers = Layers::base;
  const auto init = generated_checkpoint(spec_of("mobilenet_v2_0.35", 7));
  const auto plan = small.plan(&init);
  EXPECT_EQ(step_of(plan, "MobilenetV2/Conv_1/weights").action, TransferAction::from_init);
  EXPECT_EQ(step_of(plan, "pose/part_pred/block4/weights").action, TransferAction::initialize);
  EXPECT_EQ(values_of(plan, small.source, "MobilenetV2/Conv_1/BatchNorm/beta", &init),
            read_floats(*init.find("MobilenetV2/Conv_1/BatchNorm/beta")));
  const auto other = generated_checkpoint(spec_of("mobilenet_v2_0.5", 7));
  EXPECT_ERROR(small.plan(&other), ErrorKind::mismatch, "--init wants start weights of the same");
}

TEST(TransferPlan, GivesEveryTensorOfAThatIsNotUsedAReason) {
  Small small({"a"});
  small.source.tensors.push_back({{"pose/part_pred/block4/weights/Adam", DType::f32, {1}}, {}, {}});
  small.source.tensors.push_back({{"zebra", DType::f32, {1}}, {}, {}});
  small.options.layers = Layers::backbone;
  std::map<std::string, std::string> reasons;
  for (const auto& unused : small.plan().unused) reasons[unused.tensor.name] = unused.reason;
  EXPECT_THAT(reasons["pose/part_pred/block4/weights/Adam"], HasSubstr("state of the optimizer"));
  EXPECT_EQ(reasons["zebra"], "not in C's network");
  EXPECT_THAT(reasons["pose/part_pred/block4/weights"], HasSubstr("not taken: --layers backbone"));
  EXPECT_EQ(reasons.size(), 6U);
}

TEST(TransferPlan, MapsLimbsWhereBothEndsMapInTheSameDirection) {
  auto spec = spec_of("mobilenet_v2_0.35", 3);
  spec.multi_animal = spec.paf_predict = true;
  spec.limbs = 2;
  const auto source = generated_checkpoint(spec);
  spec.limbs = 3;
  const KeypointNames names = {
      {"a", "b", "c"}, {"c", "b", "a"}, {{0, 1}, {1, 2}}, {{2, 1}, {0, 1}, {0, 2}}};
  const auto plan = plan_transfer(source, spec, names, {});
  // C's limb a-b is A's first; c-b is A's b-c the other way round; c-a is unknown to A.
  EXPECT_THAT(step_of(plan, "pose/pairwise_pred/block4/biases").channels,
              ElementsAre(ElementsAre(0), ElementsAre(1), ElementsAre(), ElementsAre(),
                          ElementsAre(), ElementsAre()));
}

TEST(TransferPlan, StopsWhereTheNetworksDiffer) {
  const auto source = generated_checkpoint(spec_of("mobilenet_v2_0.35", 3));
  EXPECT_ERROR(plan_transfer(source, spec_of("resnet_50", 4), {}, {}), ErrorKind::mismatch,
               "A is mobilenet_v2_0.35 and C is resnet_50");
  auto fine = spec_of("mobilenet_v2_0.35", 3);
  fine.stride = 4;
  TransferOptions options;
  options.layers = Layers::all;
  EXPECT_ERROR(plan_transfer(source, fine, {{"a", "b", "c"}, {"a", "b", "c"}, {}, {}}, options),
               ErrorKind::mismatch, "--layers backbone would work");
}

TEST(TransferPlan, StopsWhereHeadAndNamesDisagree) {
  Small small({"a"});
  small.names.source.pop_back();
  EXPECT_ERROR(small.plan(), ErrorKind::mismatch,
               "model A has 3 keypoints in its head, but its pose_cfg.yaml names 2");
  small.names.source = {"a", "b", "c", "d"};
  EXPECT_ERROR(small.plan(), ErrorKind::mismatch, "but its pose_cfg.yaml names 4");
  EXPECT_ERROR(
      plan_transfer(small.source, spec_of("mobilenet_v2_0.35", 2), {{}, {"a"}, {}, {}}, {}),
      ErrorKind::mismatch, "model C has 2 keypoints by num_joints");
}

TEST(TransferPlan, NamesTheNearestKeypointForAnUnknownOne) {
  Small small({"tail", "ear"});
  small.options.keypoints = KeypointMap{{"tial", {"a"}}};
  EXPECT_ERROR(small.plan(), ErrorKind::usage,
               "'tial', which model C does not have (nearest known: 'tail')");
  small.options.keypoints = KeypointMap{{"tail", {"z"}}};
  EXPECT_ERROR(small.plan(), ErrorKind::usage, "'z', which model A does not have");
}

TEST(TransferPlan, NeverSwapsSidesSilently) {
  Small small({"leftear", "front_right_paw"});
  small.names.source = {"right_ear", "R_paw", "bright_spot"};
  small.options.keypoints = KeypointMap{{"leftear", {"right_ear"}}};
  EXPECT_ERROR(small.plan(), ErrorKind::usage, "left and right are swapped");
  small.options.allow_side_swap = true;
  EXPECT_NO_THROW(small.plan());
  small.options.allow_side_swap = false;
  small.options.keypoints =
      KeypointMap{{"leftear", {"bright_spot"}}, {"front_right_paw", {"R_paw"}}};
  EXPECT_NO_THROW(small.plan());
}

TEST(TransferPlan, WantsNamesForAKeypointMap) {
  Small small({"x"});
  small.names.source.clear();
  small.options.keypoints = KeypointMap{{"x", {"a"}}};
  EXPECT_ERROR(small.plan(), ErrorKind::usage, "--source-pose-cfg");
}

TEST(TransferPlan, RefusesAPyTorchModelAndSaysWhy) {
  Checkpoint source;
  source.path = "superanimal_quadruped_resnet_50.pt";
  for (const char* name : {"backbone.model.bn1.weight", "backbone.model.conv1.weight",
                           "backbone.model.layer4.2.conv3.weight"})
    source.tensors.push_back({{name, DType::f32, {1}}, {}, {}});
  EXPECT_ERROR(plan_transfer(source, spec_of("resnet_50", 4), {}, {}), ErrorKind::unsupported,
               "superanimal_quadruped_resnet_50.pt: DeepLabCut 3 PyTorch model: ResNet-50 with "
               "GroupNorm: its backbone normalises with GroupNorm");
}

TEST(TransferPlan, RefusesAFileWithoutANetwork) {
  Checkpoint source;
  source.path = "dense.ckpt";
  source.tensors.push_back({{"dense/kernel", DType::f32, {1}}, {}, {}});
  EXPECT_ERROR(plan_transfer(source, spec_of("resnet_50", 4), {}, {}), ErrorKind::mismatch,
               "no network of DeepLabCut's");
  TransferOptions options;
  options.source_scope = "model_b";
  EXPECT_ERROR(plan_transfer(source, spec_of("resnet_50", 4), {}, options), ErrorKind::usage,
               "no tensor of A begins with the scope 'model_b/'");
}

TEST(TransferPlan, RefusesAnIncompleteA) {
  Small small({"a"});
  std::erase_if(small.source.tensors, [](const StoredTensor& tensor) {
    return tensor.info.name.find("expanded_conv_9") != std::string::npos;
  });
  EXPECT_ERROR(small.plan(), ErrorKind::mismatch, "it is not a whole mobilenet_v2_0.35");
}

TEST(TransferPlan, SpeaksJson) {
  const auto json = format_plan_json(Small({"a", "x"}).plan());
  EXPECT_THAT(json, HasSubstr("\"source_network\""));
  EXPECT_THAT(json, HasSubstr("\"action\": \"select\""));
}

}  // namespace
}  // namespace poseheir
