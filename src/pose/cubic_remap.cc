#include "pose/cubic_remap.h"

#include <algorithm>
#include <cmath>

#include "pose/pixels.h"

namespace poseheir {
namespace {

// Keys' kernel with OpenCV's a = -3/4, at a distance from the tap.
double cubic(double distance) {
  constexpr double A = -0.75;
  const double x = std::abs(distance);
  if (x <= 1) return ((A + 2) * x - (A + 3)) * x * x + 1;
  return x < 2 ? ((A * x - 5 * A) * x + 8 * A) * x - 4 * A : 0;
}

pixels::CubicWeights cubic_weights() {
  using pixels::kChannels, pixels::kSteps, pixels::kTaps;
  pixels::CubicWeights weights{};
  for (int step = 0; step < kSteps; ++step)
    for (int tap = 0; tap < kTaps; ++tap) {
      const double distance = double(step) / kSteps - (tap - 1);
      weights.of_row[step][tap] = static_cast<float>(cubic(distance));
      std::fill_n(weights.of_values[step] + tap * kChannels, kChannels, weights.of_row[step][tap]);
    }
  return weights;
}

}  // namespace

Image remap_cubic(const Image& image, std::span<const float> dx, std::span<const float> dy) {
  static const auto weights = cubic_weights();
  const auto& kernels = pixels::kernels();
  std::vector<float> levels(image.pixels.size());
  kernels.widen(image.pixels.data(), static_cast<int>(levels.size()), levels.data());
  const pixels::Levels picture{levels.data(), image.height, image.width};
  Image moved{image.height, image.width, std::vector<std::uint8_t>(image.pixels.size())};
  for (int row = 0; row < image.height; ++row) {
    const auto first = static_cast<std::size_t>(row) * image.width;
    kernels.displace(picture, dx.data() + first, dy.data() + first, row, weights,
                     moved.pixels.data() + first * pixels::kChannels);
  }
  return moved;
}

}  // namespace poseheir
