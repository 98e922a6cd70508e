// Rounding to decimals as NumPy does it: scale, round half to even, scale back, in the type's own
// precision.
#pragma once

#include <cmath>

namespace poseheir {

template <typename T>
T round_to_thousandths(T value) {
  return std::nearbyint(value * T(1000)) / T(1000);
}

}  // namespace poseheir
