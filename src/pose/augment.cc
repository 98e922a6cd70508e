#include "pose/augment.h"

#include <algorithm>

namespace poseheir {
namespace {

bool applies(const Sometimes& augmenter, Random& random) {
  return augmenter.probability > 0 && random.chance(augmenter.probability);
}

void flip(Sample& sample, const AugmentOptions& options, Random& random) {
  if (options.mirror && applies(*options.mirror, random) &&
      random.chance(options.mirror->first.draw(random)))
    flip_horizontally(sample);
  if (!options.fliplr || !applies(*options.fliplr, random)) return;
  // DeepLabCut swaps the joints of every image that gets here, flipped or not.
  if (random.chance(options.fliplr->first.draw(random))) flip_horizontally(sample);
  swap_joints(sample, options.partner);
}

// A few small rectangles of the picture become black, in all channels or in one.
void cover_some(Image& image, const AugmentOptions& options, Random& random) {
  constexpr int kFewest = 3;
  const double dropped = options.covering.first.draw(random);
  const double cells = options.covering.second.draw(random);
  const int rows = std::max(static_cast<int>(cells * image.height), kFewest);
  const int columns = std::max(static_cast<int>(cells * image.width), kFewest);
  const int channels = random.chance(options.covering_per_channel) ? 3 : 1;
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(rows) * columns * channels);
  for (auto& keep : mask) keep = random.chance(dropped) ? 0 : 1;
  cover(image, mask, rows, columns, channels);
}

void warp(Sample& sample, const Sometimes& elastic, Random& random) {
  constexpr double kSigma = 5, kTooWeakForJoints = 0.05;
  const double alpha = elastic.first.draw(random);
  const auto displacement =
      elastic_displacement(sample.image.height, sample.image.width, kSigma, alpha, random);
  displace(sample, displacement, alpha > kTooWeakForJoints);
}

void change_contrast(Image& image, const AugmentOptions& options, Random& random) {
  if (applies(options.histeq, random)) equalize_histogram(image);
  if (applies(options.clahe, random)) {
    const double limit = options.clahe.first.draw(random);
    equalize_locally(image, limit, std::max(3, options.clahe.second.draw_whole(random)));
  }
  if (applies(options.log, random)) change_log_contrast(image, options.log.first.draw(random));
  if (applies(options.linear, random))
    change_linear_contrast(image, options.linear.first.draw(random));
  if (applies(options.sigmoid, random)) {
    const double gain = options.sigmoid.first.draw(random);
    change_sigmoid_contrast(image, gain, options.sigmoid.second.draw(random));
  }
  if (applies(options.gamma, random)) change_gamma(image, options.gamma.first.draw(random));
}

void convolve(Image& image, const AugmentOptions& options, Random& random) {
  if (applies(options.sharpen, random)) {
    const double alpha = options.sharpen.first.draw(random);
    sharpen(image, alpha, options.sharpen.second.draw(random));
  }
  if (applies(options.emboss, random)) {
    const double alpha = options.emboss.first.draw(random);
    emboss(image, alpha, options.emboss.second.draw(random));
  }
  if (applies(options.edge, random)) show_edges(image, options.edge.first.draw(random));
}

void crop_or_pad_sides(Sample& sample, const Parameter& fraction, Random& random) {
  const double top = fraction.draw(random), right = fraction.draw(random);
  const double bottom = fraction.draw(random), left = fraction.draw(random);
  crop_and_pad(sample, sides_from_fractions(sample.image, top, right, bottom, left));
}

}  // namespace

double Parameter::draw(Random& random) const {
  if (choices.empty()) return random.uniform(low, high);
  return choices[random.below(static_cast<int>(choices.size()))];
}

int Parameter::draw_whole(Random& random) const {
  if (choices.empty()) return random.between(static_cast<int>(low), static_cast<int>(high));
  return static_cast<int>(draw(random));
}

void augment(Sample& sample, int height, int width, const AugmentOptions& options, Random& random) {
  auto& image = sample.image;
  flip(sample, options, random);
  if (applies(options.rotation, random)) rotate(sample, options.rotation.first.draw(random));
  if (applies(options.equalize, random)) equalize_histogram(image);
  if (applies(options.motion_blur, random)) {
    const int size = options.blur_size.draw_whole(random);
    const double angle = options.motion_blur.first.draw(random);
    motion_blur(image, size, angle, options.motion_blur.second.draw(random));
  }
  if (applies(options.covering, random)) cover_some(image, options, random);
  if (applies(options.elastic, random)) warp(sample, options.elastic, random);
  if (applies(options.noise, random)) {
    const double deviation = options.noise.first.draw(random);
    add_noise(image, deviation, random.chance(0.5), random);
  }
  if (applies(options.greyscale, random))
    blend_with_grey(image, options.greyscale.first.draw(random));
  change_contrast(image, options, random);
  convolve(image, options, random);
  if (applies(options.crop_and_pad, random))
    crop_or_pad_sides(sample, options.crop_and_pad.first, random);
  resize_cubic(sample, height, width);
}

}  // namespace poseheir
