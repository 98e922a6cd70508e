// Single augmenters with explicit parameters; what imgaug 0.4 does to an image and its key points
// (spec 7.1).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "pose/random.h"
#include "pose/targets.h"
#include "poseheir/media.h"

namespace poseheir {

// A picture on its way to the network, with the joints that were labelled (inside it or not).
struct Sample {
  Image image;
  std::vector<InputJoint> joints;
};

// Geometry: joints move with the pixels.
// `partner` gives the id of each id's mirror image; empty: ids stay.
void flip_horizontally(Sample& sample, std::span<const int> partner = {});
void swap_joints(Sample& sample, std::span<const int> partner);
void rotate(Sample& sample, double degrees);  // clockwise on screen, same size, black corners
struct Sides {
  int top = 0, right = 0, bottom = 0, left = 0;  // pixels; negative: cropped
};
Sides sides_from_fractions(const Image& image, double top, double right, double bottom,
                           double left);
void crop_and_pad(Sample& sample, const Sides& sides);  // black padding
void resize_cubic(Sample& sample, int height, int width);
void resize_by_area(Sample& sample, int height, int width);

// How far each pixel moves; row-major.
struct Displacement {
  std::vector<float> dx, dy;
};
Displacement elastic_displacement(int height, int width, double sigma, double alpha,
                                  Random& random);
void displace(Sample& sample, const Displacement& displacement, bool move_joints);

// Colour: joints stay.
void motion_blur(Image& image, int size, double angle_degrees, double direction);
// Multiplies with a mask of rows x columns cells, of one or three channels, enlarged to the image.
void cover(Image& image, std::span<const std::uint8_t> mask, int rows, int columns, int channels);
void add_noise(Image& image, double deviation, bool per_channel, Random& random);
void blend_with_grey(Image& image, double alpha);
void equalize_histogram(Image& image);
void equalize_locally(Image& image, double clip_limit, int tiles);  // CLAHE, each channel alone
void change_log_contrast(Image& image, double gain);
void change_linear_contrast(Image& image, double alpha);
void change_sigmoid_contrast(Image& image, double gain, double cutoff);
void change_gamma(Image& image, double gamma);
void sharpen(Image& image, double alpha, double lightness);
void emboss(Image& image, double alpha, double strength);
void show_edges(Image& image, double alpha);

}  // namespace poseheir
