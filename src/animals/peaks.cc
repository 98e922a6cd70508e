#include <algorithm>
#include <cmath>

#include "poseheir/detections.h"

namespace poseheir {
namespace {

// exp(-k^2 / 2 sigma^2) for k = -radius..radius, normalised; its outer product is the kernel.
std::vector<float> gaussian(int radius, double sigma) {
  const auto variance = 2 * static_cast<float>(sigma) * static_cast<float>(sigma);
  std::vector<float> kernel;
  float sum = 0;
  for (int k = -radius; k <= radius; ++k) {
    kernel.push_back(std::exp(-static_cast<float>(k * k) / variance));
    sum += kernel.back();
  }
  for (auto& weight : kernel) weight /= sum;
  return kernel;
}

// One pass of the separable filter along an axis of `length` steps, zeros outside. Both sides of a
// cell are added before they are weighed, so that mirrored surroundings give equal sums: the two
// cells of a plateau stay equal, and both are peaks, as in TensorFlow.
void smooth_line(const float* in, float* out, int length, std::size_t step,
                 const std::vector<float>& kernel) {
  const int radius = static_cast<int>(kernel.size() / 2);
  const auto value = [=](int at) { return at >= 0 && at < length ? in[at * step] : 0.0F; };
  for (int at = 0; at < length; ++at) {
    float sum = kernel[radius] * in[at * step];
    for (int k = 1; k <= radius; ++k) sum += kernel[radius + k] * (value(at - k) + value(at + k));
    out[at * step] = sum;
  }
}

// The largest value within a window of `size` cells at each step, TensorFlow's SAME: the odd cell
// goes behind.
void dilate_line(const float* in, float* out, int length, std::size_t step, int size) {
  const int before = (size - 1) / 2, after = size - 1 - before;
  for (int at = 0; at < length; ++at) {
    float best = in[at * step];
    for (int k = std::max(0, at - before); k <= std::min(length - 1, at + after); ++k)
      best = std::max(best, in[k * step]);
    out[at * step] = best;
  }
}

// A filter along rows, then along columns, of every channel.
template <typename Line>
FeatureMap filter_both_ways(const FeatureMap& map, Line line) {
  FeatureMap across = map, both = map;
  const std::size_t pixel = map.channels, row = pixel * map.width, image = row * map.height;
  for (int n = 0; n < map.count; ++n)
    for (int channel = 0; channel < map.channels; ++channel) {
      const auto start = n * image + channel;
      for (int r = 0; r < map.height; ++r)
        line(&map.values[start + r * row], &across.values[start + r * row], map.width, pixel);
      for (int c = 0; c < map.width; ++c)
        line(&across.values[start + c * pixel], &both.values[start + c * pixel], map.height, row);
    }
  return both;
}

FeatureMap first_channels(const FeatureMap& map, int channels) {
  FeatureMap part{map.count, map.height, map.width, channels, {}};
  for (std::size_t at = 0; at < map.values.size(); at += map.channels)
    part.values.insert(part.values.end(), &map.values[at], &map.values[at] + channels);
  return part;
}

}  // namespace

FeatureMap smoothed(const FeatureMap& map, const DetectionOptions& options) {
  const auto kernel = gaussian(static_cast<int>(options.nms_radius), options.sigma);
  return filter_both_ways(map, [&](const float* in, float* out, int length, std::size_t step) {
    smooth_line(in, out, length, step, kernel);
  });
}

std::vector<PeakCell> find_peaks(const FeatureMap& scores, const DetectionOptions& options) {
  const auto smooth = smoothed(first_channels(scores, options.keypoints), options);
  const int window = static_cast<int>(options.nms_radius);
  const auto highest =
      filter_both_ways(smooth, [&](const float* in, float* out, int length, std::size_t step) {
        dilate_line(in, out, length, step, window);
      });
  const auto threshold = static_cast<float>(options.minimal_confidence);
  std::vector<PeakCell> cells;
  std::size_t at = 0;
  for (int image = 0; image < smooth.count; ++image)
    for (int row = 0; row < smooth.height; ++row)
      for (int column = 0; column < smooth.width; ++column)
        for (int keypoint = 0; keypoint < options.keypoints; ++keypoint, ++at) {
          const bool highest_here = smooth.values[at] == highest.values[at];
          if ((highest_here ? smooth.values[at] : 0.0F) >= threshold)
            cells.push_back({image, row, column, keypoint});
        }
  return cells;
}

}  // namespace poseheir
