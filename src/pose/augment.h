// Random augmentation: DeepLabCut's imgaug pipeline, its probabilities and ranges (spec 7.1).
#pragma once

#include <optional>
#include <vector>

#include "pose/augmenters.h"

namespace poseheir {

// imgaug's parameter: uniform in a range, or one of a list (a YAML list is a choice, not a range).
struct Parameter {
  double low = 0, high = 0;
  std::vector<double> choices;

  double draw(Random& random) const;
  int draw_whole(Random& random) const;  // of a range: both ends included
};

// An augmenter that is applied to some of the images.
struct Sometimes {
  double probability = 0;
  Parameter first, second;  // its parameters, in the order of augmenters.h
};

struct AugmentOptions {
  std::optional<Sometimes> mirror;  // flip; then `first` is the probability of the flip itself
  std::optional<Sometimes> fliplr;  // the same with swapped joints
  std::vector<int> partner;         // mirror image of each joint
  Sometimes rotation, equalize, motion_blur, elastic, noise, greyscale;
  Parameter blur_size = {7, 7, {}};
  // `first`: part of the rectangles that are dropped; `second`: their number along a side, as a
  // part of the picture's.
  Sometimes covering = {0, {0.02, 0.02, {}}, {0.3, 0.3, {}}};
  double covering_per_channel = 0.5;
  Sometimes histeq, clahe, log, linear, sigmoid, gamma, sharpen, emboss, edge;
  Sometimes crop_and_pad;  // `first`: fraction added to each side (negative: cropped)
};

// Everything up to and including the resize to the network's input.
void augment(Sample& sample, int height, int width, const AugmentOptions& options, Random& random);

}  // namespace poseheir
