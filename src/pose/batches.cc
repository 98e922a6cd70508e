#include "pose/batches.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <numeric>
#include <opencv2/imgproc.hpp>

#include "pose/animal_batches.h"
#include "pose/opencv_image.h"
#include "pose/tiles.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

// Streams of random numbers that do not meet.
constexpr std::uint64_t kChoice = 1, kImages = 2, kEpochs = 3;
constexpr std::uint64_t kConstantSeed = 42;

double draw_scale(const BatchOptions& options, Random& random) {
  if (!options.scale_jitter) return options.global_scale;
  Random constant({kConstantSeed});
  auto& source = options.constant_draws ? constant : random;
  return options.global_scale *
         source.uniform(options.scale_jitter->first, options.scale_jitter->second);
}

Error no_size(const TrainingRecord& record, const BatchOptions& options) {
  return {ErrorKind::usage,
          fmt::format("{}: no training size fits: {} x {} pixels at global_scale {} must have "
                      "between {} and {} pixels on a side; change global_scale, min_input_size or "
                      "max_input_size in pose_cfg.yaml",
                      fmt::join(record.path, "/"), record.width, record.height,
                      options.global_scale, options.min_input_size, options.max_input_size)};
}

cv::Size scaled_size(const TrainingRecord& record, double scale) {
  return {static_cast<int>(std::ceil(record.width * scale)),
          static_cast<int>(std::ceil(record.height * scale))};
}

// The input size of the whole batch comes from another picture drawn at random; nine tries.
BatchChoice choose_imgaug(const std::vector<TrainingRecord>& records, const BatchOptions& options,
                          std::int64_t iteration) {
  const int count = static_cast<int>(records.size());
  Random random({options.seed, kChoice, static_cast<std::uint64_t>(iteration)});
  BatchChoice choice;
  for (int slot = 0; slot < options.batch_size; ++slot)
    choice.records.push_back(random.below(count));
  choice.scale = draw_scale(options, random);
  choice.key = static_cast<std::uint64_t>(iteration * options.batch_size);
  for (int attempt = 0; attempt < 9; ++attempt) {
    choice.size_from = random.below(count);
    const auto size = scaled_size(records[choice.size_from], choice.scale);
    const double area = static_cast<double>(size.width) * size.height;
    if (area >= options.min_input_size * options.min_input_size &&
        area <= options.max_input_size * options.max_input_size)
      return choice;
  }
  throw no_size(records[choice.size_from], options);
}

// Position in the sequence of epochs: a permutation for each.
int epoch_index(const BatchOptions& options, int pictures, std::int64_t position) {
  const auto epoch = static_cast<std::uint64_t>(position / pictures);
  std::vector<int> order(pictures);
  std::iota(order.begin(), order.end(), 0);
  if (options.shuffle) {
    auto random =
        options.constant_draws ? Random({kConstantSeed}) : Random({options.seed, kEpochs, epoch});
    for (int last = pictures - 1; last > 0; --last)
      std::swap(order[last], order[random.below(last + 1)]);
  }
  return order[position % pictures];
}

bool scalecrop_fits(const TrainingRecord& record, double scale, const BatchOptions& options) {
  const double height = record.height * scale, width = record.width * scale;
  return height >= options.min_input_size && width >= options.min_input_size &&
         height * width <= options.max_input_size * options.max_input_size;
}

// A picture that does not fit is passed over; the next one of the epoch takes its place.
BatchChoice choose_scalecrop(const std::vector<TrainingRecord>& records,
                             const BatchOptions& options, std::int64_t iteration) {
  const int count = static_cast<int>(records.size());
  const int pictures = options.mirror ? 2 * count : count;
  for (int attempt = 0; attempt < pictures; ++attempt) {
    const auto position = iteration + attempt;
    const int number = epoch_index(options, pictures, position);
    Random random({options.seed, kChoice, static_cast<std::uint64_t>(position)});
    const double scale = draw_scale(options, random);
    if (scalecrop_fits(records[number % count], scale, options))
      return {{number % count}, scale, 0, number >= count, static_cast<std::uint64_t>(position)};
  }
  throw no_size(records[0], options);
}

// Every epoch in another order, whatever [shuffle] says; no size is refused.
BatchChoice choose_tensorpack(const std::vector<TrainingRecord>& records,
                              const BatchOptions& options, std::int64_t iteration) {
  auto shuffled = options;
  shuffled.shuffle = true;
  BatchChoice choice;
  choice.records = {epoch_index(shuffled, static_cast<int>(records.size()), iteration)};
  choice.scale = std::max(1.0, options.tensorpack.resize.first.high);  // at most
  choice.key = static_cast<std::uint64_t>(iteration);
  return choice;
}

BatchChoice choose_animals(const std::vector<TrainingRecord>& records, const BatchOptions& options,
                           std::int64_t iteration) {
  Random random({options.seed, kChoice, static_cast<std::uint64_t>(iteration)});
  BatchChoice choice;
  for (int slot = 0; slot < options.batch_size; ++slot)
    choice.records.push_back(random.below(static_cast<int>(records.size())));
  choice.scale = draw_scale(options, random);
  choice.key = static_cast<std::uint64_t>(iteration * options.batch_size);
  return choice;
}

BatchChoice choose_fast(const std::vector<TrainingRecord>& records, const BatchOptions& options,
                        std::int64_t iteration) {
  BatchChoice choice;
  choice.key = static_cast<std::uint64_t>(iteration * options.batch_size);
  for (int slot = 0; slot < options.batch_size; ++slot)
    choice.records.push_back(epoch_index(options, static_cast<int>(records.size()),
                                         iteration * options.batch_size + slot));
  choice.size_from = choice.records.front();
  return choice;
}

struct Assembly {
  const std::vector<TrainingRecord>& records;
  const PictureSource& picture;
  const BatchOptions& options;
  const BatchChoice& choice;

  std::vector<InputJoint> joints(int record) const {
    std::vector<InputJoint> joints;
    for (const auto& joint : records[record].joints)
      joints.push_back({joint.id, joint.x, joint.y, joint.individual});
    return joints;
  }
  Sample sample(int record) const { return {*picture(record), joints(record)}; }
  Random random(int slot) const { return Random({options.seed, kImages, choice.key + slot}); }
};

Batch empty_batch(int count, int height, int width, const BatchOptions& options) {
  const auto map = target_map_size(height, width, options.targets.stride_pixels);
  return {0,
          count,
          height,
          width,
          std::vector<std::uint8_t>(static_cast<std::size_t>(count) * height * width * 3),
          Targets(count, map.height, map.width, options.keypoints),
          {}};
}

void place_pixels(Batch& batch, int slot, const Image& image) {
  std::copy(image.pixels.begin(), image.pixels.end(),
            batch.pixels.begin() + static_cast<std::ptrdiff_t>(slot * image.pixels.size()));
}

// imgaug hands joints on as float32; those that left the picture are no labels.
std::vector<InputJoint> strictly_inside(const std::vector<InputJoint>& joints, const Batch& batch) {
  std::vector<InputJoint> inside;
  for (const auto& joint : joints) {
    const float x = static_cast<float>(joint.x), y = static_cast<float>(joint.y);
    if (x > 0 && x < static_cast<float>(batch.width) && y > 0 &&
        y < static_cast<float>(batch.height))
      inside.push_back({joint.id, x, y, joint.individual});
  }
  return inside;
}

Batch assemble_imgaug(const Assembly& from) {
  const auto& options = from.options;
  const auto size = scaled_size(from.records[from.choice.size_from], from.choice.scale);
  auto batch =
      empty_batch(static_cast<int>(from.choice.records.size()), size.height, size.width, options);
  for (int slot = 0; slot < batch.count; ++slot) {
    const auto& record = from.records[from.choice.records[slot]];
    auto sample = from.sample(from.choice.records[slot]);
    auto random = from.random(slot);
    augment(sample, size.height, size.width, options.augment, random);
    const double ratio = std::min(static_cast<double>(size.height) / record.height,
                                  static_cast<double>(size.width) / record.width);
    place_pixels(batch, slot, sample.image);
    draw_targets(batch.targets, slot, strictly_inside(sample.joints, batch), ratio,
                 options.targets);
  }
  return batch;
}

// Around a joint; the direction that DeepLabCut calls top points down.
void crop_around_joint(Sample& sample, const CropOptions& crop, Random& random) {
  if (sample.joints.empty()) return;
  const int width = sample.image.width, height = sample.image.height;
  const auto reach = [&](int extra) { return crop.min_size + random.below(std::max(extra, 1)); };
  const auto centre = sample.joints[random.below(static_cast<int>(sample.joints.size()))];
  const int x = static_cast<int>(centre.x), y = static_cast<int>(centre.y);
  const int right = reach(crop.right), left = reach(crop.left);
  const int below = reach(crop.top), above = reach(crop.bottom);
  crop_and_pad(sample, {-std::max(0, y - above), std::min(width - 1, x + right) + 1 - width,
                        std::min(height - 1, y + below) + 1 - height, -std::max(0, x - left)});
  // The uncropped size decides which joints stay.
  std::erase_if(sample.joints, [&](const InputJoint& joint) {
    return !(joint.x > 0 && joint.x < width && joint.y > 0 && joint.y < height);
  });
}

void scale_by_area(Sample& sample, double scale) {
  if (scale == 1) return;
  cv::Mat resized;
  cv::resize(as_matrix(sample.image), resized, {}, scale, scale, cv::INTER_AREA);
  sample.image = blank_image(resized.rows, resized.cols);
  resized.copyTo(as_matrix(sample.image));
  for (auto& joint : sample.joints) joint = {joint.id, joint.x * scale, joint.y * scale};
}

Batch assemble_scalecrop(const Assembly& from) {
  const auto& options = from.options;
  auto sample = from.sample(from.choice.records[0]);
  auto random = from.random(0);
  if (options.crop.enabled && random.chance(options.crop.probability))
    crop_around_joint(sample, options.crop, random);
  if (from.choice.flipped) {
    flip_horizontally(sample, options.augment.partner);
    for (auto& joint : sample.joints) joint.x -= 1;  // W - x - 1
  }
  scale_by_area(sample, from.choice.scale);
  auto batch = empty_batch(1, sample.image.height, sample.image.width, options);
  place_pixels(batch, 0, sample.image);
  draw_targets(batch.targets, 0, sample.joints, from.choice.scale, options.targets);
  return batch;
}

// OpenCV reads blue first, and this loader leaves it so, though inference gives red first. Joints
// outside stay: their discs may reach into the map.
Batch assemble_tensorpack(const Assembly& from) {
  const auto& options = from.options;
  auto sample = from.sample(from.choice.records[0]);
  auto random = from.random(0);
  cv::Mat matrix = as_matrix(sample.image);
  cv::cvtColor(matrix, matrix, cv::COLOR_RGB2BGR);
  const double scale = augment_tensorpack(sample, options.tensorpack, random);
  auto batch = empty_batch(1, sample.image.height, sample.image.width, options);
  place_pixels(batch, 0, sample.image);
  auto targets = options.targets;
  targets.gaussian = false;  // this loader knows discs only
  draw_targets(batch.targets, 0, sample.joints, scale, targets);
  return batch;
}

Batch assemble_animals(const Assembly& from) {
  const auto& options = from.options;
  const auto& animals = *options.animals;
  const auto size = animal_input_size(options, from.choice.scale);
  const double scale = animal_target_scale(options, size);
  auto batch =
      empty_batch(static_cast<int>(from.choice.records.size()), size.height, size.width, options);
  auto maps = empty_animal_targets(batch.count, size, options);
  for (int slot = 0; slot < batch.count; ++slot) {
    auto sample = from.sample(from.choice.records[slot]);
    auto random = from.random(slot);
    if (!animals.pre_resize.empty())
      resize_cubic(sample, animals.pre_resize[1], animals.pre_resize[0]);
    cut_piece(sample, size, animals, random);
    augment(sample, size.height, size.width, options.augment, random);
    place_pixels(batch, slot, sample.image);
    draw_animals(maps, slot, from.records[from.choice.records[slot]],
                 strictly_inside(sample.joints, batch), scale, animals.targets);
  }
  give_targets(std::move(maps), batch);
  return batch;
}

// Here pictures really change their size, so limbs keep their width on the animal.
AnimalTargetOptions at_scale(AnimalTargetOptions options, double scale) {
  options.limb_width_pixels *= scale * scale;
  return options;
}

Batch assemble_fast(const Assembly& from) {
  const auto& options = from.options;
  const auto size = batch_size_of(from.records, options, from.choice);
  auto batch =
      empty_batch(static_cast<int>(from.choice.records.size()), size.height, size.width, options);
  std::optional<AnimalTargets> animals;
  if (options.animals)
    animals = empty_animal_targets(batch.count, {batch.height, batch.width}, options);
  for (int slot = 0; slot < batch.count; ++slot) {
    auto random = from.random(slot);
    const double scale = draw_scale(options, random);
    const int record = from.choice.records[slot];
    const auto tile = warp_tile(*from.picture(record), from.joints(record), scale, batch.height,
                                batch.width, options.augment, random);
    place_pixels(batch, slot, tile.image);
    const auto inside = strictly_inside(tile.joints, batch);
    if (animals)
      draw_animals(*animals, slot, from.records[record], inside, scale,
                   at_scale(options.animals->targets, scale));
    else
      draw_targets(batch.targets, slot, inside, scale, options.targets);
  }
  if (animals) give_targets(std::move(*animals), batch);
  return batch;
}

}  // namespace

BatchChoice choose_batch(const std::vector<TrainingRecord>& records, const BatchOptions& options,
                         std::int64_t iteration) {
  switch (options.kind) {
    case LoaderKind::scalecrop:
      return choose_scalecrop(records, options, iteration);
    case LoaderKind::tensorpack:
      return choose_tensorpack(records, options, iteration);
    case LoaderKind::fast:
      return choose_fast(records, options, iteration);
    case LoaderKind::animals:
      return choose_animals(records, options, iteration);
    case LoaderKind::imgaug:
      break;
  }
  return choose_imgaug(records, options, iteration);
}

MapSize batch_size_of(const std::vector<TrainingRecord>& records, const BatchOptions& options,
                      const BatchChoice& choice) {
  if (options.kind == LoaderKind::fast) {
    const auto& record = records.at(static_cast<std::size_t>(choice.size_from));
    return {tile_side(record.height, options.largest_tile),
            tile_side(record.width, options.largest_tile)};
  }
  if (options.kind == LoaderKind::animals) {
    const auto piece = animal_input_size(options, choice.scale);
    return {piece.height, piece.width};
  }
  const bool one_by_one =
      options.kind == LoaderKind::scalecrop || options.kind == LoaderKind::tensorpack;
  const int record = one_by_one ? choice.records.at(0) : choice.size_from;
  const auto size = scaled_size(records.at(record), choice.scale);
  return {size.height, size.width};
}

Batch assemble_batch(const std::vector<TrainingRecord>& records, const PictureSource& picture,
                     const BatchOptions& options, const BatchChoice& choice) {
  const Assembly from{records, picture, options, choice};
  switch (options.kind) {
    case LoaderKind::scalecrop:
      return assemble_scalecrop(from);
    case LoaderKind::tensorpack:
      return assemble_tensorpack(from);
    case LoaderKind::fast:
      return assemble_fast(from);
    case LoaderKind::animals:
      return assemble_animals(from);
    case LoaderKind::imgaug:
      break;
  }
  return assemble_imgaug(from);
}

}  // namespace poseheir
