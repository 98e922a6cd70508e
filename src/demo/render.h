// Draws a body into a scene: rays against its limbs, fur, light and shadow.
#pragma once

#include "demo/animal.h"
#include "demo/scene.h"
#include "poseheir/media.h"
#include "poseheir/project.h"

namespace poseheir {

struct RenderedBody {
  Image image;
  std::vector<Point> landmarks;  // in the image; missing where the rule of demo.h gives no label
};

// `place` is where the body's hip stands on the ground, in trunk lengths.
RenderedBody render(const Scene& scene, const Animal& animal, float seconds, Vec3 place);

}  // namespace poseheir
