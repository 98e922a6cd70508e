#include <cmath>
#include <fmt/format.h>
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

}  // namespace

Split make_split(int rows, double fraction, std::uint64_t seed) {
  if (!(fraction > 0 && fraction <= 1) || std::nearbyint(fraction * 100) / 100 != fraction)
    throw Error(
        ErrorKind::usage,
        fmt::format("training fraction {}: expected a number from 0.01 to 1 of two decimals",
                    fraction));
  if (rows < 1) throw Error(ErrorKind::usage, "no labelled images to split");
  const auto order = numpy_permutation(rows, static_cast<std::uint32_t>(seed ^ (seed >> 32)));
  const auto train = static_cast<std::ptrdiff_t>(rows * fraction);
  return {{order.begin(), order.begin() + train}, {order.begin() + train, order.end()}, fraction};
}

}  // namespace poseheir
