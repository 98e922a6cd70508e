#include "dlc/limbs.h"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>
#include <random>

#include "poseheir/error.h"

namespace poseheir {
namespace {

using Limbs = std::vector<std::array<int, 2>>;

constexpr std::size_t kMostLimbs = 105;  // of the complete graph of 15 body parts
constexpr int kMeanDegree = 6;

bool connects_all(const Limbs& limbs, int parts) {
  std::vector<int> group(static_cast<std::size_t>(parts));
  std::iota(group.begin(), group.end(), 0);
  for (const auto& [a, b] : limbs) {
    const int from = group[static_cast<std::size_t>(a)], to = group[static_cast<std::size_t>(b)];
    std::replace(group.begin(), group.end(), from, to);
  }
  return std::all_of(group.begin(), group.end(), [&](int g) { return g == group[0]; });
}

Limbs all_pairs(int parts) {
  Limbs limbs;
  for (int a = 0; a < parts; ++a)
    for (int b = a + 1; b < parts; ++b) limbs.push_back({a, b});
  return limbs;
}

Limbs some_of(const Limbs& all, int parts, std::uint64_t seed) {
  const auto wanted = static_cast<std::size_t>((parts * kMeanDegree + 1) / 2);
  std::mt19937_64 random(seed);
  while (true) {
    auto limbs = all;
    for (std::size_t i = 0; i < wanted; ++i)
      std::swap(limbs[i], limbs[i + random() % (limbs.size() - i)]);
    limbs.resize(wanted);
    std::sort(limbs.begin(), limbs.end());
    if (connects_all(limbs, parts)) return limbs;
  }
}

Limbs of_skeleton(const Project& project, const std::vector<std::string>& parts) {
  const auto index = [&](const std::string& name) {
    return static_cast<int>(std::find(parts.begin(), parts.end(), name) - parts.begin());
  };
  const int count = static_cast<int>(parts.size());
  Limbs limbs;
  for (const auto& [from, to] : project.skeleton) {
    const auto [a, b] = std::minmax({index(from), index(to)});
    if (b < count && a != b) limbs.push_back({a, b});  // unique body parts have no limbs
  }
  std::vector<bool> used(parts.size());
  for (const auto& limb : limbs)
    for (const int part : limb) used[static_cast<std::size_t>(part)] = true;
  const auto lone = std::find(used.begin(), used.end(), false);
  if (lone != used.end())
    throw Error(ErrorKind::usage,
                fmt::format("config.yaml's skeleton has no limb at '{}'; every body part of the "
                            "animals needs one, or learn all limbs",
                            parts[static_cast<std::size_t>(lone - used.begin())]));
  return limbs;
}

}  // namespace

std::vector<std::array<int, 2>> choose_limbs(const Project& project,
                                             const TrainingSetOptions& options) {
  const auto parts = animal_bodyparts(project);
  if (options.limbs_from_skeleton) return of_skeleton(project, parts);
  const int count = static_cast<int>(parts.size());
  const auto all = all_pairs(count);
  return all.size() < kMostLimbs ? all : some_of(all, count, options.seed);
}

}  // namespace poseheir
