#include "poseheir/detections.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>

#include "animals/rounding.h"
#include "animals/smoothing.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

std::size_t cell_index(const FeatureMap& map, const PeakCell& cell) {
  return (static_cast<std::size_t>(cell.image) * map.height + cell.row) * map.width + cell.column;
}

void check_channels(const FeatureMap& map, int channels, const char* name) {
  if (map.channels != channels)
    throw Error(ErrorKind::mismatch,
                fmt::format("{} has {} channels, expected {}", name, map.channels, channels));
}

void check_maps(const FeatureMap& part_pred, const FeatureMap& locref, const FeatureMap* fields,
                const DetectionOptions& options) {
  check_channels(part_pred, options.keypoints + options.identity_channels, "part_pred");
  check_channels(locref, options.keypoints * 2, "locref");
  if (options.graph.empty()) return;
  if (fields == nullptr)
    throw Error(ErrorKind::mismatch, "a skeleton is given, but the network has no limb fields");
  check_channels(*fields, static_cast<int>(options.graph.size()) * 2, "pairwise_pred");
}

FeatureMap probabilities(FeatureMap logits) {
  for (auto& value : logits.values) value = 1 / (1 + std::exp(-value));
  return logits;
}

Peak peak_at(const FeatureMap& scores, const FeatureMap& locref, const PeakCell& cell,
             const DetectionOptions& options) {
  const auto at = cell_index(scores, cell);
  const auto stdev = static_cast<float>(options.locref_stdev);
  const float* offset = &locref.values[(at * options.keypoints + cell.keypoint) * 2];
  const double half = std::floor(options.stride_pixels / 2);
  return {
      round_to_thousandths(options.stride_pixels * cell.column + half + double(offset[0] * stdev)),
      round_to_thousandths(options.stride_pixels * cell.row + half + double(offset[1] * stdev)),
      round_to_thousandths(scores.values[at * scores.channels + cell.keypoint])};
}

void append_identity(std::vector<float>& identity, const FeatureMap& scores, const PeakCell& cell,
                     const DetectionOptions& options) {
  const float* channels =
      &scores.values[cell_index(scores, cell) * scores.channels + options.keypoints];
  for (int channel = 0; channel < options.identity_channels; ++channel)
    identity.push_back(round_to_thousandths(channels[channel]));
}

// DeepLabCut takes "any index that is not 0" for "any peak".
bool any_index(const std::vector<PeakCell>& cells) {
  return std::any_of(cells.begin(), cells.end(),
                     [](const PeakCell& cell) { return cell != PeakCell{}; });
}

}  // namespace

std::vector<int> DetectionOptions::used_limbs() const {
  if (!limbs.empty()) return limbs;
  std::vector<int> all(graph.size());
  std::iota(all.begin(), all.end(), 0);
  return all;
}

std::vector<Detections> detect(const FeatureMap& part_pred, const FeatureMap& locref,
                               const FeatureMap* fields, const DetectionOptions& options) {
  check_maps(part_pred, locref, fields, options);
  const auto scores = probabilities(part_pred);
  const auto cells = find_peaks(scores, options);
  if (!any_index(cells)) return {};
  const auto offsets = options.smooth_locref ? smoothed(locref, options) : locref;

  std::vector<Detections> batch(part_pred.count);
  for (auto& detections : batch) {
    detections.peaks.resize(options.keypoints);
    detections.identity_channels = options.identity_channels;
    if (options.identity_channels > 0) detections.identity.resize(options.keypoints);
  }
  for (const auto& cell : cells) {
    auto& detections = batch[cell.image];
    detections.peaks[cell.keypoint].push_back(peak_at(scores, offsets, cell, options));
    if (options.identity_channels > 0)
      append_identity(detections.identity[cell.keypoint], scores, cell, options);
  }
  if (options.graph.empty()) return batch;
  auto costs = limb_costs(*fields, cells, options);
  for (std::size_t image = 0; image < batch.size(); ++image)
    batch[image].costs = std::move(costs[image]);
  return batch;
}

}  // namespace poseheir
