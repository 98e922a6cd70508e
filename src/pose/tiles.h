// The fast recipe's augmentation: scale, rotation, flip and place in one resampling of the picture.
#pragma once

#include <vector>

#include "pose/augment.h"

namespace poseheir {

// A piece of the picture, `scale` times as large, turned and cut to height x width. Where the
// scaled picture is larger than the tile, the piece lies around one of the joints. Of `augment` it
// takes rotation, flips, greyscale, contrast, convolution, noise and (rarely) motion blur.
Sample warp_tile(const Image& picture, const std::vector<InputJoint>& joints, double scale,
                 int height, int width, const AugmentOptions& augment, Random& random);

}  // namespace poseheir
