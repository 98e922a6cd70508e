// The fast recipe's augmentation: scale, rotation, flip and place in one resampling of the picture.
#pragma once

#include <vector>

#include "pose/augment.h"

namespace poseheir {

// The tile's side for a picture's: at most `largest`, and equal to the picture's modulo 32.
// TensorFlow's SAME padding of a stride of 2 begins at the first pixel of an even side and one
// before that of an odd one, so where a cell of the score map lies on the picture depends on the
// side modulo the network's stride: up to 15 pixels in a MobileNet. Tiles must agree in that with
// the pictures that the network will meet.
int tile_side(int picture, int largest);

// A piece of the picture, `scale` times as large, turned and cut to height x width. Where the
// scaled picture is larger than the tile, the piece lies around one of the joints. Of `augment` it
// takes rotation, flips, greyscale, contrast, convolution, noise and (rarely) motion blur.
Sample warp_tile(const Image& picture, const std::vector<InputJoint>& joints, double scale,
                 int height, int width, const AugmentOptions& augment, Random& random);

}  // namespace poseheir
