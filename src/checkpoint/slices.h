// Pieces of a partitioned variable: checked to cover it exactly once, and put together.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace poseheir {

struct Extent {
  std::int64_t start = 0;
  std::int64_t length = -1;  // -1: the whole dimension

  bool operator==(const Extent&) const = default;
};

using TensorSlice = std::vector<Extent>;  // one extent a dimension

// "0:2,0:3", for error texts.
std::string slice_text(const TensorSlice& slice);

// The shape of a slice of a tensor; throws Error(corrupt) where it reaches outside.
std::vector<std::int64_t> slice_shape(const TensorSlice& slice,
                                      std::span<const std::int64_t> shape);

// Throws Error(corrupt) unless every element of `shape` lies in exactly one slice. Needs one bit an
// element: compare the shape with the data that are there before.
void check_cover(std::span<const TensorSlice> slices, std::span<const std::int64_t> shape);

// Copies the bytes of one slice into its place in the whole tensor.
void copy_slice(Bytes part, const TensorSlice& slice, std::span<const std::int64_t> shape,
                std::size_t element_size, std::span<std::byte> whole);

}  // namespace poseheir
