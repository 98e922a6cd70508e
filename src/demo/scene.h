// Where an animal is filmed: ground and backdrop, light, camera, and what stands in between.
#pragma once

#include <cstdint>
#include <vector>

#include "demo/random.h"
#include "demo/vector.h"

namespace poseheir {

// A parallel projection: pixels a trunk length, looking down a little. Pixel space has x to the
// right, y down and z away from the camera, all in pixels.
struct Camera {
  float scale = 80, yaw = 0, pitch = 0.2F;
  float x = 0, y = 0;  // pixel of the world's origin on the ground

  Vec3 direction_in_pixels(Vec3 in_world) const;
  Vec3 point_in_pixels(Vec3 in_world) const;
};

struct Light {
  Vec3 towards;  // unit, in pixel space
  Vec3 sun{1, 1, 1}, sky{0.4F, 0.45F, 0.5F};
  float shadow = 0.6F;  // how much of the light a shadow on the ground takes
};

enum class Ground { meadow, sand, snow, forest, floor, rocks };

struct Scene {
  int height = 0, width = 0;
  Camera camera;
  Light light;
  std::vector<Vec3> backdrop;    // a pixel each: everything behind the animal
  std::vector<Vec3> foreground;  // colour of grass and posts in front of it,
  std::vector<float> cover;      // and how much they cover (0 to 1)
};

// Grounds of model A's world are the first four; model C's world has all six.
Scene make_scene(int height, int width, const Camera& camera, Ground ground, Dice& random);

}  // namespace poseheir
