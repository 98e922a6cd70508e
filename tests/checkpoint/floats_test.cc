#include <cmath>
#include <gtest/gtest.h>

#include "checkpoint/formats.h"
#include "expect_error.h"

namespace poseheir {
namespace {

StoredTensor stored(DType dtype, std::int64_t count, std::string bytes) {
  const auto file = MappedFile::of_memory("memory", std::move(bytes));
  return stored_view({"t", dtype, {count}}, file, file->bytes());
}

TEST(ReadFloats, WidensSmallFloats) {
  using namespace std::string_literals;
  EXPECT_EQ(read_floats(stored(DType::f16, 4, "\x00\x3E\x01\x00\xFF\x7B\x00\xFC"s)),
            (std::vector<float>{1.5F, 5.9604645e-8F, 65504.0F, -HUGE_VALF}));
  EXPECT_EQ(read_floats(stored(DType::bf16, 2, "\xC0\x3F\x80\xFF"s)),
            (std::vector<float>{1.5F, -HUGE_VALF}));
  EXPECT_EQ(read_floats(stored(DType::f8_e4m3, 3, "\x38\x7E\x01"s)),
            (std::vector<float>{1.0F, 448.0F, 0.001953125F}));
  EXPECT_EQ(read_floats(stored(DType::f8_e5m2, 3, "\x3C\x7B\x7C"s)),
            (std::vector<float>{1.0F, 57344.0F, HUGE_VALF}));
  EXPECT_EQ(read_floats(stored(DType::f8_e4m3fnuz, 2, "\x40\x7F"s)),
            (std::vector<float>{1.0F, 240.0F}));
  EXPECT_EQ(read_floats(stored(DType::f8_e5m2fnuz, 2, "\x40\x7F"s)),
            (std::vector<float>{1.0F, 57344.0F}));
  EXPECT_EQ(read_floats(stored(DType::f8_e8m0, 2, "\x7F\x80"s)), (std::vector<float>{1.0F, 2.0F}));
}

TEST(ReadFloats, KeepsNotANumber) {
  EXPECT_TRUE(std::isnan(read_floats(stored(DType::f16, 1, "\x01\x7C"))[0]));
  EXPECT_TRUE(std::isnan(read_floats(stored(DType::f8_e4m3, 1, "\xFF"))[0]));
  EXPECT_TRUE(std::isnan(read_floats(stored(DType::f8_e4m3fnuz, 1, "\x80"))[0]));
  EXPECT_TRUE(std::isnan(read_floats(stored(DType::f8_e8m0, 1, "\xFF"))[0]));
}

TEST(ReadFloats, RefusesComplexNumbers) {
  EXPECT_ERROR(read_floats(stored(DType::c64, 1, "12345678")), ErrorKind::mismatch,
               "tensor 't' is complex64");
}

TEST(Shapes, RefuseWhatNoFileCanHold) {
  const std::vector<std::int64_t> negative{3, -1};
  const std::vector<std::int64_t> huge{INT64_MAX, 2};
  EXPECT_ERROR(element_count(negative), ErrorKind::corrupt, "shape [3,-1]: a negative size");
  EXPECT_ERROR(checked_byte_size(DType::f32, huge), ErrorKind::corrupt,
               "more elements than a file can hold");
  EXPECT_EQ(shape_text(std::vector<std::int64_t>{3, 3, 39, 2048}), "[3,3,39,2048]");
}

}  // namespace
}  // namespace poseheir
