#include <algorithm>
#include <cmath>
#include <numeric>

#include "animals/assignment.h"
#include "animals/parts.h"

namespace poseheir {
namespace {

double distance_to_nearest(const std::array<double, 4>& link, const LinkPlaces& places) {
  double least = INFINITY;
  for (const auto& place : places) {
    double sum = 0;
    for (std::size_t n = 0; n < link.size(); ++n) sum += std::pow(link[n] - place[n], 2);
    least = std::min(least, sum);
  }
  return std::sqrt(least);
}

// One limb's joints and what it says of them.
struct Limb {
  const std::vector<Joint>& from;
  const std::vector<Joint>& to;
  const LimbCosts& costs;
  const std::vector<const LinkPlaces*>& before;

  double affinity(std::size_t row, std::size_t column) const {
    const float value = costs.affinity[row * costs.columns + column];
    if (std::isnan(value)) return 0;
    if (before.empty()) return value;
    return static_cast<float>(value * likeness(from[row], to[column]));
  }

  // 1 for a pair where a link was in each of the frames before.
  double likeness(const Joint& a, const Joint& b) const {
    constexpr double kPerPixelAndFrame = 0.01;
    double sum = 0;
    for (std::size_t n = 0; n < before.size(); ++n)
      sum += std::exp(-kPerPixelAndFrame * static_cast<double>(n + 1) *
                      distance_to_nearest({a.x, a.y, b.x, b.y}, *before[n]));
    return sum / static_cast<double>(before.size());
  }
};

bool worth_looking_at(const LimbCosts& costs) {
  return std::any_of(costs.distance.begin(), costs.distance.end(),
                     [](float distance) { return !std::isinf(distance); });
}

// The most confident joints, as many as there are individuals, if confident enough.
std::vector<std::size_t> most_confident(const std::vector<Joint>& joints,
                                        const AssemblyOptions& options) {
  std::vector<std::size_t> order(joints.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return joints[a].confidence > joints[b].confidence;
  });
  if (order.size() > static_cast<std::size_t>(options.individuals))
    order.resize(options.individuals);
  std::erase_if(order, [&](std::size_t joint) {
    return !(joints[joint].confidence >= options.confidence_cutoff);
  });
  return order;
}

void add_best_pairs(const Limb& limb, const AssemblyOptions& options, std::vector<Link>& links) {
  const auto rows = most_confident(limb.from, options), columns = most_confident(limb.to, options);
  Matrix affinity(static_cast<int>(rows.size()), static_cast<int>(columns.size()));
  for (int row = 0; row < affinity.rows; ++row)
    for (int column = 0; column < affinity.columns; ++column)
      affinity.at(row, column) = limb.affinity(rows[row], columns[column]);
  for (const auto& [row, column] : assign(affinity, Sense::maximise))
    if (affinity.at(row, column) >= options.minimal_affinity)
      links.push_back({&limb.from[rows[row]], &limb.to[columns[column]], affinity.at(row, column)});
}

void add_greedy_pairs(const Limb& limb, const AssemblyOptions& options, std::vector<Link>& links) {
  std::vector<Link> candidates;
  for (std::size_t row = 0; row < limb.from.size(); ++row)
    for (std::size_t column = 0; column < limb.to.size(); ++column)
      if (limb.from[row].confidence * limb.to[column].confidence >=
              options.confidence_cutoff * options.confidence_cutoff &&
          limb.affinity(row, column) >= options.minimal_affinity)
        candidates.push_back({&limb.from[row], &limb.to[column], limb.affinity(row, column)});
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Link& a, const Link& b) { return a.affinity > b.affinity; });
  std::vector<const Joint*> taken;
  const auto is_taken = [&](const Joint* joint) {
    return std::find(taken.begin(), taken.end(), joint) != taken.end();
  };
  for (const auto& link : candidates) {
    if (is_taken(link.from) || is_taken(link.to)) continue;
    taken.insert(taken.end(), {link.from, link.to});
    links.push_back(link);
    if (taken.size() == 2 * static_cast<std::size_t>(options.individuals)) break;
  }
}

std::vector<const LimbCosts*> wanted_limbs(const std::vector<LimbCosts>& costs,
                                           const AssemblyOptions& options) {
  std::vector<const LimbCosts*> wanted;
  if (options.limbs.empty())
    for (const auto& limb : costs) wanted.push_back(&limb);
  for (const int number : options.limbs)
    for (const auto& limb : costs)
      if (limb.limb == number) wanted.push_back(&limb);
  return wanted;
}

}  // namespace

std::vector<Link> best_links(const JointsOfLabel& joints, const std::vector<LimbCosts>& costs,
                             const AssemblyOptions& options,
                             const std::vector<const LinkPlaces*>& before) {
  std::vector<Link> links;
  for (const auto* limb : wanted_limbs(costs, options)) {
    const auto [from, to] = options.graph[limb->limb];
    if (joints[from].empty() || joints[to].empty() || !worth_looking_at(*limb)) continue;
    const Limb pairs{joints[from], joints[to], *limb, before};
    if (options.greedy)
      add_greedy_pairs(pairs, options, links);
    else
      add_best_pairs(pairs, options, links);
  }
  return links;
}

}  // namespace poseheir
