// The kinds of animals: six of model A's world, one of model C's that resembles none of them.
#include "demo/animal.h"

namespace poseheir {
namespace {

Vec3 shade(Dice& random, Vec3 colour, float spread) {
  const float light = random.about(1.0F, spread);
  return {std::clamp(random.about(colour.x, spread * 0.4F) * light, 0.01F, 0.95F),
          std::clamp(random.about(colour.y, spread * 0.4F) * light, 0.01F, 0.95F),
          std::clamp(random.about(colour.z, spread * 0.4F) * light, 0.01F, 0.95F)};
}

Animal dog(Dice& random) {
  static constexpr Vec3 kColours[] = {{0.55F, 0.38F, 0.2F},
                                      {0.12F, 0.1F, 0.09F},
                                      {0.75F, 0.66F, 0.5F},
                                      {0.35F, 0.2F, 0.1F},
                                      {0.8F, 0.78F, 0.75F}};
  Animal animal;
  animal.build = {.front_leg = 0.82F,
                  .hind_leg = 0.86F,
                  .hip_radius = 0.185F,
                  .waist_radius = 0.165F,
                  .chest_radius = 0.2F,
                  .chest_depth = 0.12F,
                  .tail = 0.6F,
                  .tail_radius = 0.045F,
                  .tail_angle = 0.3F,
                  .tail_curl = 0.5F};
  animal.build.ear_angle = random.chance(0.5F) ? 1.3F : -0.6F;
  animal.coat.base = kColours[random.below(5)];
  animal.coat.marks = kColours[random.below(5)];
  animal.coat.belly = mix(animal.coat.base, {0.9F, 0.88F, 0.82F}, 0.5F);
  animal.coat.pattern = random.chance(0.5F) ? CoatPattern::patches : CoatPattern::plain;
  animal.coat.pattern_size = 0.35F;
  return animal;
}

Animal fox(Dice&) {
  Animal animal;
  animal.build = {.front_leg = 0.72F,
                  .hind_leg = 0.78F,
                  .hip_radius = 0.14F,
                  .waist_radius = 0.125F,
                  .chest_radius = 0.155F,
                  .head = 0.4F,
                  .muzzle_radius = 0.035F,
                  .ear = 0.22F,
                  .ear_width = 0.07F,
                  .tail = 0.95F,
                  .tail_radius = 0.05F,
                  .tail_angle = -0.5F,
                  .tail_curl = 0.35F,
                  .tail_bush = 2.1F,
                  .leg_radius = 0.04F};
  animal.coat.base = {0.66F, 0.3F, 0.08F};
  animal.coat.belly = {0.88F, 0.85F, 0.8F};
  animal.coat.feet = {0.08F, 0.06F, 0.05F};
  animal.coat.feet_amount = 0.9F;
  animal.coat.belly_amount = 0.9F;
  return animal;
}

Animal horse(Dice& random) {
  static constexpr Vec3 kColours[] = {
      {0.36F, 0.18F, 0.08F}, {0.1F, 0.08F, 0.07F}, {0.7F, 0.68F, 0.66F}, {0.6F, 0.45F, 0.25F}};
  Animal animal;
  animal.build = {.front_leg = 1.12F,
                  .hind_leg = 1.14F,
                  .hip_radius = 0.245F,
                  .waist_radius = 0.225F,
                  .chest_radius = 0.245F,
                  .chest_depth = 0.1F,
                  .neck = 0.72F,
                  .neck_radius = 0.165F,
                  .neck_angle = 0.95F,
                  .head = 0.5F,
                  .skull_radius = 0.115F,
                  .muzzle_radius = 0.075F,
                  .head_angle = -0.75F,
                  .ear = 0.14F,
                  .ear_width = 0.035F,
                  .ear_angle = 1.45F,
                  .tail = 0.8F,
                  .tail_radius = 0.06F,
                  .tail_angle = -1.0F,
                  .tail_curl = -0.1F,
                  .tail_bush = 1.3F,
                  .leg_radius = 0.06F,
                  .width = 0.12F,
                  .arch = -0.02F,
                  .hooves = true};
  animal.coat.base = kColours[random.below(4)];
  animal.coat.belly = animal.coat.base;
  animal.coat.pattern = random.chance(0.35F) ? CoatPattern::patches : CoatPattern::plain;
  animal.coat.marks = {0.85F, 0.83F, 0.8F};
  animal.coat.pattern_size = 0.5F;
  animal.coat.roughness = 0.25F;
  return animal;
}

Animal deer(Dice& random) {
  Animal animal;
  animal.build = {.front_leg = 1.12F,
                  .hind_leg = 1.2F,
                  .hip_radius = 0.19F,
                  .waist_radius = 0.17F,
                  .chest_radius = 0.2F,
                  .chest_depth = 0.11F,
                  .neck = 0.62F,
                  .neck_radius = 0.095F,
                  .neck_angle = 1.05F,
                  .head = 0.4F,
                  .skull_radius = 0.09F,
                  .muzzle_radius = 0.045F,
                  .head_angle = -0.45F,
                  .ear = 0.24F,
                  .ear_width = 0.06F,
                  .ear_angle = 0.6F,
                  .tail = 0.2F,
                  .tail_radius = 0.045F,
                  .tail_angle = -0.3F,
                  .leg_radius = 0.038F,
                  .width = 0.09F,
                  .hooves = true};
  animal.coat.base = {0.5F, 0.3F, 0.15F};
  animal.coat.belly = {0.85F, 0.8F, 0.72F};
  animal.coat.marks = {0.9F, 0.86F, 0.78F};
  animal.coat.pattern = random.chance(0.6F) ? CoatPattern::spots : CoatPattern::plain;
  animal.coat.pattern_size = 0.13F;
  return animal;
}

Animal cow(Dice& random) {
  Animal animal;
  animal.build = {.front_leg = 0.8F,
                  .hind_leg = 0.84F,
                  .hip_radius = 0.24F,
                  .waist_radius = 0.26F,
                  .chest_radius = 0.25F,
                  .chest_depth = 0.12F,
                  .neck = 0.42F,
                  .neck_radius = 0.16F,
                  .neck_angle = 0.35F,
                  .head = 0.46F,
                  .skull_radius = 0.135F,
                  .muzzle_radius = 0.095F,
                  .head_angle = -0.6F,
                  .ear = 0.2F,
                  .ear_width = 0.06F,
                  .ear_angle = 0.1F,
                  .tail = 0.75F,
                  .tail_radius = 0.03F,
                  .tail_angle = -1.3F,
                  .tail_curl = -0.05F,
                  .tail_bush = 0.9F,
                  .leg_radius = 0.065F,
                  .width = 0.15F,
                  .arch = -0.01F,
                  .hooves = true};
  animal.coat.base = random.chance(0.5F) ? Vec3{0.85F, 0.83F, 0.8F} : Vec3{0.42F, 0.24F, 0.12F};
  animal.coat.belly = animal.coat.base;
  animal.coat.marks = {0.07F, 0.06F, 0.06F};
  animal.coat.pattern = random.chance(0.75F) ? CoatPattern::patches : CoatPattern::plain;
  animal.coat.pattern_size = 0.42F;
  animal.coat.roughness = 0.25F;
  return animal;
}

Animal cat(Dice& random) {
  Animal animal;
  animal.build = {.front_leg = 0.64F,
                  .hind_leg = 0.68F,
                  .hip_radius = 0.15F,
                  .waist_radius = 0.14F,
                  .chest_radius = 0.15F,
                  .neck = 0.3F,
                  .neck_angle = 0.6F,
                  .head = 0.27F,
                  .skull_radius = 0.125F,
                  .muzzle_radius = 0.05F,
                  .head_angle = -0.25F,
                  .ear = 0.17F,
                  .ear_width = 0.07F,
                  .tail = 0.85F,
                  .tail_radius = 0.035F,
                  .tail_angle = 0.7F,
                  .tail_curl = 0.35F,
                  .leg_radius = 0.05F};
  animal.coat.base = random.chance(0.5F) ? Vec3{0.45F, 0.4F, 0.35F} : Vec3{0.7F, 0.45F, 0.2F};
  animal.coat.marks = animal.coat.base * 0.3F;
  animal.coat.belly = mix(animal.coat.base, {0.9F, 0.88F, 0.84F}, 0.6F);
  animal.coat.pattern = random.chance(0.7F) ? CoatPattern::stripes : CoatPattern::plain;
  animal.coat.pattern_size = 0.12F;
  animal.coat.tail_rings = 0.8F;
  return animal;
}

// Like a genet: long, low, pale, spotted, with a long ringed tail.
Animal genet(Dice& random) {
  Animal animal;
  animal.build = {.front_leg = 0.5F,
                  .hind_leg = 0.56F,
                  .hip_radius = 0.135F,
                  .waist_radius = 0.12F,
                  .chest_radius = 0.13F,
                  .chest_depth = 0.07F,
                  .neck = 0.34F,
                  .neck_radius = 0.085F,
                  .neck_angle = 0.45F,
                  .head = 0.34F,
                  .skull_radius = 0.095F,
                  .muzzle_radius = 0.036F,
                  .head_angle = -0.15F,
                  .ear = 0.15F,
                  .ear_width = 0.065F,
                  .ear_angle = 1.1F,
                  .tail = 1.15F,
                  .tail_radius = 0.05F,
                  .tail_angle = -0.2F,
                  .tail_curl = 0.12F,
                  .tail_bush = 1.15F,
                  .leg_radius = 0.042F,
                  .width = 0.085F,
                  .arch = 0.06F};
  animal.coat.base = {0.66F, 0.6F, 0.5F};
  animal.coat.marks = {0.1F, 0.08F, 0.06F};
  animal.coat.belly = {0.8F, 0.77F, 0.7F};
  animal.coat.feet = {0.35F, 0.3F, 0.25F};
  animal.coat.muzzle = {0.16F, 0.13F, 0.11F};
  animal.coat.pattern = CoatPattern::spots;
  animal.coat.pattern_size = random.about(0.1F, 0.15F);
  animal.coat.tail_rings = 1.0F;
  return animal;
}

void vary_build(Build& build, Dice& random) {
  for (float* part : {&build.front_leg, &build.hip_radius, &build.waist_radius, &build.chest_radius,
                      &build.chest_depth, &build.neck, &build.head, &build.ear, &build.tail,
                      &build.tail_radius, &build.leg_radius, &build.muzzle_radius})
    *part = random.about(*part, 0.14F);
  build.hind_leg = build.front_leg * random.about(build.hind_leg / build.front_leg, 0.03F);
  build.neck_angle += random.uniform(-0.2F, 0.2F);
  build.head_angle += random.uniform(-0.2F, 0.2F);
  build.tail_angle += random.uniform(-0.3F, 0.3F);
  build.tail_curl += random.uniform(-0.15F, 0.15F);
}

Motion make_motion(const Build& build, Dice& random) {
  Motion motion;
  const float kind = random.uniform(0, 1);
  motion.behaviour = kind < 0.45F   ? Behaviour::walk
                     : kind < 0.75F ? Behaviour::trot
                     : kind < 0.87F ? Behaviour::graze
                                    : Behaviour::stand;
  const bool trots = motion.behaviour == Behaviour::trot;
  motion.stride = build.front_leg * random.about(trots ? 0.85F : 0.62F, 0.2F);
  motion.steps_per_second = random.about(trots ? 1.5F : 0.85F, 0.2F);
  if (motion.behaviour == Behaviour::graze) {
    motion.stride *= 0.6F;
    motion.steps_per_second *= 0.6F;
  }
  motion.lift = build.front_leg * random.about(0.13F, 0.3F);
  motion.start_phase = random.uniform(0, 1);
  motion.head_turn = random.uniform(0.1F, 0.6F);
  motion.head_nod = random.uniform(0.03F, 0.08F);
  motion.tail_sway = random.uniform(0.2F, 0.7F);
  return motion;
}

}  // namespace

Animal make_animal(int kind, Dice& random) {
  using Maker = Animal (*)(Dice&);
  static constexpr Maker kMakers[kPretrainingKinds + 1] = {dog, fox, horse, deer, cow, cat, genet};
  Animal animal = kMakers[kind](random);
  vary_build(animal.build, random);
  Coat& coat = animal.coat;
  const float spread = kind == kTargetKind ? 0.18F : 0.3F;
  for (Vec3* colour : {&coat.base, &coat.marks, &coat.belly, &coat.feet, &coat.muzzle})
    *colour = shade(random, *colour, spread);
  coat.seed = static_cast<std::uint32_t>(random.below(1 << 20));
  animal.motion = make_motion(animal.build, random);
  return animal;
}

}  // namespace poseheir
