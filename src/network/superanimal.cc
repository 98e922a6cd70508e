// The keypoints of the SuperAnimal models that have TensorFlow weights, in channel order.
#include "poseheir/network.h"

namespace poseheir {

std::vector<std::string> superanimal_keypoints(int count) {
  if (count == 39)
    return {"nose",
            "upper_jaw",
            "lower_jaw",
            "mouth_end_right",
            "mouth_end_left",
            "right_eye",
            "right_earbase",
            "right_earend",
            "right_antler_base",
            "right_antler_end",
            "left_eye",
            "left_earbase",
            "left_earend",
            "left_antler_base",
            "left_antler_end",
            "neck_base",
            "neck_end",
            "throat_base",
            "throat_end",
            "back_base",
            "back_end",
            "back_middle",
            "tail_base",
            "tail_end",
            "front_left_thai",
            "front_left_knee",
            "front_left_paw",
            "front_right_thai",
            "front_right_knee",
            "front_right_paw",
            "back_left_paw",
            "back_left_thai",
            "back_right_thai",
            "back_left_knee",
            "back_right_knee",
            "back_right_paw",
            "belly_bottom",
            "body_middle_right",
            "body_middle_left"};
  if (count == 27)
    return {"nose",         "left_ear",     "right_ear",      "left_ear_tip",  "right_ear_tip",
            "left_eye",     "right_eye",    "neck",           "mid_back",      "mouse_center",
            "mid_backend",  "mid_backend2", "mid_backend3",   "tail_base",     "tail1",
            "tail2",        "tail3",        "tail4",          "tail5",         "left_shoulder",
            "left_midside", "left_hip",     "right_shoulder", "right_midside", "right_hip",
            "tail_end",     "head_midpoint"};
  return {};
}

std::string superanimal_name(int count) {
  if (count == 39) return "superanimal_quadruped";
  if (count == 27) return "superanimal_topviewmouse";
  return "";
}

std::string likely_superanimal(const NetworkSpec& spec) {
  NetworkSpec built;  // ResNet-50 at stride 8, as DeepLabCut built them, multi_stage or not
  built.keypoints = spec.keypoints;
  built.location_refinement = true;
  // What shapes do not tell, or what changes nothing in this network.
  built.limbs = spec.limbs;
  built.multi_animal = spec.multi_animal;
  built.multi_stage = spec.multi_stage;
  built.intermediate_layer = spec.intermediate_layer;
  built.bank3 = spec.bank3;
  built.bank5 = spec.bank5;
  built.mean_pixel = spec.mean_pixel;
  return spec == built ? superanimal_name(spec.keypoints) : "";
}

}  // namespace poseheir
