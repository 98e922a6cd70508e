#include "pose/tiles.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "pose/affine.h"
#include "pose/opencv_image.h"

namespace poseheir {
namespace {

// Where on the picture the middle of the tile comes to lie, along one axis.
double middle(double picture, double tile, double joint, Random& random) {
  constexpr double kWander = 0.3;  // of the tile, to each side of the joint
  if (picture <= tile) return picture / 2 + (tile - picture) * random.uniform(-0.5, 0.5);
  const double wanted = joint + tile * random.uniform(-kWander, kWander);
  return std::clamp(wanted, tile / 2, picture - tile / 2);
}

InputJoint centre_joint(const Image& picture, const std::vector<InputJoint>& joints,
                        Random& random) {
  if (joints.empty()) return {0, picture.width / 2.0, picture.height / 2.0};
  return joints[random.below(static_cast<int>(joints.size()))];
}

// Tile from picture, both counted from the outer corner of the first pixel.
cv::Matx23d tile_from_picture(const Image& picture, const std::vector<InputJoint>& joints,
                              double scale, int height, int width, double degrees, bool flipped,
                              Random& random) {
  const auto centre = centre_joint(picture, joints, random);
  const double x = middle(picture.width, width / scale, centre.x, random);
  const double y = middle(picture.height, height / scale, centre.y, random);
  const double angle = degrees * std::numbers::pi / 180, mirror = flipped ? -1 : 1;
  const double c = scale * std::cos(angle), s = scale * std::sin(angle);
  return {mirror * c, -mirror * s, width / 2.0 - mirror * (c * x - s * y),
          s,          c,           height / 2.0 - (s * x + c * y)};
}

// OpenCV counts from the middle of the first pixel.
cv::Matx23d for_pixels(cv::Matx23d corner) {
  for (int row = 0; row < 2; ++row) corner(row, 2) += 0.5 * (corner(row, 0) + corner(row, 1)) - 0.5;
  return corner;
}

void change_colours(Image& image, const AugmentOptions& options, Random& random) {
  const auto applies = [&](const Sometimes& augmenter) {
    return augmenter.probability > 0 && random.chance(augmenter.probability);
  };
  constexpr double kBlurred = 0.1, kBrightened = 0.5;
  if (options.motion_blur.probability > 0 && random.chance(kBlurred))
    motion_blur(image, 3 + 2 * random.below(2), random.uniform(-90, 90), random.uniform(-1, 1));
  if (applies(options.greyscale)) blend_with_grey(image, options.greyscale.first.draw(random));
  if (applies(options.histeq)) equalize_histogram(image);
  if (applies(options.clahe))
    equalize_locally(image, options.clahe.first.draw(random),
                     std::max(3, options.clahe.second.draw_whole(random)));
  if (random.chance(kBrightened)) change_gamma(image, random.uniform(0.7, 1.5));
}

}  // namespace

int tile_side(int picture, int largest) {
  constexpr int kPeriod = 32;
  if (picture <= largest) return picture;
  return picture - (picture - largest + kPeriod - 1) / kPeriod * kPeriod;
}

Sample warp_tile(const Image& picture, const std::vector<InputJoint>& joints, double scale,
                 int height, int width, const AugmentOptions& augment, Random& random) {
  const bool flipped = augment.mirror && random.chance(0.5);
  const bool swapped = augment.fliplr && random.chance(0.5);
  const double degrees = augment.rotation.probability > 0 ? augment.rotation.first.draw(random) : 0;
  const auto map =
      tile_from_picture(picture, joints, scale, height, width, degrees, flipped != swapped, random);
  Sample tile{blank_image(height, width), {}};
  warp_affine(picture, for_pixels(map), tile.image);
  for (const auto& joint : joints) {
    const auto moved = map * cv::Vec3d(joint.x, joint.y, 1);
    tile.joints.push_back({joint.id, moved[0], moved[1], joint.individual});
  }
  if (swapped) swap_joints(tile, augment.partner);
  change_colours(tile.image, augment, random);
  return tile;
}

}  // namespace poseheir
