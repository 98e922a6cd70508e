#include <algorithm>
#include <fmt/format.h>

#include "base/text.h"
#include "poseheir/error.h"
#include "poseheir/reference.h"

namespace poseheir {

std::vector<std::string> reference_networks() {
  return {"efficientnet-b0",
          "efficientnet-b0_dual_fusion",
          "efficientnet-b1",
          "efficientnet-b2",
          "efficientnet-b3",
          "efficientnet-b3_dual_fusion",
          "efficientnet-b4",
          "efficientnet-b5",
          "efficientnet-b6",
          "mobilenet_v2_0.35",
          "mobilenet_v2_0.35_dual_fusion",
          "mobilenet_v2_0.35_intermediate",
          "mobilenet_v2_0.35_paf",
          "mobilenet_v2_0.5",
          "mobilenet_v2_0.75",
          "mobilenet_v2_1.0",
          "mobilenet_v2_1.0_dual_fusion",
          "resnet_101",
          "resnet_101_intermediate",
          "resnet_101_multi_stage_stride4",
          "resnet_152",
          "resnet_50",
          "resnet_50_dual_fusion",
          "resnet_50_dual_fusion_paf",
          "resnet_50_intermediate",
          "resnet_50_multi_stage_stride2",
          "resnet_50_multi_stage_stride4",
          "resnet_50_one_joint",
          "resnet_50_output_stride_32",
          "resnet_50_paf",
          "resnet_50_pairwise",
          "resnet_50_superquadruped"};
}

NetworkSpec reference_spec(const std::string& name) {
  const auto known = reference_networks();
  if (std::find(known.begin(), known.end(), name) == known.end())
    throw Error(ErrorKind::usage, fmt::format("no reference network '{}'{}", printable(name),
                                              nearest_hint(name, known)));
  const auto has = [&](const char* part) { return name.find(part) != std::string::npos; };
  NetworkSpec spec;
  for (const std::string type :
       {"resnet_50", "resnet_101", "resnet_152", "mobilenet_v2_0.35", "mobilenet_v2_0.5",
        "mobilenet_v2_0.75", "mobilenet_v2_1.0", "efficientnet-b0", "efficientnet-b1",
        "efficientnet-b2", "efficientnet-b3", "efficientnet-b4", "efficientnet-b5",
        "efficientnet-b6"}) {
    if (name == type || name.starts_with(type + "_")) spec.net_type = type;
  }
  spec.keypoints = has("one_joint") ? 1 : has("superquadruped") ? 39 : 4;
  spec.location_refinement = true;
  spec.multi_animal = has("paf") || has("multi_stage");
  spec.limbs = spec.multi_animal ? 3 : 0;
  spec.paf_predict = spec.multi_animal;
  spec.pairwise_predict = spec.multi_animal || has("pairwise");
  spec.multi_stage = has("multi_stage") || name == "resnet_50_paf";
  spec.identity_channels =
      name == "resnet_50_paf" || name == "resnet_50_multi_stage_stride4" ? 2 : 0;
  if (has("dual_fusion") || has("stride4")) spec.stride = 4;
  if (has("stride2")) spec.stride = 2;
  if (has("output_stride_32")) {
    spec.stride = 16;
    spec.backbone_stride = 32;
  }
  spec.intermediate_supervision = has("intermediate");
  if (name == "resnet_50_intermediate") spec.intermediate_layer = 5;
  return spec;
}

}  // namespace poseheir
