// The body at a moment: gait moves the feet, the joints above follow, the limbs join the joints.
#include "demo/animal.h"

namespace poseheir {
namespace {

constexpr float kStanceShare = 0.62F;  // of a step's time a foot stands on the ground

struct Foot {
  float forward = 0, height = 0, flexion = 0;
};

Foot foot_at(const Motion& motion, float cycles, float fall) {
  if (motion.behaviour == Behaviour::stand)  // weight on four feet, none beside another
    return {0.3F * motion.stride * (fall - 0.4F), 0, 0};
  cycles += fall;
  const float phase = cycles - std::floor(cycles);
  if (phase < kStanceShare) return {motion.stride * (0.5F - phase / kStanceShare), 0, 0};
  const float swing = (phase - kStanceShare) / (1 - kStanceShare);
  const float bend = std::sin(kPi * swing);
  return {motion.stride * (smooth_step(0, 1, swing) - 0.5F), motion.lift * bend, bend};
}

// When each foot leaves the ground, in cycles: left hind, left fore, right hind, right fore.
std::array<float, 4> footfalls(Behaviour behaviour) {
  if (behaviour == Behaviour::trot) return {0.0F, 0.5F, 0.5F, 0.0F};
  return {0.0F, 0.25F, 0.5F, 0.75F};
}

// The joint between two bones of given lengths; `side` +1 bends it forward, -1 backward.
Vec3 middle_joint(Vec3 top, Vec3& bottom, float upper, float lower, float side) {
  const Vec3 way = bottom - top;
  const float reach =
      std::clamp(length(way), std::abs(upper - lower) + 0.01F, upper + lower - 0.005F);
  const Vec3 direction = normalized(way);
  bottom = top + direction * reach;
  const float along = (upper * upper + reach * reach - lower * lower) / (2 * reach);
  const float off = std::sqrt(std::max(upper * upper - along * along, 0.0F));
  const Vec3 bend{-direction.y * side, direction.x * side, 0};
  return top + direction * along + bend * off;
}

struct Frame {
  Vec3 hip, middle, shoulder;
};

class BodyBuilder {
 public:
  BodyBuilder(const Animal& animal, float seconds)
      : build_(animal.build), motion_(animal.motion), seconds_(seconds) {
    cycles_ = motion_.steps_per_second * seconds + motion_.start_phase;
  }

  Body make() {
    trunk();
    head();
    tail();
    const auto falls = footfalls(motion_.behaviour);
    leg(true, -1, falls[1]);
    leg(true, +1, falls[3]);
    leg(false, -1, falls[0]);
    leg(false, +1, falls[2]);
    return std::move(body_);
  }

 private:
  void add(Vec3 a, Vec3 b, float radius_a, float radius_b, Tissue tissue, float along = 0,
           float progress = 0) {
    body_.limbs.push_back({a, b, radius_a, radius_b, tissue, along, progress});
  }

  void trunk() {
    const float beat = motion_.behaviour == Behaviour::stand ? 0.004F : 0.018F;
    const float bob = beat * std::sin(4 * kPi * cycles_);
    frame_.hip = {0, build_.hind_leg - bob, 0};
    frame_.shoulder = {1, build_.front_leg + 0.5F * build_.chest_depth + bob, 0};
    frame_.middle = (frame_.hip + frame_.shoulder) * 0.5F + Vec3{0, build_.arch, 0};
    const auto& [hip, middle, shoulder] = frame_;
    add(hip, middle, build_.hip_radius, build_.waist_radius, Tissue::coat, 0);
    add(middle, shoulder, build_.waist_radius, build_.chest_radius, Tissue::coat, 0.5F);
    const Vec3 low{0, -build_.chest_depth, 0};
    add(middle + low * 0.5F, shoulder + low + Vec3{-0.06F, 0, 0}, build_.waist_radius * 0.9F,
        build_.chest_radius * 0.85F, Tissue::coat, 0.5F);
    add(hip + low * 0.15F + Vec3{0.05F, 0, 0}, middle + low * 0.5F, build_.hip_radius * 0.9F,
        build_.waist_radius * 0.9F, Tissue::coat, 0);
    body_.landmarks[kWithers] = shoulder + Vec3{-0.02F, build_.chest_radius * 0.8F, 0};
    body_.landmarks[kBrisket] = shoulder + low * 0.6F + Vec3{build_.chest_radius * 0.75F, 0, 0};
  }

  void head() {
    const bool down = motion_.behaviour == Behaviour::graze;
    const float nod = motion_.head_nod * std::sin(4 * kPi * cycles_ + 0.7F) +
                      0.5F * motion_.head_nod * std::sin(1.9F * seconds_ + 3 * motion_.start_phase);
    const float neck_angle = (down ? -0.55F : build_.neck_angle) + nod;
    const float pitch = (down ? -0.95F : build_.head_angle) + 1.5F * nod;
    const float turn = motion_.head_turn * std::sin(1.1F * seconds_ + 2 * motion_.start_phase);
    const Vec3 neck_start = frame_.shoulder + Vec3{0.08F, 0.25F * build_.chest_radius, 0};
    const Vec3 skull =
        neck_start + Vec3{std::cos(neck_angle) * std::cos(turn * 0.4F), std::sin(neck_angle),
                          std::cos(neck_angle) * std::sin(turn * 0.4F)} *
                         build_.neck;
    add(neck_start, skull, build_.neck_radius * 1.5F, build_.neck_radius * 0.85F, Tissue::coat,
        1.05F);
    const Vec3 ahead{std::cos(pitch) * std::cos(turn), std::sin(pitch),
                     std::cos(pitch) * std::sin(turn)};
    const Vec3 right = normalized(cross(ahead, Vec3{0, 1, 0}));
    const Vec3 up = cross(right, ahead);
    const float r = build_.skull_radius;
    const Vec3 brow = skull + ahead * (0.4F * build_.head);
    const Vec3 nose = skull + ahead * build_.head - up * (0.25F * r);
    add(skull, brow, r, r * 0.82F, Tissue::coat, 1.5F);
    add(brow - up * (0.1F * r), nose - ahead * (0.4F * build_.muzzle_radius), r * 0.7F,
        build_.muzzle_radius, Tissue::muzzle, 1.7F);
    add(nose + ahead * (0.35F * build_.muzzle_radius) + up * (0.3F * build_.muzzle_radius),
        nose + ahead * (0.5F * build_.muzzle_radius) + up * (0.25F * build_.muzzle_radius),
        0.6F * build_.muzzle_radius, 0.5F * build_.muzzle_radius, Tissue::dark);
    body_.landmarks[kNose] = nose + ahead * (0.6F * build_.muzzle_radius);
    for (const float side : {-1.0F, 1.0F}) {
      const Vec3 eye =
          skull + ahead * (0.42F * build_.head) + up * (0.38F * r) + right * (side * 0.66F * r);
      add(eye, eye, 0.19F * r, 0.19F * r, Tissue::dark);
      body_.landmarks[side < 0 ? kLeftEye : kRightEye] = eye;
      ear(skull + up * (0.6F * r) + right * (side * 0.6F * r), ahead, up, right * side,
          side < 0 ? kLeftEarEnd : kRightEarEnd);
    }
  }

  void ear(Vec3 base, Vec3 ahead, Vec3 up, Vec3 outward, Landmark end) {
    const float flick = 0.12F * std::sin(2.7F * seconds_ + (end == kLeftEarEnd ? 0.0F : 1.3F));
    const float angle = build_.ear_angle + flick;
    const Vec3 tip =
        base +
        (up * std::sin(angle) + outward * (0.75F * std::cos(angle)) - ahead * 0.35F) * build_.ear;
    const Vec3 across = ahead * (0.9F * build_.ear_width);
    const float thick = 0.45F * build_.ear_width;
    add(base + across, tip, thick, 0.3F * thick, Tissue::ear);
    add(base - across, tip, thick, 0.3F * thick, Tissue::ear);
    add(base, mix(base, tip, 0.55F), thick * 1.3F, thick, Tissue::ear);
    body_.landmarks[end] = tip;
  }

  void tail() {
    constexpr int kPieces = 6;
    Vec3 at = frame_.hip + Vec3{-0.85F * build_.hip_radius, 0.45F * build_.hip_radius, 0};
    body_.landmarks[kTailBase] = at;
    float pitch = build_.tail_angle, yaw = 0;
    const float piece = build_.tail / kPieces;
    const auto radius = [this](float s) {
      const float bush = 1 + (build_.tail_bush - 1) * std::sin(kPi * std::min(s * 0.78F, 1.0F));
      return build_.tail_radius * bush * (1 - 0.55F * s);
    };
    for (int i = 0; i < kPieces; ++i) {
      const float s = static_cast<float>(i) / kPieces, next = static_cast<float>(i + 1) / kPieces;
      yaw += motion_.tail_sway * 0.35F *
             std::sin(2 * kPi * cycles_ * 0.5F - 1.2F * s + motion_.start_phase);
      pitch += build_.tail_curl * (0.35F + 0.12F * std::sin(2.3F * seconds_ - 2 * s));
      const Vec3 to = at + Vec3{-std::cos(pitch) * std::cos(yaw), std::sin(pitch),
                                std::cos(pitch) * std::sin(yaw)} *
                               piece;
      add(at, to, radius(s), radius(next), Tissue::tail, -s * build_.tail, s);
      at = to;
    }
    body_.landmarks[kTailEnd] = at;
  }

  void leg(bool front, float side, float fall) {
    const Foot foot = foot_at(motion_, cycles_, fall);
    const Vec3 root = front ? frame_.shoulder + Vec3{0, -0.6F * build_.chest_depth, 0} : frame_.hip;
    const float height = root.y;
    const Vec3 top = root + Vec3{front ? 0.02F : 0.0F, 0, side * build_.width};
    const float foot_length = 0.09F * height;
    const float pastern = height * (front ? 0.24F : 0.30F);
    Vec3 paw{top.x + (front ? 0.02F : -0.04F) + foot.forward, 0.035F + foot.height,
             side * build_.width * 0.85F};
    const float tilt = front ? -0.05F - 1.1F * foot.flexion : -0.32F - 0.55F * foot.flexion;
    Vec3 ankle = paw + Vec3{std::sin(tilt), std::cos(tilt), 0} * pastern;
    const float upper = height * (front ? 0.40F : 0.42F), lower = height * (front ? 0.40F : 0.42F);
    const Vec3 wanted = ankle;
    const Vec3 knee = middle_joint(top, ankle, upper, lower, front ? -1.0F : 1.0F);
    paw = paw + (ankle - wanted);
    const Vec3 toe =
        paw + Vec3{foot_length, -0.35F * foot_length - 0.3F * foot.flexion * foot_length, 0};
    const float r = build_.leg_radius;
    add(top, knee, front ? 0.62F * build_.chest_radius : 0.84F * build_.hip_radius, r * 1.5F,
        Tissue::leg, 0.3F, 0);
    add(knee, ankle, r * 1.45F, r * 0.85F, Tissue::leg, 0.6F, 0.35F);
    add(ankle, paw, r * 0.85F, r * 0.75F, Tissue::leg, 0.9F, 0.7F);
    add(paw, toe, r * 0.85F, r * (build_.hooves ? 0.95F : 0.8F),
        build_.hooves ? Tissue::dark : Tissue::foot, 1.1F, 1);
    const int first = (front ? kFrontLeftKnee : kBackLeftKnee) + (side < 0 ? 0 : 2);
    body_.landmarks[static_cast<std::size_t>(first)] = ankle;
    body_.landmarks[static_cast<std::size_t>(first) + 1] = paw + Vec3{0.4F * foot_length, 0, 0};
  }

  const Build& build_;
  const Motion& motion_;
  float seconds_, cycles_ = 0;
  Frame frame_;
  Body body_;
};

}  // namespace

Body body_at(const Animal& animal, float seconds) { return BodyBuilder(animal, seconds).make(); }

float walking_speed(const Motion& motion) {
  if (motion.behaviour == Behaviour::stand) return 0;
  return motion.stride / kStanceShare * motion.steps_per_second;
}

}  // namespace poseheir
