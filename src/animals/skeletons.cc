#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>
#include <set>

#include "poseheir/animal_metrics.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

constexpr std::size_t kBins = 100;

// Affinities of pairs within animals, and of all others.
struct Affinities {
  std::vector<double> within, between;
};

std::vector<Point> places(const std::vector<Peak>& peaks) {
  std::vector<Point> points;
  for (const auto& peak : peaks) points.push_back({peak.x, peak.y});
  return points;
}

// Which peak of a keypoint belongs to which individual.
std::map<int, int> owners(const LabelledFrame& labels, std::size_t keypoint,
                          const std::vector<Peak>& peaks) {
  std::vector<Point> points;
  std::vector<int> individuals;
  for (std::size_t n = 0; n < labels.animals.size(); ++n) {
    if (labels.animals[n][keypoint].missing()) continue;
    points.push_back(labels.animals[n][keypoint]);
    individuals.push_back(static_cast<int>(n));
  }
  std::map<int, int> peak_of;
  const auto matches = match_nearest(points, places(peaks));
  for (std::size_t n = 0; n < matches.size(); ++n)
    if (matches[n] >= 0) peak_of[individuals[n]] = matches[n];
  return peak_of;
}

void sort_pairs(const LimbCosts& costs, const std::map<int, int>& from,
                const std::map<int, int>& to, Affinities& affinities) {
  std::set<std::size_t> own;
  for (const auto& [individual, row] : from)
    if (const auto other = to.find(individual); other != to.end())
      own.insert(static_cast<std::size_t>(row) * costs.columns + other->second);
  for (std::size_t n = 0; n < costs.affinity.size(); ++n)
    (own.contains(n) ? affinities.within : affinities.between).push_back(costs.affinity[n]);
}

std::map<int, Affinities> collect(std::span<const EvaluatedFrame> frames,
                                  const std::vector<std::array<int, 2>>& graph) {
  std::map<int, Affinities> of_limb;
  for (const auto& [labels, detections, train] : frames) {
    if (!train || labels.animals.empty()) continue;
    std::vector<std::map<int, int>> owner;
    for (std::size_t keypoint = 0; keypoint < labels.animals[0].size(); ++keypoint)
      owner.push_back(owners(labels, keypoint, detections.peaks[keypoint]));
    const auto known = [&](int keypoint) {
      return static_cast<std::size_t>(keypoint) < owner.size() && !owner[keypoint].empty();
    };
    for (const auto& costs : detections.costs) {
      const auto [from, to] = graph[costs.limb];
      if (known(from) && known(to)) sort_pairs(costs, owner[from], owner[to], of_limb[costs.limb]);
    }
  }
  return of_limb;
}

// Shares of the values in 100 bins from 0 to 1, summed up.
std::vector<double> cumulated(const std::vector<double>& values) {
  std::vector<double> shares(kBins, 0.0);
  double total = 0;
  for (const double value : values) {
    if (!(value >= 0 && value <= 1)) continue;
    std::size_t bin = 0;
    while (bin + 1 < kBins && double(bin + 1) * (1.0 / kBins) <= value) ++bin;
    ++shares[bin];
    ++total;
  }
  for (auto& share : shares) share /= total;
  std::partial_sum(shares.begin(), shares.end(), shares.begin());
  return shares;
}

double area_under_curve(const Affinities& affinities) {
  const auto false_rate = cumulated(affinities.between), true_rate = cumulated(affinities.within);
  double area = 0;
  for (std::size_t n = 1; n < kBins; ++n)
    area += (true_rate[n] - true_rate[n - 1]) * (false_rate[n] + false_rate[n - 1]) / 2;
  return area;
}

// Kruskal's heaviest tree; among limbs of equal weight the ones that come first in `order`.
std::vector<int> heaviest_tree(const std::vector<int>& order, const std::map<int, double>& weight,
                               const std::vector<std::array<int, 2>>& graph) {
  auto limbs = order;
  std::erase_if(limbs, [&](int limb) { return !std::isfinite(weight.at(limb)); });
  std::stable_sort(limbs.begin(), limbs.end(),
                   [&](int a, int b) { return weight.at(a) > weight.at(b); });
  std::map<int, int> parent;
  const auto root = [&parent](int keypoint) {
    while (parent.emplace(keypoint, keypoint).first->second != keypoint)
      keypoint = parent[keypoint];
    return keypoint;
  };
  std::vector<int> tree;
  for (const int limb : limbs) {
    const int from = root(graph[limb][0]), to = root(graph[limb][1]);
    if (from == to) continue;
    parent[from] = to;
    tree.push_back(limb);
  }
  return tree;
}

// Limbs in the order in which networkx walks through its graph: by node, as nodes came up.
std::vector<int> walking_order(const std::vector<int>& limbs,
                               const std::vector<std::array<int, 2>>& graph) {
  std::vector<int> nodes, order;
  for (const int limb : limbs)
    for (const int node : graph[limb])
      if (std::find(nodes.begin(), nodes.end(), node) == nodes.end()) nodes.push_back(node);
  for (const int node : nodes)
    for (const int limb : limbs)
      if ((graph[limb][0] == node || graph[limb][1] == node) &&
          std::find(order.begin(), order.end(), limb) == order.end())
        order.push_back(limb);
  return order;
}

bool within_animals(const std::array<int, 2>& limb, std::size_t keypoints) {
  return limb[0] < limb[1] && static_cast<std::size_t>(limb[1]) < keypoints;
}

}  // namespace

Skeletons candidate_skeletons(std::span<const EvaluatedFrame> frames,
                              const std::vector<std::array<int, 2>>& graph, int most) {
  auto affinities = collect(frames, graph);
  const auto keypoints =
      frames.empty() || frames[0].labels.animals.empty() ? 0 : frames[0].labels.animals[0].size();
  std::vector<int> existing;
  bool several_animals = false;
  for (const auto& [limb, values] : affinities) {
    several_animals = several_animals || !values.between.empty();
    if (!values.within.empty() && within_animals(graph[limb], keypoints)) existing.push_back(limb);
  }
  Skeletons skeletons;
  if (!several_animals) {
    for (const int limb : existing) skeletons.separability[limb] = 0;
    skeletons.limbs = {existing};
    return skeletons;
  }
  for (const int limb : existing) skeletons.separability[limb] = area_under_curve(affinities[limb]);
  const auto& score = skeletons.separability;
  const auto tree = heaviest_tree(walking_order(existing, graph), score, graph);

  // The others by falling score: sorted upwards, without a number last, and turned round.
  auto others = existing;
  std::stable_sort(others.begin(), others.end(), [&](int a, int b) {
    const double x = score.at(a), y = score.at(b);
    return std::isnan(y) ? !std::isnan(x) : x < y;
  });
  std::reverse(others.begin(), others.end());
  std::erase_if(others,
                [&](int limb) { return std::find(tree.begin(), tree.end(), limb) != tree.end(); });
  skeletons.limbs = {tree};
  const auto extra = static_cast<int>(others.size()), steps = std::min(most, extra + 1);
  for (int step = 1; step < steps; ++step) {
    const double share = step == steps - 1 ? extra : step * (double(extra) / (steps - 1));
    auto limbs = tree;
    limbs.insert(limbs.end(), others.begin(), others.begin() + static_cast<int>(share));
    skeletons.limbs.push_back(std::move(limbs));
  }
  return skeletons;
}

}  // namespace poseheir
