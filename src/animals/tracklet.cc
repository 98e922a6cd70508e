#include "animals/tracklet.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "animals/shapes.h"

namespace poseheir {
namespace {

constexpr double kLeastWeight = 1e-10;  // so that no mean divides by zero

bool precedes(const Tracklet& a, const Tracklet& b) { return a.end() < b.start(); }

double distance(const Point& a, const Point& b) {
  return std::sqrt((a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y));
}

bool ascends(const std::vector<int>& frames) {
  return std::adjacent_find(frames.begin(), frames.end(), std::greater_equal<>()) == frames.end();
}

void sort_by_frame(Tracklet& tracklet) {
  std::vector<std::size_t> order(tracklet.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return tracklet.frames[a] < tracklet.frames[b];
  });
  Tracklet sorted;
  for (const auto n : order) {
    sorted.frames.push_back(tracklet.frames[n]);
    sorted.poses.push_back(std::move(tracklet.poses[n]));
  }
  tracklet = std::move(sorted);
}

}  // namespace

Point centroid(const PoseInTime& pose) {
  double x = 0, y = 0, weight = 0;
  for (const auto& point : pose) {
    const double likelihood = point.likelihood + kLeastWeight;
    if (std::isnan(likelihood)) continue;
    weight += likelihood;
    if (!std::isnan(point.x)) x += point.x * likelihood;
    if (!std::isnan(point.y)) y += point.y * likelihood;
  }
  return {x / weight, y / weight};
}

int identity_of(const Tracklet& tracklet) {
  std::map<int, int> counts;
  for (const auto& pose : tracklet.poses)
    for (const auto& point : pose)
      if (!std::isnan(point.identity)) ++counts[static_cast<int>(point.identity)];
  const auto most =
      std::max_element(counts.begin(), counts.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == counts.end() ? -1 : most->first;
}

bool share_a_frame(const Tracklet& a, const Tracklet& b) {
  if (precedes(a, b) || precedes(b, a)) return false;
  auto left = a.frames.begin(), right = b.frames.begin();
  while (left != a.frames.end() && right != b.frames.end()) {
    if (*left == *right) return true;
    ++(*left < *right ? left : right);
  }
  return false;
}

int time_gap(const Tracklet& a, const Tracklet& b) {
  if (share_a_frame(a, b)) return 0;
  return precedes(a, b) ? b.start() - a.end() : a.start() - b.end();
}

double end_distance(const Tracklet& a, const Tracklet& b) {
  const auto& first = precedes(a, b) ? a : b;
  const auto& second = precedes(a, b) ? b : a;
  return distance(centroid(first.poses.back()), centroid(second.poses.front()));
}

double end_overlap(const Tracklet& a, const Tracklet& b) {
  if (share_a_frame(a, b)) return 0;
  const auto& first = precedes(a, b) ? a : b;
  const auto& second = precedes(a, b) ? b : a;
  return intersection_over_union(bounding_box(first.poses.back(), 0),
                                 bounding_box(second.poses.front(), 0));
}

Tracklet joined(const Tracklet& a, const Tracklet& b) {
  Tracklet both = a;
  both.frames.insert(both.frames.end(), b.frames.begin(), b.frames.end());
  both.poses.insert(both.poses.end(), b.poses.begin(), b.poses.end());
  if (!ascends(both.frames)) sort_by_frame(both);
  return both;
}

Tracklet joined(const std::vector<const Tracklet*>& parts) {
  Tracklet sum;
  for (const auto* part : parts) sum = joined(sum, *part);
  return sum;
}

std::vector<Tracklet> pure_parts(const Tracklet& tracklet, bool split) {
  std::vector<Tracklet> parts;
  for (std::size_t n = 0; n < tracklet.size(); ++n) {
    const auto& pose = tracklet.poses[n];
    if (std::all_of(pose.begin(), pose.end(),
                    [](const auto& point) { return std::isnan(point.x) && std::isnan(point.y); }))
      continue;
    const int frame = tracklet.frames[n];
    if (parts.empty() || (split && frame != parts.back().end() + 1)) parts.emplace_back();
    parts.back().frames.push_back(frame);
    parts.back().poses.push_back(pose);
  }
  return parts;
}

}  // namespace poseheir
