// An articulated four-legged animal: proportions, coat, gait, and its body at a moment.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "demo/random.h"
#include "demo/vector.h"

namespace poseheir {

// Lengths in units of the trunk (hip to shoulder), angles in radians above the horizontal.
struct Build {
  float front_leg = 0.9F, hind_leg = 0.95F;  // joint to ground when standing
  float hip_radius = 0.17F, waist_radius = 0.15F, chest_radius = 0.19F, chest_depth = 0.1F;
  float neck = 0.45F, neck_radius = 0.11F, neck_angle = 0.8F;
  float head = 0.38F, skull_radius = 0.11F, muzzle_radius = 0.055F, head_angle = -0.35F;
  float ear = 0.16F, ear_width = 0.05F, ear_angle = 1.3F;
  float tail = 0.6F, tail_radius = 0.035F, tail_angle = -0.5F, tail_curl = 0.3F;
  float tail_bush = 1.0F;  // radius at two thirds of the tail over radius at its base
  float leg_radius = 0.055F, width = 0.1F, arch = 0.03F;
  bool hooves = false;
};

enum class CoatPattern { plain, stripes, spots, patches };

struct Coat {
  Vec3 base{0.5F, 0.4F, 0.3F}, marks{0.1F, 0.1F, 0.1F}, belly{0.8F, 0.75F, 0.7F};
  Vec3 feet{0.3F, 0.2F, 0.15F}, muzzle{0.2F, 0.15F, 0.1F};
  float belly_amount = 0.6F, feet_amount = 0.5F, muzzle_amount = 0.5F, tail_rings = 0;
  CoatPattern pattern = CoatPattern::plain;
  float pattern_size = 0.1F, roughness = 0.5F;
  std::uint32_t seed = 0;
};

enum class Behaviour { walk, trot, stand, graze };

struct Motion {
  Behaviour behaviour = Behaviour::walk;
  float steps_per_second = 1.2F, stride = 0.6F, lift = 0.12F, start_phase = 0;
  float head_turn = 0, head_nod = 0.06F, tail_sway = 0.3F;
};

struct Animal {
  Build build;
  Coat coat;
  Motion motion;
};

// Kinds of model A's world are 0 to kPretrainingKinds - 1; the one of model C's world comes after.
constexpr int kPretrainingKinds = 6;
constexpr int kTargetKind = kPretrainingKinds;
Animal make_animal(int kind, Dice& random);

enum class Tissue { coat, leg, foot, muzzle, ear, tail, dark };

// A rounded cone: the parts bodies are made of.
struct Limb {
  Vec3 a, b;
  float radius_a = 0, radius_b = 0;
  Tissue tissue = Tissue::coat;
  float along = 0;     // of the coat's pattern, at a
  float progress = 0;  // of the tail from base (0) to end (1), or of a leg from top to foot, at a
};

enum Landmark {
  kNose,
  kLeftEye,
  kRightEye,
  kLeftEarEnd,
  kRightEarEnd,
  kWithers,
  kTailBase,
  kTailEnd,
  kBrisket,
  kFrontLeftKnee,
  kFrontLeftPaw,
  kFrontRightKnee,
  kFrontRightPaw,
  kBackLeftKnee,
  kBackLeftPaw,
  kBackRightKnee,
  kBackRightPaw,
  kLandmarks
};

// x forward, y up from the ground, z to the animal's right.
struct Body {
  std::vector<Limb> limbs;
  std::array<Vec3, kLandmarks> landmarks;
};

Body body_at(const Animal& animal, float seconds);

// Trunk lengths a second, so that standing feet do not slip.
float walking_speed(const Motion& motion);

}  // namespace poseheir
