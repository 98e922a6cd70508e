#include "pose/cubic_remap.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace poseheir {
namespace {

constexpr int kSteps = 32;  // places between two pixels
constexpr int kTaps = 4, kChannels = 3;

using Floats = float __attribute__((vector_size(16)));

// Keys' kernel with OpenCV's a = -3/4, at a distance from the tap.
double cubic(double distance) {
  constexpr double a = -0.75;
  const double x = std::abs(distance);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

// Weights of the pixels -1, 0, 1, 2 for each place between 0 and 1.
struct Weights {
  std::array<std::array<float, kTaps>, kSteps> of_row;
  // Each weight for the three channels of its pixel: twelve neighbouring bytes of a picture.
  std::array<std::array<Floats, kChannels>, kSteps> of_bytes;

  Weights() {
    for (int step = 0; step < kSteps; ++step) {
      std::array<float, kTaps * kChannels> bytes;
      for (int tap = 0; tap < kTaps; ++tap) {
        const double distance = double(step) / kSteps - (tap - 1);
        of_row[step][tap] = static_cast<float>(cubic(distance));
        std::fill_n(bytes.begin() + tap * kChannels, kChannels, of_row[step][tap]);
      }
      std::memcpy(of_bytes[step].data(), bytes.data(), sizeof(bytes));
    }
  }
};

std::uint8_t to_byte(float value) {
  return static_cast<std::uint8_t>(std::clamp(value + 0.5F, 0.0F, 255.0F));
}

// A place: the pixel below it and the 1/32 steps from there.
struct Place {
  int pixel, step;

  explicit Place(float position) {
    constexpr int kOffset = 1 << 30;  // so that cutting off rounds downwards
    const int steps = static_cast<int>(position * double{kSteps} + (kOffset + 0.5)) - kOffset;
    pixel = steps >> 5;
    step = steps & (kSteps - 1);
  }
};

// All sixteen pixels lie in the picture. `levels` are its values as floats: as bytes they would
// have to be converted sixteen times.
void inside(const Image& image, std::span<const float> levels, const Place& x, const Place& y,
            const Weights& weights, std::uint8_t* result) {
  const auto stride = static_cast<std::ptrdiff_t>(image.width) * kChannels;
  const auto* from = levels.data() + (y.pixel - 1) * stride + (x.pixel - 1) * kChannels;
  std::array<Floats, kChannels> sums{};
  for (int row = 0; row < kTaps; ++row, from += stride) {
    const float weight = weights.of_row[y.step][row];
    for (int i = 0; i < kChannels; ++i) {
      Floats four;
      std::memcpy(&four, from + 4 * i, sizeof(four));
      sums[i] += weight * four;
    }
  }
  std::array<float, kTaps * kChannels> values;
  for (int i = 0; i < kChannels; ++i) sums[i] *= weights.of_bytes[x.step][i];
  std::memcpy(values.data(), sums.data(), sizeof(values));
  for (int c = 0; c < kChannels; ++c)
    result[c] = to_byte(values[c] + values[c + 3] + values[c + 6] + values[c + 9]);
}

void at_the_border(const Image& image, const Place& x, const Place& y, const Weights& weights,
                   std::uint8_t* result) {
  std::array<float, kChannels> sums{};
  for (int row = 0; row < kTaps; ++row) {
    const int from_y = y.pixel - 1 + row;
    if (from_y < 0 || from_y >= image.height) continue;
    for (int column = 0; column < kTaps; ++column) {
      const int from_x = x.pixel - 1 + column;
      if (from_x < 0 || from_x >= image.width) continue;
      const auto at = (static_cast<std::size_t>(from_y) * image.width + from_x) * kChannels;
      const float weight = weights.of_row[y.step][row] * weights.of_row[x.step][column];
      for (int c = 0; c < kChannels; ++c) sums[c] += weight * image.pixels[at + c];
    }
  }
  for (int c = 0; c < kChannels; ++c) result[c] = to_byte(sums[c]);
}

}  // namespace

Image remap_cubic(const Image& image, std::span<const float> dx, std::span<const float> dy) {
  static const Weights weights;
  const std::vector<float> levels(image.pixels.begin(), image.pixels.end());
  Image moved{image.height, image.width, std::vector<std::uint8_t>(image.pixels.size())};
  auto* result = moved.pixels.data();
  std::size_t i = 0;
  for (int row = 0; row < image.height; ++row) {
    for (int column = 0; column < image.width; ++column, ++i, result += kChannels) {
      const Place x(static_cast<float>(column) - dx[i]), y(static_cast<float>(row) - dy[i]);
      if (x.pixel >= 1 && x.pixel + 2 < image.width && y.pixel >= 1 && y.pixel + 2 < image.height)
        inside(image, levels, x, y, weights, result);
      else
        at_the_border(image, x, y, weights, result);
    }
  }
  return moved;
}

}  // namespace poseheir
