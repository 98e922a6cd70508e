#include "pose/cubic_resize.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "pose/opencv_image.h"

namespace poseheir {
namespace {

using pixels::kChannels, pixels::kTaps;

// Keys' kernel with a = -3/4 at the taps -1, 0, 1, 2 of a place between 0 and 1, computed as OpenCV
// computes it: another order of the same products may round to another 2048th.
std::array<float, kTaps> cubic_at(float x) {
  constexpr float A = -0.75F;
  const float y = 1 - x;
  const float before = ((A * (x + 1) - 5 * A) * (x + 1) + 8 * A) * (x + 1) - 4 * A;
  const float first = ((A + 2) * x - (A + 3)) * x * x + 1;
  const float second = ((A + 2) * y - (A + 3)) * y * y + 1;
  return {before, first, second, 1.0F - before - first - second};
}

struct Axis {
  std::vector<int> first;
  std::vector<std::int16_t> weights;

  Axis(int from, int to) : first(to), weights(std::size_t(to) * kTaps) {
    const double scale = 1 / (static_cast<double>(to) / from);
    for (int place = 0; place < to; ++place) {
      const auto position = static_cast<float>((place + 0.5) * scale - 0.5);
      const float pixel = std::floor(position);
      const auto cubic = cubic_at(position - pixel);
      first[place] = static_cast<int>(pixel) - 1;
      for (int tap = 0; tap < kTaps; ++tap)
        weights[std::size_t(place) * kTaps + tap] =
            static_cast<std::int16_t>(std::lrint(cubic[tap] * 2048));
    }
  }
};

// Rows of the picture that have the result's width; the last four that were asked for.
class ResizedRows {
 public:
  ResizedRows(const Image& image, const Axis& columns, const pixels::Kernels& kernels)
      : image_(image),
        kernels_(kernels),
        columns_{columns.first.data(), columns.weights.data(),
                 static_cast<int>(columns.first.size()), image.width},
        stride_(columns.first.size() * kChannels + 8),
        values_(kTaps * stride_) {
    rows_.fill(-1);
  }

  const float* get(int row) {
    const auto slot = static_cast<std::size_t>(row) % kTaps;
    auto* values = values_.data() + slot * stride_;
    if (rows_[slot] == row) return values;
    const auto from = static_cast<std::size_t>(row) * image_.width * kChannels;
    kernels_.resize_row(image_.pixels.data() + from, columns_, row + 1 == image_.height, values);
    rows_[slot] = row;
    return values;
  }

 private:
  const Image& image_;
  const pixels::Kernels& kernels_;
  pixels::CubicAxis columns_;
  std::size_t stride_;
  std::vector<float> values_;
  std::array<int, kTaps> rows_{};
};

}  // namespace

void resize_cubic(const Image& image, Image& result, const pixels::Kernels& kernels) {
  if (kernels.resize_row == nullptr) {
    cv::Mat target = as_matrix(result);
    cv::resize(as_matrix(image), target, target.size(), 0, 0, cv::INTER_CUBIC);
    return;
  }
  const Axis columns(image.width, result.width), rows(image.height, result.height);
  ResizedRows resized(image, columns, kernels);
  const int count = result.width * kChannels;
  for (int row = 0; row < result.height; ++row) {
    std::array<const float*, kTaps> four{};
    for (int tap = 0; tap < kTaps; ++tap)
      four[tap] = resized.get(std::clamp(rows.first[row] + tap, 0, image.height - 1));
    kernels.resize_rows(four.data(), rows.weights.data() + std::size_t(row) * kTaps, count,
                        result.pixels.data() + std::size_t(row) * count);
  }
}

}  // namespace poseheir
