#include "pose/decode.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>

#include "poseheir/error.h"

namespace poseheir {
namespace {

// Cells of the best scores of one keypoint, best first; equal ones in row-major order.
std::vector<int> best_cells(const FeatureMap& scores, std::size_t first, int keypoint, int count) {
  const int cells = scores.height * scores.width;
  const auto score = [&](int cell) {
    return scores.values[first + static_cast<std::size_t>(cell) * scores.channels + keypoint];
  };
  if (count == 1) {
    int best = 0;
    for (int cell = 1; cell < cells; ++cell)
      if (score(cell) > score(best)) best = cell;
    return {best};
  }
  std::vector<int> order(cells);
  std::iota(order.begin(), order.end(), 0);
  std::partial_sort(order.begin(), order.begin() + count, order.end(), [&](int a, int b) {
    return score(a) != score(b) ? score(a) > score(b) : a < b;
  });
  order.resize(count);
  return order;
}

double position(int cell, float raw_offset, const DecodeOptions& options) {
  const auto stdev = static_cast<float>(options.locref_stdev);
  const float offset = raw_offset * stdev;
  if (options.arithmetic == DecodeArithmetic::numpy)
    return cell * options.stride_pixels + 0.5 * options.stride_pixels + offset;
  const auto stride = static_cast<float>(options.stride_pixels);
  return stride * static_cast<float>(cell) + 0.5F * stride + offset;
}

}  // namespace

void apply_sigmoid(FeatureMap& map) {
  for (auto& value : map.values) value = 1 / (1 + std::exp(-value));
}

std::vector<std::vector<PredictedPoint>> decode_poses(const FeatureMap& scores,
                                                      const FeatureMap& locref,
                                                      const DecodeOptions& options) {
  const int cells = scores.height * scores.width;
  if (options.outputs < 1 || options.outputs > cells)
    throw Error(ErrorKind::mismatch,
                fmt::format("num_outputs is {}, but a map of {} x {} cells has only {}",
                            options.outputs, scores.height, scores.width, cells));
  std::vector<std::vector<PredictedPoint>> poses(scores.count);
  for (int image = 0; image < scores.count; ++image) {
    const auto first_cell = static_cast<std::size_t>(image) * cells;
    for (int keypoint = 0; keypoint < scores.channels; ++keypoint) {
      for (const int cell :
           best_cells(scores, first_cell * scores.channels, keypoint, options.outputs)) {
        const auto at = (first_cell + cell) * scores.channels + keypoint;
        poses[image].push_back({position(cell % scores.width, locref.values[2 * at], options),
                                position(cell / scores.width, locref.values[2 * at + 1], options),
                                scores.values[at]});
      }
    }
  }
  return poses;
}

}  // namespace poseheir
