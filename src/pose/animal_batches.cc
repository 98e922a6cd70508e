#include "pose/animal_batches.h"

#include <algorithm>
#include <cmath>

namespace poseheir {
namespace {

// Where the piece lies, as parts of the free space.
struct Offset {
  double x = 0, y = 0;
};

// Each joint counts once, and once for every other one nearby.
std::vector<int> crowdedness(const std::vector<InputJoint>& joints, double radius) {
  std::vector<int> counts;
  for (const auto& joint : joints)
    counts.push_back(
        static_cast<int>(std::count_if(joints.begin(), joints.end(), [&](const InputJoint& other) {
          return std::pow(joint.x - other.x, 2) + std::pow(joint.y - other.y, 2) <= radius * radius;
        })));
  return counts;
}

const InputJoint& draw_joint(const Sample& sample, bool by_density, Random& random) {
  const auto& joints = sample.joints;
  if (!by_density) return joints[random.below(static_cast<int>(joints.size()))];
  const auto counts = crowdedness(joints, 0.1 * std::min(sample.image.height, sample.image.width));
  int total = 0;
  for (const int count : counts) total += count;
  int left = random.below(total);
  std::size_t chosen = 0;
  while (left >= counts[chosen]) left -= counts[chosen++];
  return joints[chosen];
}

Offset draw_offset(const Sample& sample, InputSize input, const AnimalBatchOptions& options,
                   Random& random) {
  auto sampling = options.sampling;
  if (sampling == CropSampling::hybrid)
    sampling = random.chance(0.5) ? CropSampling::uniform : CropSampling::density;
  if (sampling == CropSampling::uniform || sample.joints.empty())
    return {random.uniform(), random.uniform()};
  const auto& joint = draw_joint(sample, sampling == CropSampling::density, random);
  const double x = joint.x + options.max_shift * input.width * random.uniform(-1, 1);
  const double y = joint.y + options.max_shift * input.height * random.uniform(-1, 1);
  return {std::clamp(x / sample.image.width, 0.0, 1.0),
          std::clamp(y / sample.image.height, 0.0, 1.0)};
}

void pad(Sample& sample, int height, int width, Random& random) {
  const int rows = std::max(0, height - sample.image.height);
  const int columns = std::max(0, width - sample.image.width);
  const int top = static_cast<int>(random.uniform() * rows);
  const int left = static_cast<int>(random.uniform() * columns);
  if (rows > 0 || columns > 0) crop_and_pad(sample, {top, columns - left, rows - top, left});
}

}  // namespace

InputSize animal_input_size(const BatchOptions& options, double scale) {
  const auto& crop = *options.animals;
  const InputSize scaled = {static_cast<int>(std::ceil(crop.height * scale)),
                            static_cast<int>(std::ceil(crop.width * scale))};
  const bool fits =
      scaled.height >= options.min_input_size && scaled.width >= options.min_input_size &&
      double(scaled.height) * scaled.width <= options.max_input_size * options.max_input_size;
  return fits ? scaled : InputSize{crop.height, crop.width};
}

double animal_target_scale(const BatchOptions& options, InputSize input) {
  return (double(input.width) / options.animals->width +
          double(input.height) / options.animals->height) /
         2;
}

void cut_piece(Sample& sample, InputSize input, const AnimalBatchOptions& options, Random& random) {
  pad(sample, std::max(options.height, input.height), std::max(options.width, input.width), random);
  const auto offset = draw_offset(sample, input, options, random);
  const int rows = sample.image.height - input.height, columns = sample.image.width - input.width;
  const int top = static_cast<int>(offset.y * rows), left = static_cast<int>(offset.x * columns);
  crop_and_pad(sample, {-top, left - columns, top - rows, -left});
}

AnimalTargets empty_animal_targets(int count, InputSize input, const BatchOptions& options) {
  const auto& animals = *options.animals;
  const double stride = animals.targets.stride_pixels;
  // A network of stride 4 or 2 makes whole cells of its backbone's 16 pixels.
  const int unit = stride == 2 ? 8 : stride == 4 ? 4 : animals.map_unit;
  const auto cells = [&](int pixels) {
    return static_cast<int>(std::ceil(pixels / (stride * unit))) * unit;
  };
  return AnimalTargets(count, cells(input.height), cells(input.width), options.keypoints,
                       animals.identities, static_cast<int>(animals.targets.limbs.size()));
}

void draw_animals(AnimalTargets& targets, int slot, const TrainingRecord& record,
                  const std::vector<InputJoint>& inside, double scale,
                  const AnimalTargetOptions& options) {
  std::vector<LabelledAnimal> animals;
  for (const auto& joint : record.joints)
    if (animals.empty() || animals.back().individual != joint.individual)
      animals.push_back({joint.individual, {}});
  for (auto& animal : animals)
    for (const auto& joint : inside)
      if (joint.individual == animal.individual)
        animal.joints.push_back({joint.id, joint.x, joint.y});
  draw_animal_targets(targets, slot, animals, scale, options);
}

void give_targets(AnimalTargets&& maps, Batch& batch) {
  batch.targets = Targets();
  batch.targets.count = maps.count;
  batch.targets.height = maps.height;
  batch.targets.width = maps.width;
  batch.targets.keypoints = maps.keypoints;
  batch.targets.identities = maps.identities;
  batch.targets.part_score = std::move(maps.part_score);
  batch.targets.locref = std::move(maps.locref);  // its mask is all ones
  batch.pairwise = PairwiseTargets{std::move(maps.paf), {}};
}

}  // namespace poseheir
