#include "demo/render.h"

#include <limits>

namespace poseheir {
namespace {

// A limb in pixel space.
struct Cone {
  Vec3 a, b;
  float radius_a, radius_b;
  const Limb* limb;
  float side = 0;   // seeds the pattern, so that both flanks differ
  float blend = 1;  // pixels over which it melts into its neighbours

  Vec3 axis() const { return b - a; }
  float along(Vec3 point) const {
    const Vec3 way = axis();
    const float square = dot(way, way);
    return square < 1e-6F ? 0.0F : std::clamp(dot(point - a, way) / square, 0.0F, 1.0F);
  }
  float distance(Vec3 point) const {
    const float t = along(point);
    return length(point - (a + axis() * t)) - (radius_a + (radius_b - radius_a) * t);
  }
  float distance_in_picture(float x, float y) const {
    const float dx = b.x - a.x, dy = b.y - a.y, square = dx * dx + dy * dy;
    const float t =
        square < 1e-6F ? 0.0F : std::clamp(((x - a.x) * dx + (y - a.y) * dy) / square, 0.0F, 1.0F);
    return std::hypot(x - (a.x + dx * t), y - (a.y + dy * t)) - std::max(radius_a, radius_b);
  }
};

struct Hit {
  bool found = false;
  Vec3 point;
  float nearest = std::numeric_limits<float>::max();  // the ray's smallest distance, in pixels
};

class Tracer {
 public:
  Tracer(const Body& body, const Camera& camera, Vec3 place)
      : scale_(camera.scale), blend_(0.045F * camera.scale) {
    for (const auto& limb : body.limbs) {
      cones_.push_back({camera.point_in_pixels(limb.a + place),
                        camera.point_in_pixels(limb.b + place), limb.radius_a * scale_,
                        limb.radius_b * scale_, &limb, limb.a.z});
      auto& cone = cones_.back();
      cone.blend = std::min(blend_, 0.6F * std::max(cone.radius_a, cone.radius_b) + 0.01F);
      const float reach = std::max(cone.radius_a, cone.radius_b) + 2;
      front_ = std::min({front_, cone.a.z - reach, cone.b.z - reach});
      back_ = std::max({back_, cone.a.z + reach, cone.b.z + reach});
    }
  }

  // Keeps the limbs that a ray at this pixel can meet; false if there are none.
  bool aim(float x, float y) {
    near_.clear();
    bool close = false;
    for (const auto& cone : cones_) {
      const float off = cone.distance_in_picture(x, y);
      close = close || off < 1;
      if (off < 2 * blend_) near_.push_back(&cone);
    }
    return close;
  }

  float distance(Vec3 point) const {
    float soft = std::numeric_limits<float>::max(), hard = soft;
    for (const auto* cone : near_) {
      const float d = cone->distance(point);
      if (cone->limb->tissue == Tissue::dark) {
        hard = std::min(hard, d);
      } else {
        const float h = std::max(cone->blend - std::abs(soft - d), 0.0F) / cone->blend;
        soft = std::min(soft, d) - 0.25F * h * h * cone->blend;
      }
    }
    return std::min(soft, hard);
  }

  Hit trace(float x, float y) const {
    Hit hit;
    Vec3 point{x, y, front_};
    for (int step = 0; step < 90 && point.z < back_; ++step) {
      const float d = distance(point);
      if (d < hit.nearest) {
        hit.nearest = d;
        hit.point = point;
      }
      if (d < 0.12F) {
        hit.found = true;
        return hit;
      }
      point.z += std::max(0.85F * d, 0.25F);
    }
    return hit;
  }

  Vec3 normal(Vec3 p) const {
    constexpr float kStep = 0.4F;
    const auto slope = [&](Vec3 off) { return distance(p + off) - distance(p - off); };
    return normalized({slope({kStep, 0, 0}), slope({0, kStep, 0}), slope({0, 0, kStep})});
  }

  const std::vector<const Cone*>& near() const { return near_; }
  const std::vector<Cone>& cones() const { return cones_; }
  float scale() const { return scale_; }

 private:
  std::vector<Cone> cones_;
  std::vector<const Cone*> near_;
  float scale_, blend_;
  float front_ = std::numeric_limits<float>::max(), back_ = std::numeric_limits<float>::lowest();
};

float pattern(const Coat& coat, float along, float around, std::uint32_t seed) {
  const float u = along / coat.pattern_size, v = around / coat.pattern_size;
  switch (coat.pattern) {
    case CoatPattern::plain:
      return 0;
    case CoatPattern::stripes: {
      const float bend = 1.6F * noise(u * 0.5F, v * 0.5F, seed);
      return smooth_step(0.15F, 0.5F,
                         std::sin(kPi * (u + bend)) * noise(u * 0.7F, v * 1.1F, seed + 3) * 1.6F);
    }
    case CoatPattern::spots: {
      const float cell = noise(u * 1.35F, v * 1.35F, seed);
      return smooth_step(0.6F, 0.7F, cell);
    }
    case CoatPattern::patches:
      return smooth_step(0.5F, 0.56F, cloud_noise(u, v, 3, seed));
  }
  return 0;
}

// Colour of a limb's surface at a point, before light; `facing_down` is 1 under the belly.
Vec3 surface_colour(const Coat& coat, const Cone& cone, Vec3 point, float facing_down,
                    float scale) {
  const Limb& limb = *cone.limb;
  const float t = cone.along(point);
  const Vec3 axis = normalized(cone.axis());
  const Vec3 out = point - (cone.a + cone.axis() * t);
  const Vec3 flat = normalized(cross(axis, Vec3{0, 0, 1}));
  const float around = dot(out, flat) / scale + (cone.side > 0.01F    ? 9.3F
                                                 : cone.side < -0.01F ? 17.7F
                                                                      : 0.0F);
  const float span = length(limb.b - limb.a);
  const float along = limb.along + t * span;
  Vec3 colour = coat.base;
  if (limb.tissue == Tissue::dark) return Vec3{0.03F, 0.025F, 0.025F};
  const float marks = pattern(coat, along, around, coat.seed);
  const float progress = limb.progress + t * (limb.tissue == Tissue::tail ? 1.0F / 6 : 0.35F);
  colour = mix(colour, coat.marks, marks);
  if (limb.tissue == Tissue::coat)
    colour = mix(colour, coat.belly, coat.belly_amount * smooth_step(0.1F, 0.8F, facing_down));
  if (limb.tissue == Tissue::leg)
    colour = mix(colour, coat.feet, coat.feet_amount * smooth_step(0.35F, 0.9F, progress));
  if (limb.tissue == Tissue::foot) colour = mix(colour, coat.feet, coat.feet_amount);
  if (limb.tissue == Tissue::muzzle)
    colour = mix(colour, coat.muzzle, coat.muzzle_amount * smooth_step(0.2F, 1, t));
  if (limb.tissue == Tissue::ear) colour = mix(colour, coat.muzzle, 0.35F * coat.muzzle_amount);
  if (limb.tissue == Tissue::tail)
    colour = mix(coat.base, coat.marks,
                 coat.tail_rings * smooth_step(0.1F, 0.5F, std::sin(progress * 44)));
  const float hair = noise(along * 16, around * 90, coat.seed + 5) +
                     0.6F * noise(along * 40, around * 45, coat.seed + 9);
  return colour * (1 + coat.roughness * 0.35F * (hair - 0.8F));
}

class Painter {
 public:
  Painter(const Scene& scene, const Animal& animal, Tracer& tracer)
      : scene_(scene), coat_(animal.coat), tracer_(tracer), picture_(scene.backdrop) {
    up_ = scene.camera.direction_in_pixels({0, 1, 0});
  }

  std::vector<Vec3> paint() {
    cast_shadow();
    for (int row = 0; row < scene_.height; ++row)
      for (int column = 0; column < scene_.width; ++column) paint_pixel(row, column);
    for (std::size_t i = 0; i < picture_.size(); ++i)
      picture_[i] = mix(picture_[i], scene_.foreground[i], scene_.cover[i]);
    return std::move(picture_);
  }

 private:
  void paint_pixel(int row, int column) {
    const float x = static_cast<float>(column) + 0.5F, y = static_cast<float>(row) + 0.5F;
    if (!tracer_.aim(x, y)) return;
    const Hit hit = tracer_.trace(x, y);
    const float cover = hit.found ? 1.0F : 1 - smooth_step(0.1F, 0.9F, hit.nearest);
    if (cover <= 0) return;
    auto& pixel = picture_[static_cast<std::size_t>(row) * scene_.width + column];
    pixel = mix(pixel, lit(hit.point), cover);
  }

  Vec3 lit(Vec3 point) const {
    const Vec3 normal = tracer_.normal(point);
    const float upward = dot(normal, up_);
    const Vec3 colour = colour_at(point, -upward);
    const float front = dot(normal, scene_.light.towards);
    const float direct = smooth_step(-0.25F, 1.0F, front) * (1 - 0.75F * shaded(point, normal));
    const float ambient = 0.62F + 0.38F * upward;
    const float rim = 0.12F * std::pow(1 - std::clamp(-normal.z, 0.0F, 1.0F), 3.0F);
    return colour * (scene_.light.sun * direct + scene_.light.sky * ambient) +
           scene_.light.sky * rim;
  }

  // Nearby limbs mix their colours, as fur does.
  Vec3 colour_at(Vec3 point, float facing_down) const {
    Vec3 sum;
    float weights = 0;
    for (const auto* cone : tracer_.near()) {
      const float off = cone->distance(point);
      if (off > 0.08F * tracer_.scale()) continue;
      const bool dark = cone->limb->tissue == Tissue::dark;
      if (dark && off > 0.35F) continue;
      const float weight = dark ? 1e4F : std::exp(-off / (0.016F * tracer_.scale()));
      sum = sum + surface_colour(coat_, *cone, point, facing_down, tracer_.scale()) * weight;
      weights += weight;
    }
    return weights > 0 ? sum * (1 / weights) : coat_.base;
  }

  // How much of the sun the body itself takes from a point of its surface.
  float shaded(Vec3 point, Vec3 normal) const {
    float open = 1;
    for (float way = 1.5F; way < 0.45F * tracer_.scale(); way *= 1.6F) {
      const Vec3 at = point + normal * 0.8F + scene_.light.towards * way;
      open = std::min(open, 4 * tracer_.distance(at) / way + 0.5F);
    }
    return 1 - std::clamp(open, 0.0F, 1.0F);
  }

  // The shadow on the ground: every limb along the light's direction onto the plane of the feet.
  void cast_shadow() {
    const Camera& camera = scene_.camera;
    const float rise = dot(scene_.light.towards, up_),
                squash = std::max(std::sin(camera.pitch), 0.08F);
    const auto height = [&](Vec3 p) { return dot(p - Vec3{camera.x, camera.y, 0}, up_); };
    std::vector<Cone> flat;
    float left = 1e6F, right = 0, top = 1e6F, bottom = 0;
    for (auto cone : tracer_.cones()) {
      cone.a = cone.a - scene_.light.towards * (height(cone.a) / rise);
      cone.b = cone.b - scene_.light.towards * (height(cone.b) / rise);
      cone.a = {cone.a.x, cone.a.y / squash, 0};
      cone.b = {cone.b.x, cone.b.y / squash, 0};
      flat.push_back(cone);
      const float reach = std::max(cone.radius_a, cone.radius_b) + 0.2F * camera.scale;
      left = std::min({left, cone.a.x - reach, cone.b.x - reach});
      right = std::max({right, cone.a.x + reach, cone.b.x + reach});
      top = std::min({top, (cone.a.y - reach) * squash, (cone.b.y - reach) * squash});
      bottom = std::max({bottom, (cone.a.y + reach) * squash, (cone.b.y + reach) * squash});
    }
    const float soft = 0.05F * camera.scale;
    const int last_row = std::min(scene_.height, static_cast<int>(bottom) + 1);
    const int last_column = std::min(scene_.width, static_cast<int>(right) + 1);
    for (int row = std::max(0, static_cast<int>(top)); row < last_row; ++row)
      for (int column = std::max(0, static_cast<int>(left)); column < last_column; ++column) {
        const Vec3 at{static_cast<float>(column) + 0.5F, (static_cast<float>(row) + 0.5F) / squash,
                      0};
        float nearest = soft, contact = 1;
        for (const auto& cone : flat) {
          const float d = cone.distance(at);
          nearest = std::min(nearest, d);
          if (cone.limb->progress >= 1)
            contact = std::min(contact, smooth_step(-2, 0.16F * camera.scale, d));
        }
        const float dark = 1 - smooth_step(-soft, soft, nearest);
        auto& pixel = picture_[static_cast<std::size_t>(row) * scene_.width + column];
        pixel = pixel * ((1 - scene_.light.shadow * dark) * (0.72F + 0.28F * contact));
      }
  }

  const Scene& scene_;
  const Coat& coat_;
  Tracer& tracer_;
  std::vector<Vec3> picture_;
  Vec3 up_;
};

std::uint8_t to_byte(float linear) {
  const float display = std::pow(std::clamp(linear, 0.0F, 1.0F), 1 / 1.35F);
  return static_cast<std::uint8_t>(std::lround(255 * display));
}

Image developed(const Scene& scene, const std::vector<Vec3>& picture, std::uint32_t grain) {
  Image image{scene.height, scene.width, {}};
  image.pixels.reserve(picture.size() * 3);
  for (std::size_t i = 0; i < picture.size(); ++i) {
    const auto bits = mix_bits((static_cast<std::uint64_t>(grain) << 32U) + i);
    const float speck = 0.022F * (static_cast<float>(bits & 0xFFFFU) / 65535.0F - 0.5F);
    for (const float part : {picture[i].x, picture[i].y, picture[i].z})
      image.pixels.push_back(to_byte(part + speck));
  }
  return image;
}

// Legs are placed by their neighbours even when hidden; eyes and ears only where they show.
bool needs_sight(std::size_t landmark) { return landmark >= kLeftEye && landmark <= kRightEarEnd; }

Point label(const Scene& scene, Tracer& tracer, Vec3 at, std::size_t landmark) {
  const bool inside = at.x >= 0 && at.y >= 0 && at.x < static_cast<float>(scene.width) &&
                      at.y < static_cast<float>(scene.height);
  if (!inside) return {};
  const auto pixel = static_cast<std::size_t>(at.y) * scene.width + static_cast<std::size_t>(at.x);
  if (scene.cover[pixel] > 0.5F) return {};
  if (needs_sight(landmark) && tracer.aim(at.x, at.y)) {
    const Hit hit = tracer.trace(at.x, at.y);
    if (hit.found && hit.point.z < at.z - 0.09F * tracer.scale()) return {};
  }
  return {at.x, at.y};
}

}  // namespace

RenderedBody render(const Scene& scene, const Animal& animal, float seconds, Vec3 place) {
  const Body body = body_at(animal, seconds);
  Tracer tracer(body, scene.camera, place);
  RenderedBody rendered;
  const auto grain = static_cast<std::uint32_t>(
      mix_bits(animal.coat.seed + static_cast<std::uint64_t>(seconds * 1000)));
  rendered.image = developed(scene, Painter(scene, animal, tracer).paint(), grain);
  for (std::size_t i = 0; i < kLandmarks; ++i)
    rendered.landmarks.push_back(
        label(scene, tracer, scene.camera.point_in_pixels(body.landmarks[i] + place), i));
  return rendered;
}

}  // namespace poseheir
