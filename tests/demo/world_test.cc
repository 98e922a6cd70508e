#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <gtest/gtest.h>

#include "demo/render.h"
#include "poseheir/demo.h"

namespace poseheir {
namespace {

DemoClipOptions clip(DemoWorld world, std::uint64_t seed, int number) {
  return {.world = world, .seed = seed, .clip = number, .frames = 3, .frames_per_second = 4};
}

TEST(DemoWorld, GivesTheSameFramesForTheSameOptions) {
  const auto first = render_demo_clip(clip(DemoWorld::target, 3, 1));
  const auto second = render_demo_clip(clip(DemoWorld::target, 3, 1));
  ASSERT_EQ(first.size(), 3U);
  for (std::size_t i = 0; i < first.size(); ++i)
    EXPECT_EQ(first[i].image.pixels, second[i].image.pixels);
}

TEST(DemoWorld, ShowsAnotherAnimalForAnotherSeedOrClip) {
  const auto first = render_demo_clip(clip(DemoWorld::target, 3, 1));
  EXPECT_NE(first[0].image.pixels, render_demo_clip(clip(DemoWorld::target, 4, 1))[0].image.pixels);
  EXPECT_NE(first[0].image.pixels, render_demo_clip(clip(DemoWorld::target, 3, 2))[0].image.pixels);
}

TEST(DemoWorld, MovesTheAnimalFromFrameToFrame) {
  const auto frames = render_demo_clip(clip(DemoWorld::pretraining, 1, 0));
  EXPECT_NE(frames[0].image.pixels, frames[1].image.pixels);
}

// A copy of a scene in which nothing stands between animal and camera, in even light.
Scene bare_scene() {
  Dice random(1);
  Scene scene = make_scene(192, 256, {.scale = 70, .yaw = 0.2F, .pitch = 0.2F, .x = 110, .y = 160},
                           Ground::snow, random);
  std::fill(scene.cover.begin(), scene.cover.end(), 0.0F);
  return scene;
}

int largest_difference(const Image& a, const Image& b, Point at) {
  int largest = 0;
  for (int dy = -1; dy <= 1; ++dy)
    for (int dx = -1; dx <= 1; ++dx) {
      const int x = std::clamp(static_cast<int>(at.x) + dx, 0, a.width - 1);
      const int y = std::clamp(static_cast<int>(at.y) + dy, 0, a.height - 1);
      for (int c = 0; c < 3; ++c) {
        const auto i = (static_cast<std::size_t>(y) * a.width + x) * 3 + c;
        largest = std::max(largest, std::abs(a.pixels[i] - b.pixels[i]));
      }
    }
  return largest;
}

TEST(DemoWorld, PutsEveryLabelOnTheAnimal) {
  const Scene scene = bare_scene();
  int labels = 0, on_animal = 0;
  for (int kind = 0; kind <= kTargetKind; ++kind) {
    Dice random(static_cast<std::uint64_t>(kind));
    const Animal animal = make_animal(kind, random);
    const auto empty = render(scene, animal, 0.3F, {1000, 0, 0});
    const auto rendered = render(scene, animal, 0.3F, {});
    for (const auto& point : rendered.landmarks) {
      if (point.missing()) continue;
      ++labels;
      // Against snow, fur and its shadow differ by far more than the grain of the picture.
      on_animal += largest_difference(rendered.image, empty.image, point) > 12 ? 1 : 0;
    }
  }
  EXPECT_GT(labels, 7 * 12);
  EXPECT_GE(on_animal, labels - 1);
}

TEST(DemoWorld, LabelsOnlyWhatIsInThePicture) {
  for (int number = 0; number < 6; ++number)
    for (const auto& frame : render_demo_clip(clip(DemoWorld::target, 9, number)))
      for (const auto& point : frame.points) {
        if (point.missing()) continue;
        EXPECT_TRUE(point.x >= 0 && point.x < 256 && point.y >= 0 && point.y < 192)
            << point.x << ' ' << point.y;
      }
}

TEST(DemoWorld, LeavesPointsBehindAPostUnlabelled) {
  Scene scene = bare_scene();
  Dice random(0);
  const Animal animal = make_animal(0, random);
  const auto open = render(scene, animal, 0, {}).landmarks[kWithers];
  ASSERT_FALSE(open.missing());
  for (int row = 0; row < scene.height; ++row)
    scene.cover[static_cast<std::size_t>(row) * scene.width + static_cast<std::size_t>(open.x)] = 1;
  EXPECT_TRUE(render(scene, animal, 0, {}).landmarks[kWithers].missing());
}

TEST(DemoWorld, LabelsTheFarEarOnlyWhereItShows) {
  // Seen from exactly the side the head hides the far eye, and the near one shows.
  Scene scene = bare_scene();
  scene.camera.yaw = 0;
  scene.camera.pitch = 0.05F;
  Dice random(2);
  Animal animal = make_animal(2, random);
  animal.motion.head_turn = 0;
  const auto landmarks = render(scene, animal, 0, {}).landmarks;
  EXPECT_TRUE(landmarks[kLeftEye].missing());
  EXPECT_FALSE(landmarks[kRightEye].missing());
}

TEST(DemoWorld, KeepsStandingFeetWhereTheyAre) {
  Dice random(0);
  Animal animal = make_animal(0, random);
  animal.motion.behaviour = Behaviour::walk;
  animal.motion.start_phase = 0;
  const float speed = walking_speed(animal.motion);
  // The left hind foot touches down at phase 0 and stands for 62 % of a step.
  const float later = 0.3F / animal.motion.steps_per_second;
  const Vec3 before =
      body_at(animal, 0.1F / animal.motion.steps_per_second).landmarks[kBackLeftPaw];
  const Vec3 after =
      body_at(animal, 0.1F / animal.motion.steps_per_second + later).landmarks[kBackLeftPaw];
  EXPECT_NEAR(before.x, after.x + speed * later, 0.03);
}

TEST(DemoWorld, MapsAllTargetKeypointsButOne) {
  const auto& table = demo_conversion_table();
  EXPECT_EQ(table.size(), demo_bodyparts(DemoWorld::target).size() - 1);
  for (const auto& [part, partner] : table) {
    EXPECT_NE(part, "brisket");
    const auto& known = demo_bodyparts(DemoWorld::pretraining);
    EXPECT_TRUE(std::find(known.begin(), known.end(), partner) != known.end()) << partner;
  }
}

}  // namespace
}  // namespace poseheir
