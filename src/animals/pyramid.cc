#include "poseheir/pyramid.h"

#include <algorithm>
#include <cmath>

namespace poseheir {
namespace {

constexpr int kStepPixels = 50;

// DeepLabCut's factor is that of the heights for both coordinates.
PredictedPoint best_peak(const std::vector<Peak>& peaks, double picture_per_scaled) {
  const auto best = std::max_element(peaks.begin(), peaks.end(), [](const Peak& a, const Peak& b) {
    return a.confidence < b.confidence;
  });
  return {best->x * picture_per_scaled, best->y * picture_per_scaled, double(best->confidence)};
}

// [keypoint]; missing throughout for a scale without detections.
std::vector<PredictedPoint> points_of(const ScaleDetections& scale, int height, int keypoints,
                                      const PredictedPoint& not_found) {
  std::vector<PredictedPoint> points(keypoints);
  if (!scale.detections) return points;
  const double factor = double(height) / scale.height;
  for (int keypoint = 0; keypoint < keypoints; ++keypoint) {
    const auto& peaks = scale.detections->peaks[keypoint];
    points[keypoint] = peaks.empty() ? not_found : best_peak(peaks, factor);
  }
  return points;
}

double median(std::vector<double> values) {
  std::erase_if(values, [](double value) { return std::isnan(value); });
  if (values.empty()) return kMissing;
  std::sort(values.begin(), values.end());
  const auto middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

PredictedPoint median_point(const std::vector<PredictedPoint>& points) {
  std::vector<double> x, y, likelihood;
  for (const auto& point : points) {
    x.push_back(point.x);
    y.push_back(point.y);
    likelihood.push_back(point.likelihood);
  }
  return {median(x), median(y), median(likelihood)};
}

// How far two places lie in the same direction from the picture's corner; 0 without a direction.
double cosine(const PredictedPoint& a, const PredictedPoint& b) {
  const double cosine = (a.x * b.x + a.y * b.y) /
                        (std::sqrt(a.x * a.x + a.y * a.y) * std::sqrt(b.x * b.x + b.y * b.y));
  return std::isnan(cosine) ? 0 : cosine;
}

PredictedPoint agreed_point(std::vector<PredictedPoint> points, const PyramidOptions& options) {
  const auto middle = median_point(points);
  std::erase_if(points, [&](const PredictedPoint& point) {
    return point.likelihood < options.minimal_confidence ||
           cosine(point, middle) < options.minimal_cosine;
  });
  auto agreed = median_point(points);
  agreed.likelihood = static_cast<float>(agreed.likelihood);
  return agreed;
}

std::vector<PredictedPoint> single_scale(const ScaleDetections& scale, int height, int keypoints) {
  if (!scale.detections) return std::vector<PredictedPoint>(keypoints, {kMissing, kMissing, 0});
  return points_of(scale, height, keypoints, {});
}

}  // namespace

std::vector<int> default_scales(int height) {
  return {height - kStepPixels, height, height + kStepPixels};
}

ScaledSize scaled_size(int height, int width, int scaled_height) {
  const double width_per_height = double(width) / height;
  return {scaled_height, static_cast<int>(std::nearbyint(scaled_height * width_per_height))};
}

std::vector<PredictedPoint> combine_scales(std::span<const ScaleDetections> scales, int height,
                                           int keypoints, const PyramidOptions& options) {
  if (scales.size() == 1) return single_scale(scales[0], height, keypoints);
  std::vector<std::vector<PredictedPoint>> at_scale;
  // DeepLabCut enters a keypoint that a scale has not found as a point at the corner: it takes part
  // in the first median.
  for (const auto& scale : scales)
    at_scale.push_back(points_of(scale, height, keypoints, {0, 0, 0}));
  std::vector<PredictedPoint> combined;
  for (int keypoint = 0; keypoint < keypoints; ++keypoint) {
    std::vector<PredictedPoint> points;
    for (const auto& scale : at_scale) points.push_back(scale[keypoint]);
    combined.push_back(agreed_point(std::move(points), options));
  }
  return combined;
}

}  // namespace poseheir
