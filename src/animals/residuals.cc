#include "animals/residuals.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "animals/tracklet.h"

namespace poseheir {
namespace {

constexpr int kMaxGap = 5;    // frames, between residuals that are joined
constexpr int kCloseGap = 3;  // frames, within which one neighbour in time says enough

// Which residual may follow which, and how little their boxes overlap.
struct Successions {
  struct Step {
    int from = 0;
    double weight = 0;
  };
  std::vector<std::vector<Step>> before;  // [residual]
  std::vector<std::vector<int>> after;    // [residual]
  std::vector<int> order;                 // residuals with any step, as they come up
};

Successions find_successions(const std::vector<const Tracklet*>& residuals) {
  Successions steps;
  const auto count = static_cast<int>(residuals.size());
  steps.before.resize(count);
  steps.after.resize(count);
  std::vector<bool> listed(count, false);
  const auto list = [&](int n) {
    if (!listed[n]) steps.order.push_back(n);
    listed[n] = true;
  };
  for (int from = 0; from < count; ++from)
    for (int to = from + 1; to < count; ++to) {
      const int gap = residuals[to]->start() - residuals[from]->end();
      if (gap < 1) continue;
      if (gap >= kMaxGap) break;
      steps.before[to].push_back({from, 1 - end_overlap(*residuals[from], *residuals[to])});
      steps.after[from].push_back(to);
      list(from);
      list(to);
    }
  return steps;
}

std::vector<std::vector<int>> components(const Successions& steps) {
  std::vector<std::vector<int>> found;
  std::vector<int> group(steps.before.size(), -1);
  for (const int seed : steps.order) {
    if (group[seed] >= 0) continue;
    const auto number = static_cast<int>(found.size());
    std::vector<int> waiting = {seed};
    group[seed] = number;
    while (!waiting.empty()) {
      const int at = waiting.back();
      waiting.pop_back();
      const auto visit = [&](int other) {
        if (group[other] < 0) waiting.push_back(other);
        group[other] = number;
      };
      for (const auto& step : steps.before[at]) visit(step.from);
      for (const int next : steps.after[at]) visit(next);
    }
    found.emplace_back();
  }
  for (const int n : steps.order) found[group[n]].push_back(n);
  return found;
}

// Every residual after those that it may follow, generation by generation.
std::vector<int> topological(const Successions& steps, const std::vector<int>& component) {
  std::vector<std::size_t> waiting_for(steps.before.size());
  std::vector<int> order;
  for (const int n : component) {
    waiting_for[n] = steps.before[n].size();
    if (waiting_for[n] == 0) order.push_back(n);
  }
  for (std::size_t at = 0; at < order.size(); ++at)
    for (const int next : steps.after[order[at]])
      if (--waiting_for[next] == 0) order.push_back(next);
  return order;
}

// The heaviest chain of steps; among equals the first one found, as networkx finds it.
std::vector<int> longest_path(const Successions& steps, const std::vector<int>& component) {
  struct Reach {
    double length = 0;
    int from = -1;
  };
  std::vector<Reach> reach(steps.before.size());
  const auto order = topological(steps, component);
  int last = order.front();
  for (const int n : order) {
    Reach best;
    bool any = false;
    for (const auto& step : steps.before[n]) {
      const double length = reach[step.from].length + step.weight;
      if (!any || length > best.length) best = {length, step.from};
      any = true;
    }
    if (best.length >= 0) reach[n] = best;  // boxes without area give no number
    if (reach[n].length > reach[last].length) last = n;
  }
  std::vector<int> path;
  for (int n = last; n >= 0; n = reach[n].from) path.push_back(n);
  std::reverse(path.begin(), path.end());
  return path;
}

std::vector<std::size_t> tracks_with_room(const std::vector<Tracklet>& tracks,
                                          const Tracklet& residual) {
  std::vector<std::size_t> room;
  for (std::size_t n = 0; n < tracks.size(); ++n)
    if (!share_a_frame(tracks[n], residual)) room.push_back(n);
  return room;
}

double distance(const Point& a, const Point& b) { return std::hypot(a.x - b.x, a.y - b.y); }

// How far a residual lies from the track's poses before and after it; nothing where it has none
// after.
std::optional<double> distance_to_track(const Tracklet& residual, const Tracklet& track) {
  const auto after = std::lower_bound(track.frames.begin(), track.frames.end(), residual.end());
  if (after == track.frames.end()) return std::nullopt;
  const auto right = static_cast<std::size_t>(after - track.frames.begin());
  // DeepLabCut's index -1 is the last pose, whose gap lies in the future.
  const std::size_t left = right == 0 ? track.size() - 1 : right - 1;
  const int left_gap = residual.start() - track.frames[left];
  const int right_gap = track.frames[right] - residual.end();
  if (left_gap <= 0 && right_gap > 0) return std::nullopt;
  const double to_left = distance(centroid(track.poses[left]), centroid(residual.poses.front()));
  const double to_right = distance(centroid(track.poses[right]), centroid(residual.poses.back()));
  if (left_gap <= kCloseGap) return to_left;
  if (right_gap <= kCloseGap) return to_right;
  return to_left + to_right;
}

// Gives residuals that fit in a single track to it, until a round changes nothing more.
void fit_unambiguous(std::vector<Tracklet>& tracks, std::vector<const Tracklet*>& residuals) {
  const auto most = residuals.size();
  std::size_t attempts = 0;
  while (attempts < most && !residuals.empty()) {
    const auto round = residuals;
    for (auto residual = round.rbegin(); residual != round.rend(); ++residual) {
      const auto room = tracks_with_room(tracks, **residual);
      if (room.size() > 1) {
        ++attempts;
        continue;
      }
      if (room.size() == 1) {
        tracks[room[0]] = joined(tracks[room[0]], **residual);
        attempts = 0;
      }
      residuals.erase(std::find(residuals.begin(), residuals.end(), *residual));
    }
  }
}

}  // namespace

void join_residuals(std::vector<Tracklet>& residuals) {
  std::vector<const Tracklet*> sorted;
  for (const auto& residual : residuals) sorted.push_back(&residual);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto* a, const auto* b) { return a->start() < b->start(); });
  const auto steps = find_successions(sorted);
  std::vector<int> used;
  std::vector<Tracklet> chains;
  for (const auto& component : components(steps)) {
    const auto path = longest_path(steps, component);
    std::vector<const Tracklet*> parts;
    for (const int n : path) parts.push_back(sorted[n]);
    used.insert(used.end(), path.begin(), path.end());
    chains.push_back(joined(parts));
  }
  // DeepLabCut drops the joined ones by their place among the sorted residuals from the list that
  // is not sorted: now and then a residual goes that was not joined, and one stays that was.
  std::sort(used.rbegin(), used.rend());
  for (const int n : used) residuals.erase(residuals.begin() + n);
  residuals.insert(residuals.end(), chains.begin(), chains.end());
}

void fit_residuals(std::vector<Tracklet>& tracks, const std::vector<Tracklet>& residuals) {
  std::vector<const Tracklet*> open;
  for (const auto& residual : residuals)
    if (residual.size() > 1) open.push_back(&residual);
  std::stable_sort(open.begin(), open.end(),
                   [](const auto* a, const auto* b) { return a->size() < b->size(); });
  fit_unambiguous(tracks, open);
  for (auto residual = open.rbegin(); residual != open.rend(); ++residual) {
    const auto room = tracks_with_room(tracks, **residual);
    std::vector<std::pair<std::size_t, double>> distances;
    for (std::size_t n = 0; n < room.size(); ++n)
      if (const auto found = distance_to_track(**residual, tracks[room[n]]))
        distances.emplace_back(n, *found);
    if (distances.empty()) continue;
    const auto nearest =
        std::min_element(distances.begin(), distances.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    // With a choice, DeepLabCut takes the place among the tracks with room for the track itself.
    const auto track = distances.size() == 1 ? room[nearest->first] : nearest->first;
    tracks[track] = joined(tracks[track], **residual);
  }
}

}  // namespace poseheir
