#include "checkpoint/slices.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <functional>

#include "poseheir/checkpoint.h"

namespace poseheir {
namespace {

// Calls `visit(first element, count)` for each contiguous run of a slice, in the slice's order.
void for_each_run(const TensorSlice& slice, std::span<const std::int64_t> shape,
                  const std::function<void(std::size_t, std::size_t)>& visit) {
  const auto lengths = slice_shape(slice, shape);
  if (element_count(lengths) == 0) return;
  // Trailing dimensions that are whole belong to the run.
  std::size_t run_dimension = shape.size();
  std::size_t run = 1;
  while (run_dimension > 0) {
    --run_dimension;
    run *= static_cast<std::size_t>(lengths[run_dimension]);
    if (lengths[run_dimension] != shape[run_dimension]) break;
  }
  std::vector<std::int64_t> at(run_dimension, 0);
  for (;;) {
    std::size_t first = 0;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      const auto start = lengths[i] == shape[i] ? 0 : slice[i].start;
      const auto place = start + (i < run_dimension ? at[i] : 0);
      first = first * static_cast<std::size_t>(shape[i]) + static_cast<std::size_t>(place);
    }
    visit(first, run);
    std::size_t i = run_dimension;
    while (i > 0 && ++at[i - 1] == lengths[i - 1]) at[--i] = 0;
    if (i == 0) return;
  }
}

}  // namespace

std::string slice_text(const TensorSlice& slice) {
  std::string text;
  for (const auto& extent : slice) {
    if (!text.empty()) text += ',';
    text += extent.length < 0 ? "-" : fmt::format("{}:{}", extent.start, extent.length);
  }
  return text;
}

std::vector<std::int64_t> slice_shape(const TensorSlice& slice,
                                      std::span<const std::int64_t> shape) {
  const auto outside = [&] {
    return Error(ErrorKind::corrupt, fmt::format("slice {} lies outside the shape {}",
                                                 slice_text(slice), shape_text(shape)));
  };
  if (slice.size() != shape.size()) throw outside();
  std::vector<std::int64_t> lengths;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const auto& extent = slice[i];
    if (extent.length < 0) {
      if (extent.start != 0 || extent.length != -1) throw outside();
      lengths.push_back(shape[i]);
      continue;
    }
    if (extent.start < 0 || extent.start > shape[i] || extent.length > shape[i] - extent.start)
      throw outside();
    lengths.push_back(extent.length);
  }
  return lengths;
}

void check_cover(std::span<const TensorSlice> slices, std::span<const std::int64_t> shape) {
  const auto total = element_count(shape);
  std::vector<bool> covered(total, false);
  std::size_t sum = 0;
  for (const auto& slice : slices) {
    for_each_run(slice, shape, [&](std::size_t first, std::size_t count) {
      const auto begin = covered.begin() + static_cast<std::ptrdiff_t>(first);
      const auto end = begin + static_cast<std::ptrdiff_t>(count);
      if (std::find(begin, end, true) != end)
        throw Error(ErrorKind::corrupt,
                    fmt::format("slice {} overlaps another slice", slice_text(slice)));
      std::fill(begin, end, true);
      sum += count;
    });
  }
  if (sum != total)
    throw Error(ErrorKind::corrupt, fmt::format("the slices hold {} of the {} elements of {}", sum,
                                                total, shape_text(shape)));
}

void copy_slice(Bytes part, const TensorSlice& slice, std::span<const std::int64_t> shape,
                std::size_t element_size, std::span<std::byte> whole) {
  std::size_t taken = 0;
  for_each_run(slice, shape, [&](std::size_t first, std::size_t count) {
    const auto from = part.subspan(taken, count * element_size);
    std::memcpy(whole.subspan(first * element_size, from.size()).data(), from.data(), from.size());
    taken += from.size();
  });
}

}  // namespace poseheir
