// Checkpoints of another network than the settings ask for, and what people are told.
#include <gmock/gmock.h>

#include "expect_error.h"
#include "generated_checkpoint.h"

namespace poseheir {
namespace {

NetworkSpec spec_of(const std::string& net_type, int keypoints) {
  NetworkSpec spec;
  spec.net_type = net_type;
  spec.keypoints = keypoints;
  spec.location_refinement = true;
  return spec;
}

const auto kSmall = spec_of("mobilenet_v2_0.35", 4);

void check(const NetworkSpec& wanted, const Checkpoint& checkpoint,
           Needs needs = Needs::everything) {
  check_fits(build_network(wanted), checkpoint, needs, "train/pose_cfg.yaml");
}

TEST(CheckFits, AcceptsTheNetworkItselfWithAnythingBeside) {
  auto checkpoint = generated_checkpoint(kSmall);
  checkpoint.tensors.push_back(make_tensor({"z/Adam", DType::f32, {1}}, {0}));
  EXPECT_NO_THROW(check(kSmall, checkpoint));
  EXPECT_NO_THROW(check(spec_of("mobilenet_v2_0.35", 9), checkpoint, Needs::backbone));
}

TEST(CheckFits, SaysWhichNetworkAFileReallyHolds) {
  const auto checkpoint = generated_checkpoint(kSmall);
  EXPECT_ERROR(check(spec_of("resnet_50", 4), checkpoint), ErrorKind::mismatch,
               "a/snapshot-1000: does not fit resnet_50 with 4 keypoints: no tensor "
               "'resnet_v1_50/block1/unit_1/bottleneck_v1/conv1/BatchNorm/beta'");
  EXPECT_ERROR(check(spec_of("resnet_50", 4), checkpoint), ErrorKind::mismatch,
               "The file holds MobileNetV2 0.35, 4 keypoints, location refinement; to use the file "
               "as it is, train/pose_cfg.yaml must say net_type: mobilenet_v2_0.35; or choose a "
               "snapshot of this model");
}

TEST(CheckFits, UsesTensorFlowsWordsForAnAbsentVariable) {
  const auto checkpoint = generated_checkpoint(kSmall);
  auto spec = kSmall;
  spec.intermediate_supervision = true;
  EXPECT_ERROR(check(spec, checkpoint), ErrorKind::mismatch,
               "(TensorFlow: 'Key pose/intermediate_supervision/block4/biases not found in "
               "checkpoint') (2 of 266 variables do not fit). The file holds MobileNetV2 0.35, 4 "
               "keypoints, location refinement; to use the file as it is, train/pose_cfg.yaml must "
               "say intermediate_supervision: false;");
}

TEST(CheckFits, UsesTensorFlowsWordsForAnotherShapeAndNamesTheWaysOn) {
  const auto checkpoint = generated_checkpoint(kSmall);
  EXPECT_ERROR(check(spec_of("mobilenet_v2_0.35", 7), checkpoint), ErrorKind::mismatch,
               "'pose/locref_pred/block4/biases' has the shape [8], but the network needs [14] "
               "(TensorFlow: 'lhs shape= [14] rhs shape= [8]') (4 of 264 variables do not fit). "
               "The file holds MobileNetV2 0.35, 4 keypoints, location refinement; to use the file "
               "as it is, train/pose_cfg.yaml must say num_joints: 4; to start a training of 7 "
               "keypoints from it, use 'poseheir transfer' (which can pick and map keypoints), or "
               "take only its backbone (--fresh-heads); or choose a snapshot of this model");
}

TEST(CheckFits, CallsAFileIncompleteWhereTheNetworkIsRight) {
  auto checkpoint = generated_checkpoint(kSmall);
  std::erase_if(checkpoint.tensors, [](const auto& tensor) {
    return tensor.info.name == "MobilenetV2/Conv/BatchNorm/beta";
  });
  EXPECT_ERROR(check(kSmall, checkpoint), ErrorKind::mismatch,
               "(1 of 264 variables do not fit). The file holds MobileNetV2 0.35, 4 keypoints, "
               "location refinement; the network is the right one, so the file is incomplete");
}

TEST(CheckFits, KnowsPrefixedNamesAndImageNetWeights) {
  EXPECT_ERROR(check(kSmall, generated_checkpoint(kSmall, "model_a/")), ErrorKind::mismatch,
               "its names begin with 'model_a/': 'poseheir transfer' takes such a model");
  auto imagenet = generated_checkpoint(kSmall);
  std::erase_if(imagenet.tensors,
                [](const auto& tensor) { return tensor.info.name.starts_with("pose/"); });
  EXPECT_ERROR(check(kSmall, imagenet), ErrorKind::mismatch, "it has no head of DeepLabCut's");
}

TEST(CheckFits, AsksForStartWeightsOfTheSameBackbone) {
  EXPECT_ERROR(check(spec_of("resnet_50", 4), generated_checkpoint(kSmall), Needs::backbone),
               ErrorKind::mismatch,
               "does not fit the backbone of resnet_50: no tensor "
               "'resnet_v1_50/block1/unit_1/bottleneck_v1/conv1/BatchNorm/beta'");
  EXPECT_ERROR(check(spec_of("resnet_50", 4), generated_checkpoint(kSmall), Needs::backbone),
               ErrorKind::mismatch,
               "name start weights of resnet_50 (--init FILE), or begin afresh (--init random)");
}

TEST(CheckFits, SaysThatAFileHoldsNothingKnown) {
  Checkpoint checkpoint;
  checkpoint.path = "other.safetensors";
  checkpoint.tensors = {make_tensor({"dense/kernel", DType::f32, {1}}, {0})};
  EXPECT_ERROR(check(kSmall, checkpoint), ErrorKind::mismatch,
               "The file holds no network that Poseheir knows; name a snapshot");
}

}  // namespace
}  // namespace poseheir
