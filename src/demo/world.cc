#include "demo/render.h"
#include "poseheir/demo.h"

namespace poseheir {
namespace {

struct BodypartName {
  const char* name;
  Landmark landmark;
};

constexpr BodypartName kPretrainingParts[] = {
    {"nose", kNose},
    {"left_eye", kLeftEye},
    {"right_eye", kRightEye},
    {"left_earend", kLeftEarEnd},
    {"right_earend", kRightEarEnd},
    {"neck_base", kWithers},
    {"tail_base", kTailBase},
    {"tail_end", kTailEnd},
    {"front_left_knee", kFrontLeftKnee},
    {"front_left_paw", kFrontLeftPaw},
    {"front_right_knee", kFrontRightKnee},
    {"front_right_paw", kFrontRightPaw},
    {"back_left_knee", kBackLeftKnee},
    {"back_left_paw", kBackLeftPaw},
    {"back_right_knee", kBackRightKnee},
    {"back_right_paw", kBackRightPaw},
};

constexpr BodypartName kTargetParts[] = {
    {"snout", kNose},
    {"leftear", kLeftEarEnd},
    {"rightear", kRightEarEnd},
    {"withers", kWithers},
    {"brisket", kBrisket},
    {"tailbase", kTailBase},
    {"tailtip", kTailEnd},
    {"forepaw_left", kFrontLeftPaw},
    {"forepaw_right", kFrontRightPaw},
    {"hindpaw_left", kBackLeftPaw},
    {"hindpaw_right", kBackRightPaw},
};

std::vector<BodypartName> parts_of(DemoWorld world) {
  if (world == DemoWorld::pretraining)
    return {std::begin(kPretrainingParts), std::end(kPretrainingParts)};
  return {std::begin(kTargetParts), std::end(kTargetParts)};
}

std::vector<std::string> names_of(DemoWorld world) {
  std::vector<std::string> names;
  for (const auto& part : parts_of(world)) names.emplace_back(part.name);
  return names;
}

struct Take {
  Animal animal;
  Scene scene;
  float start = 0;  // where along the way the animal is at the first frame, in trunk lengths
};

// Small enough for nose and tail to fit, big enough for paws to be seen.
Camera make_camera(const DemoClipOptions& options, const Build& build, Dice& random) {
  const float span = 1 + 0.8F * (build.neck + build.head) + 0.55F * build.tail;
  const float tall = build.front_leg + 0.75F * build.neck + build.head * 0.5F;
  const float fit = std::min(0.86F * static_cast<float>(options.width) / span,
                             0.74F * static_cast<float>(options.height) / tall);
  Camera camera;
  camera.scale = fit * random.uniform(0.6F, 0.98F);
  camera.yaw = random.uniform(-0.45F, 0.45F) + (random.chance(0.5F) ? kPi : 0.0F);
  camera.pitch = random.uniform(0.08F, 0.34F);
  const float top = camera.scale * tall + 6;
  const float free_height = std::max(static_cast<float>(options.height) - 10 - top, 0.0F);
  camera.y = std::min(top + random.uniform(0.35F, 1) * free_height,
                      static_cast<float>(options.height) - 10);
  camera.x = 0.5F * static_cast<float>(options.width);
  return camera;
}

Take make_take(const DemoClipOptions& options) {
  const bool pretraining = options.world == DemoWorld::pretraining;
  Dice random(options.seed * 2 + (pretraining ? 0 : 1), static_cast<std::uint64_t>(options.clip));
  Take take;
  take.animal = make_animal(pretraining ? options.clip % kPretrainingKinds : kTargetKind, random);
  const auto& build = take.animal.build;
  const Camera camera = make_camera(options, build, random);
  const auto ground = static_cast<Ground>(pretraining ? random.below(4) : options.clip % 6);
  take.scene = make_scene(options.height, options.width, camera, ground, random);
  const auto seconds = static_cast<float>(options.frames / options.frames_per_second);
  // The middle of the way puts the animal's middle, between nose and tail, in the picture's.
  const float middle = 0.5F * (1 + 0.8F * (build.neck + build.head) - 0.55F * build.tail);
  take.start =
      -middle - 0.5F * seconds * walking_speed(take.animal.motion) + random.uniform(-0.15F, 0.15F);
  return take;
}

}  // namespace

const std::vector<std::string>& demo_bodyparts(DemoWorld world) {
  static const auto pretraining = names_of(DemoWorld::pretraining);
  static const auto target = names_of(DemoWorld::target);
  return world == DemoWorld::pretraining ? pretraining : target;
}

const std::vector<std::pair<std::string, std::string>>& demo_skeleton(DemoWorld world) {
  static const std::vector<std::pair<std::string, std::string>> pretraining = {
      {"nose", "neck_base"},
      {"neck_base", "tail_base"},
      {"tail_base", "tail_end"},
      {"front_left_knee", "front_left_paw"},
      {"front_right_knee", "front_right_paw"},
      {"back_left_knee", "back_left_paw"},
      {"back_right_knee", "back_right_paw"}};
  static const std::vector<std::pair<std::string, std::string>> target = {
      {"snout", "withers"},         {"leftear", "withers"},       {"rightear", "withers"},
      {"withers", "tailbase"},      {"tailbase", "tailtip"},      {"withers", "brisket"},
      {"brisket", "forepaw_left"},  {"brisket", "forepaw_right"}, {"tailbase", "hindpaw_left"},
      {"tailbase", "hindpaw_right"}};
  return world == DemoWorld::pretraining ? pretraining : target;
}

const std::vector<std::pair<std::string, std::string>>& demo_conversion_table() {
  static const auto table = [] {
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const auto& part : kTargetParts)
      for (const auto& partner : kPretrainingParts)
        if (part.landmark == partner.landmark) pairs.emplace_back(part.name, partner.name);
    return pairs;
  }();
  return table;
}

std::vector<DemoFrame> render_demo_clip(const DemoClipOptions& options) {
  const Take take = make_take(options);
  const auto parts = parts_of(options.world);
  std::vector<DemoFrame> frames;
  for (int i = 0; i < options.frames; ++i) {
    const auto seconds = static_cast<float>(i / options.frames_per_second);
    const Vec3 place{take.start + seconds * walking_speed(take.animal.motion), 0, 0};
    auto rendered = render(take.scene, take.animal, seconds, place);
    DemoFrame frame{std::move(rendered.image), {}};
    for (const auto& part : parts) frame.points.push_back(rendered.landmarks[part.landmark]);
    frames.push_back(std::move(frame));
  }
  return frames;
}

}  // namespace poseheir
