#include <cmath>
#include <fmt/format.h>
#include <map>
#include <numeric>
#include <random>

#include "poseheir/error.h"
#include "poseheir/project.h"

namespace poseheir {
namespace {

// numpy.random.RandomState(seed).permutation(count), number for number: a split can be made again
// with DeepLabCut's own tools.
std::vector<int> numpy_permutation(int count, std::uint32_t seed) {
  std::vector<int> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  std::mt19937 generator(seed);
  for (std::uint32_t i = static_cast<std::uint32_t>(count) - 1; i > 0 && count > 1; --i) {
    std::uint32_t mask = i;
    for (const int shift : {1, 2, 4, 8, 16}) mask |= mask >> shift;
    std::uint32_t j = 0;
    do {
      j = static_cast<std::uint32_t>(generator()) & mask;
    } while (j > i);
    std::swap(order[i], order[j]);
  }
  return order;
}

void check_fraction(double fraction) {
  if (!(fraction > 0 && fraction <= 1) || std::nearbyint(fraction * 100) / 100 != fraction)
    throw Error(
        ErrorKind::usage,
        fmt::format("training fraction {}: expected a number from 0.01 to 1 of two decimals",
                    fraction));
}

}  // namespace

Split make_split(int rows, double fraction, std::uint64_t seed) {
  check_fraction(fraction);
  if (rows < 1) throw Error(ErrorKind::usage, "no labelled images to split");
  const auto order = numpy_permutation(rows, static_cast<std::uint32_t>(seed ^ (seed >> 32)));
  const auto train = static_cast<std::ptrdiff_t>(rows * fraction);
  return {{order.begin(), order.begin() + train}, {order.begin() + train, order.end()}, fraction};
}

Split split_by_time(const std::vector<std::vector<std::string>>& pictures, double fraction) {
  check_fraction(fraction);
  if (pictures.empty()) throw Error(ErrorKind::usage, "no labelled images to split");
  std::map<std::vector<std::string>, std::map<std::string, int>> folders;
  for (std::size_t row = 0; row < pictures.size(); ++row) {
    auto folder = pictures[row];
    const auto name = folder.back();
    folder.pop_back();
    folders[folder][name] = static_cast<int>(row);
  }
  Split split;
  split.fraction = fraction;
  for (const auto& [folder, rows] : folders) {
    auto left = static_cast<std::size_t>(static_cast<double>(rows.size()) * fraction);
    for (const auto& [name, row] : rows) {
      auto& side = left > 0 ? split.train : split.test;
      side.push_back(row);
      if (left > 0) --left;
    }
  }
  return split;
}

}  // namespace poseheir
