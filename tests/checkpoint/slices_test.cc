#include "checkpoint/slices.h"

#include <gtest/gtest.h>

#include "expect_error.h"

namespace poseheir {
namespace {

const std::vector<std::int64_t> kShape{4, 3};

TEST(Slices, CoverATensorExactlyOnce) {
  EXPECT_NO_THROW(
      check_cover(std::vector<TensorSlice>{{{0, 2}, {0, -1}}, {{2, 2}, {0, 3}}}, kShape));
  EXPECT_ERROR(check_cover(std::vector<TensorSlice>{{{0, 2}, {0, 3}}, {{3, 1}, {0, 3}}}, kShape),
               ErrorKind::corrupt, "hold 9 of the 12 elements of [4,3]");
  EXPECT_ERROR(check_cover(std::vector<TensorSlice>{{{0, 3}, {0, 3}}, {{2, 1}, {0, 3}}}, kShape),
               ErrorKind::corrupt, "slice 2:1,0:3 overlaps");
}

TEST(Slices, StayInsideTheShape) {
  for (const TensorSlice& slice : std::vector<TensorSlice>{{{0, 5}, {0, 3}},
                                                           {{-1, 2}, {0, 3}},
                                                           {{4, 1}, {0, 3}},
                                                           {{INT64_MAX, INT64_MAX}, {0, 3}},
                                                           {{1, -1}, {0, 3}},
                                                           {{0, -2}, {0, 3}},
                                                           {{0, 4}}})
    EXPECT_ERROR(slice_shape(slice, kShape), ErrorKind::corrupt, "outside the shape [4,3]");
}

TEST(Slices, ArePutInTheirPlace) {
  std::string whole(12, '.');
  const auto target = std::as_writable_bytes(std::span(whole));
  copy_slice(as_bytes_of("abcd"), {{1, 2}, {1, 2}}, kShape, 1, target);
  EXPECT_EQ(whole, "....ab.cd...");
  copy_slice(as_bytes_of("xyz"), {{3, 1}, {0, -1}}, kShape, 1, target);
  EXPECT_EQ(whole, "....ab.cdxyz");
}

}  // namespace
}  // namespace poseheir
