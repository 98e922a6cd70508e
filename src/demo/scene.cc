#include "demo/scene.h"

namespace poseheir {

Vec3 Camera::direction_in_pixels(Vec3 in_world) const {
  const float turned_x = in_world.x * std::cos(yaw) + in_world.z * std::sin(yaw);
  const float turned_z = -in_world.x * std::sin(yaw) + in_world.z * std::cos(yaw);
  const float up = in_world.y * std::cos(pitch) - turned_z * std::sin(pitch);
  const float nearer = in_world.y * std::sin(pitch) + turned_z * std::cos(pitch);
  return {turned_x, -up, -nearer};
}

Vec3 Camera::point_in_pixels(Vec3 in_world) const {
  return direction_in_pixels(in_world) * scale + Vec3{x, y, 0};
}

namespace {

struct GroundColours {
  Vec3 ground, ground_dark, backdrop, backdrop_top;
  float grain = 1, grass = 0;  // grass: share of the foreground that carries blades
};

GroundColours colours_of(Ground ground) {
  switch (ground) {
    case Ground::meadow:
      return {{0.3F, 0.42F, 0.13F},
              {0.16F, 0.26F, 0.07F},
              {0.25F, 0.38F, 0.2F},
              {0.62F, 0.75F, 0.88F},
              1.2F,
              1.0F};
    case Ground::sand:
      return {{0.72F, 0.58F, 0.38F},
              {0.55F, 0.42F, 0.26F},
              {0.62F, 0.5F, 0.36F},
              {0.6F, 0.72F, 0.86F},
              0.7F,
              0.2F};
    case Ground::snow:
      return {{0.86F, 0.88F, 0.92F},
              {0.7F, 0.75F, 0.82F},
              {0.5F, 0.56F, 0.6F},
              {0.75F, 0.8F, 0.86F},
              0.5F,
              0.15F};
    case Ground::forest:
      return {{0.28F, 0.2F, 0.11F},
              {0.15F, 0.11F, 0.06F},
              {0.12F, 0.17F, 0.08F},
              {0.3F, 0.38F, 0.26F},
              1.4F,
              0.6F};
    case Ground::floor:
      return {{0.55F, 0.5F, 0.46F},
              {0.42F, 0.38F, 0.35F},
              {0.6F, 0.6F, 0.57F},
              {0.7F, 0.7F, 0.67F},
              0.4F,
              0.0F};
    case Ground::rocks:
      return {{0.45F, 0.43F, 0.42F},
              {0.28F, 0.27F, 0.27F},
              {0.38F, 0.34F, 0.31F},
              {0.55F, 0.5F, 0.45F},
              1.3F,
              0.3F};
  }
  return {};
}

// Draws into colour and cover with soft edges; `cover` may be absent.
class Brush {
 public:
  Brush(Scene& scene, bool foreground) : scene_(scene), foreground_(foreground) {}

  void disc(float x, float y, float radius, Vec3 colour, float softness) {
    const int left = std::max(0, static_cast<int>(x - radius - softness));
    const int right = std::min(scene_.width - 1, static_cast<int>(x + radius + softness) + 1);
    const int top = std::max(0, static_cast<int>(y - radius - softness));
    const int bottom = std::min(scene_.height - 1, static_cast<int>(y + radius + softness) + 1);
    for (int row = top; row <= bottom; ++row)
      for (int column = left; column <= right; ++column) {
        const float off =
            std::hypot(static_cast<float>(column) + 0.5F - x, static_cast<float>(row) + 0.5F - y);
        blend(row, column, colour, 1 - smooth_step(radius - softness, radius + softness, off));
      }
  }

  void blend(int row, int column, Vec3 colour, float alpha) {
    if (alpha <= 0) return;
    const auto pixel = static_cast<std::size_t>(row) * scene_.width + column;
    auto& under = foreground_ ? scene_.foreground[pixel] : scene_.backdrop[pixel];
    if (foreground_) {
      auto& cover = scene_.cover[pixel];
      const float total = alpha + cover * (1 - alpha);
      under = mix(under, colour, alpha / total);
      cover = total;
    } else {
      under = mix(under, colour, alpha);
    }
  }

 private:
  Scene& scene_;
  bool foreground_;
};

void paint_ground(Scene& scene, const GroundColours& colours, Ground ground, float horizon,
                  Dice& random) {
  const auto seed = static_cast<std::uint32_t>(random.below(1 << 20));
  const float squash = 1 / std::max(std::sin(scene.camera.pitch), 0.12F);
  const Vec3 tint{random.about(1, 0.12F), random.about(1, 0.08F), random.about(1, 0.12F)};
  const float tile = random.uniform(22, 40);
  for (int row = 0; row < scene.height; ++row)
    for (int column = 0; column < scene.width; ++column) {
      const auto x = static_cast<float>(column), y = static_cast<float>(row);
      const float depth = (y - horizon) * squash * 0.5F;
      const float coarse = cloud_noise(x / 38, depth / 38, 3, seed);
      const float fine =
          cloud_noise(x / 2.2F, y / (ground == Ground::meadow ? 4.5F : 1.8F), 2, seed + 7);
      Vec3 below =
          mix(colours.ground_dark, colours.ground, std::clamp(coarse * 1.5F - 0.2F, 0.0F, 1.0F));
      below = below * (1 + colours.grain * 0.5F * (fine - 0.5F));
      if (ground == Ground::floor) {
        const float shear = x + 0.35F * depth;
        const bool dark = (static_cast<int>(std::floor(shear / tile)) +
                           static_cast<int>(std::floor(depth / tile))) %
                              2 !=
                          0;
        below = below * (dark ? 0.8F : 1.05F);
      }
      const float hill =
          horizon +
          (ground == Ground::floor ? 0.0F : 8 * (cloud_noise(x / 60, 0.5F, 3, seed + 3) - 0.5F));
      const float mottle = cloud_noise(x / 16, y / 16, 4, seed + 11);
      Vec3 above = mix(colours.backdrop_top, colours.backdrop, smooth_step(-10, hill + 1, y));
      above = above * (ground == Ground::floor ? 0.95F + 0.1F * mottle : 0.8F + 0.4F * mottle);
      const auto pixel = static_cast<std::size_t>(row) * scene.width + column;
      scene.backdrop[pixel] = mix(above, below, smooth_step(hill - 2, hill + 2, y)) * tint;
    }
}

void paint_clutter(Scene& scene, const GroundColours& colours, Ground ground, float horizon,
                   Dice& random) {
  Brush brush(scene, false);
  const auto width = static_cast<float>(scene.width), height = static_cast<float>(scene.height);
  const int trunks = ground == Ground::forest   ? 4 + random.below(6)
                     : ground == Ground::meadow ? random.below(3)
                                                : 0;
  for (int i = 0; i < trunks; ++i) {
    const float x = random.uniform(0, width), radius = random.uniform(3, 9),
                foot = horizon + random.uniform(-4, 12);
    const Vec3 bark = Vec3{0.2F, 0.15F, 0.1F} * random.uniform(0.6F, 1.6F);
    for (float y = foot; y > -radius; y -= 1.0F)
      brush.disc(x + std::sin(y / 30) * 1.5F, y, radius * (0.8F + 0.2F * y / height),
                 bark * (0.8F + 0.4F * noise(x, y / 5, 5)), 2.0F);
  }
  const int stones = ground == Ground::rocks   ? 14 + random.below(14)
                     : ground == Ground::floor ? random.below(4)
                                               : random.below(9);
  for (int i = 0; i < stones; ++i) {
    const float x = random.uniform(0, width), y = random.uniform(horizon - 4, height),
                radius = random.uniform(2, 11);
    Vec3 colour = mix(colours.ground_dark, Vec3{0.5F, 0.48F, 0.46F}, random.uniform(0.2F, 0.9F)) *
                  random.uniform(0.6F, 1.3F);
    if (ground == Ground::floor)
      colour = Vec3{random.uniform(0, 0.8F), random.uniform(0, 0.7F), random.uniform(0, 0.8F)};
    brush.disc(x + 2, y + radius * 0.2F, radius * 0.9F, colours.ground_dark * 0.6F, 3.0F);
    for (int k = 0; k < 4; ++k) {
      const float shift = static_cast<float>(k) * 0.16F * radius;
      for (float flat = -0.8F; flat <= 0.8F; flat += 0.4F)  // wider than high
        brush.disc(x + flat * radius + shift * 0.5F, y - 0.6F * shift,
                   radius * (0.62F - 0.12F * static_cast<float>(k)),
                   colour * (0.7F + 0.12F * static_cast<float>(k)), 1.2F);
    }
  }
  const int bushes = ground == Ground::floor ? 0 : 2 + random.below(5);
  for (int i = 0; i < bushes; ++i) {
    const float x = random.uniform(0, width), y = horizon + random.uniform(-6, 3),
                radius = random.uniform(6, 20);
    const Vec3 leaf = mix(colours.backdrop, {0.15F, 0.25F, 0.08F}, random.uniform(0.1F, 0.8F));
    for (int k = 0; k < 26; ++k)
      brush.disc(x + random.uniform(-radius, radius), y - random.uniform(0, radius),
                 random.uniform(2, 5), leaf * random.uniform(0.55F, 1.35F), 1.2F);
  }
}

void paint_blade(Brush& brush, float x, float foot, float tall, float lean, float thick,
                 Vec3 colour) {
  constexpr int kPieces = 28;
  for (int k = 0; k <= kPieces; ++k) {
    const float t = static_cast<float>(k) / kPieces;
    brush.disc(x + lean * t * t, foot - tall * t, thick * (1 - 0.85F * t) + 0.25F,
               colour * (0.75F + 0.4F * t), 0.6F);
  }
}

void paint_foreground(Scene& scene, const GroundColours& colours, float feet, Dice& random) {
  Brush brush(scene, true);
  const auto width = static_cast<float>(scene.width), height = static_cast<float>(scene.height);
  const int tufts = static_cast<int>(colours.grass * random.uniform(0, 11));
  for (int i = 0; i < tufts; ++i) {
    const float x = random.uniform(0, width),
                foot = random.uniform(std::min(feet + 6, height), height + 10);
    const int blades = 3 + random.below(9);
    const Vec3 green = mix(colours.ground, {0.32F, 0.4F, 0.1F}, random.uniform(0.2F, 0.8F));
    for (int k = 0; k < blades; ++k)
      paint_blade(brush, x + random.uniform(-9, 9), foot, random.uniform(14, 48),
                  random.uniform(-16, 16), random.uniform(0.7F, 1.7F),
                  green * random.uniform(0.6F, 1.4F));
  }
  if (random.chance(0.22F)) {  // a post of a fence, or a pole
    const float x = random.uniform(0.1F, 0.9F) * width, thick = random.uniform(2.5F, 6);
    const Vec3 wood = Vec3{0.4F, 0.33F, 0.26F} * random.uniform(0.5F, 1.6F);
    for (int row = 0; row < scene.height; ++row)
      for (int column = 0; column < scene.width; ++column) {
        const float off = static_cast<float>(column) + 0.5F - x;
        const float round = std::sqrt(std::max(0.0F, 1 - off * off / (thick * thick)));
        brush.blend(row, column, wood * (0.5F + 0.6F * round + 0.1F * off / thick),
                    1 - smooth_step(thick - 0.7F, thick + 0.7F, std::abs(off)));
      }
  }
}

Light make_light(const Camera& camera, Ground ground, Dice& random) {
  Light light;
  const float around = random.uniform(-2.6F, 2.6F), high = random.uniform(0.55F, 1.25F);
  const float forward = std::cos(high) * std::sin(around),
              nearer = std::cos(high) * std::cos(around);
  Camera straight = camera;
  straight.yaw = 0;
  light.towards = normalized(straight.direction_in_pixels({forward, std::sin(high), nearer}));
  const float warmth = random.uniform(-0.08F, 0.12F), strength = random.uniform(0.65F, 1.15F);
  light.sun = Vec3{1 + warmth, 1, 1 - 1.4F * warmth} * strength;
  light.sky = Vec3{0.36F, 0.39F, 0.43F} * random.uniform(0.7F, 1.2F);
  light.shadow = ground == Ground::floor || ground == Ground::forest ? random.uniform(0.25F, 0.5F)
                                                                     : random.uniform(0.35F, 0.7F);
  return light;
}

}  // namespace

Scene make_scene(int height, int width, const Camera& camera, Ground ground, Dice& random) {
  Scene scene;
  scene.height = height;
  scene.width = width;
  scene.camera = camera;
  scene.light = make_light(camera, ground, random);
  const auto pixels = static_cast<std::size_t>(height) * width;
  scene.backdrop.resize(pixels);
  scene.foreground.resize(pixels);
  scene.cover.assign(pixels, 0.0F);
  const auto colours = colours_of(ground);
  const float horizon = std::clamp(camera.y - random.uniform(18, 75), 8.0F, camera.y - 10);
  paint_ground(scene, colours, ground, horizon, random);
  paint_clutter(scene, colours, ground, horizon, random);
  paint_foreground(scene, colours, camera.y, random);
  const Vec3 exposure = (scene.light.sun * 0.62F + scene.light.sky);
  for (auto& colour : scene.backdrop) colour = colour * exposure;
  for (auto& colour : scene.foreground) colour = colour * exposure;
  return scene;
}

}  // namespace poseheir
