// DeepLabCut's tensorpack loader: its augmenters, their probabilities and ranges (spec 7.4).
#pragma once

#include "pose/augment.h"
#include "poseheir/project.h"

namespace poseheir {

struct TensorpackOptions {
  double crop_probability = 0.4;                          // [cropratio]
  int min_size = 100, max_width = 900, max_height = 900;  // of a crop, in pixels
  Sometimes rotation = {0.4, {-25, 25, {}}, {}};          // about any point of the picture
  Sometimes brightness = {0, {-0.3, 0.3, {}}, {}};        // grey levels, as DeepLabCut has it
  Sometimes contrast = {0.2, {0.5, 2, {}}, {}};           // about the mean grey
  Sometimes saturation = {0, {0.5, 1.5, {}}, {}};
  Sometimes noise = {0, {0.1, 0.1, {}}, {}};      // standard deviation
  Sometimes blur = {0.2, {0, 9, {}}, {}};         // of 2 n + 1 pixels
  Sometimes resize = {0.6, {0.5, 1.25, {}}, {}};  // else the picture keeps its size
  bool grey_of_rgb = true;                        // [is_rgb]
};

// `rotation_degrees`: what [rotation] means.
TensorpackOptions tensorpack_options(const PoseConfig& config, double rotation_degrees);

// Single augmenters with explicit parameters.
void rotate_about(Sample& sample, double degrees, double x, double y);  // the border's pixels go on
void add_brightness(Image& image, double levels);
void change_contrast_about_mean(Image& image, double factor, bool grey_of_rgb);
void change_saturation(Image& image, double factor, bool grey_of_rgb);
void blur_gaussian(Image& image, int size);
void resize_linear(Sample& sample, double factor);

// All of them as they are drawn. The sample's first channel is taken for red: DeepLabCut gives it
// blue first. Gives the ratio of the heights after and before the resize.
double augment_tensorpack(Sample& sample, const TensorpackOptions& options, Random& random);

}  // namespace poseheir
