#include <algorithm>
#include <cmath>
#include <numeric>

#include "poseheir/animal_metrics.h"

namespace poseheir {
namespace {

constexpr std::size_t kNeighbours = 3;

double distance(const Point& a, const Point& b) {
  return std::sqrt((a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y));
}

std::vector<int> nearest_three(const Point& label, std::span<const Point> candidates) {
  std::vector<int> order(candidates.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return distance(label, candidates[a]) < distance(label, candidates[b]);
  });
  order.resize(std::min(order.size(), kNeighbours));
  return order;
}

void match_keypoint(std::span<const Point* const> labels, const std::vector<Peak>& peaks,
                    std::span<LabelError* const> errors) {
  std::vector<Point> there, candidates;
  std::vector<std::size_t> place;
  for (std::size_t n = 0; n < labels.size(); ++n)
    if (!labels[n]->missing()) {
      there.push_back(*labels[n]);
      place.push_back(n);
    }
  for (const auto& peak : peaks) candidates.push_back({peak.x, peak.y});
  const auto matches = match_nearest(there, candidates);
  for (std::size_t n = 0; n < matches.size(); ++n) {
    if (matches[n] < 0) continue;
    const auto& peak = peaks[matches[n]];
    *errors[place[n]] = {{peak.x, peak.y, double(peak.confidence)},
                         distance(there[n], candidates[matches[n]])};
  }
}

}  // namespace

std::vector<int> match_nearest(std::span<const Point> labels, std::span<const Point> candidates) {
  std::vector<int> match(labels.size(), -1);
  if (candidates.empty()) return match;
  std::vector<std::vector<int>> near;
  for (const auto& label : labels) near.push_back(nearest_three(label, candidates));
  std::vector<std::size_t> order(labels.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return distance(labels[a], candidates[near[a][0]]) <
           distance(labels[b], candidates[near[b][0]]);
  });
  std::vector<bool> taken(candidates.size(), false);
  for (const auto label : order)
    for (const int candidate : near[label])
      if (!taken[candidate]) {
        taken[candidate] = true;
        match[label] = candidate;
        break;
      }
  return match;
}

std::vector<LabelError> label_errors(const LabelledFrame& labels, const Detections& detections) {
  const auto keypoints = labels.animals.empty() ? 0 : labels.animals[0].size();
  std::vector<LabelError> errors(labels.animals.size() * keypoints + labels.unique.size());
  for (std::size_t keypoint = 0; keypoint < detections.peaks.size(); ++keypoint) {
    std::vector<const Point*> points;
    std::vector<LabelError*> targets;
    if (keypoint < keypoints) {
      for (std::size_t animal = 0; animal < labels.animals.size(); ++animal) {
        points.push_back(&labels.animals[animal][keypoint]);
        targets.push_back(&errors[animal * keypoints + keypoint]);
      }
    } else if (keypoint - keypoints < labels.unique.size()) {
      points.push_back(&labels.unique[keypoint - keypoints]);
      targets.push_back(&errors[labels.animals.size() * keypoints + keypoint - keypoints]);
    }
    match_keypoint(points, detections.peaks[keypoint], targets);
  }
  return errors;
}

}  // namespace poseheir
