#include "checkpoint/ordered_code.h"

#include <gtest/gtest.h>

namespace poseheir {
namespace {

using namespace std::string_literals;

std::string number(std::uint64_t value) {
  std::string key;
  append_ordered(key, value);
  return key;
}
std::string signed_number(std::int64_t value) {
  std::string key;
  append_ordered_signed(key, value);
  return key;
}
std::string text(std::string_view value) {
  std::string key;
  append_ordered(key, value);
  return key;
}

TEST(OrderedCode, WritesUnsignedNumbers) {
  EXPECT_EQ(number(0), "\0"s);
  EXPECT_EQ(number(2), "\1\2");
  EXPECT_EQ(number(256), "\2\1\0"s);
  EXPECT_EQ(number(~0ULL), "\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF");
}

TEST(OrderedCode, WritesSignedNumbers) {
  EXPECT_EQ(signed_number(0), "\x80");
  EXPECT_EQ(signed_number(2), "\x82");
  EXPECT_EQ(signed_number(63), "\xBF");
  EXPECT_EQ(signed_number(64), "\xC0\x40");
  EXPECT_EQ(signed_number(8192), "\xE0\x20\0"s);
  EXPECT_EQ(signed_number(0x424242), "\xF0\x42\x42\x42");
  EXPECT_EQ(signed_number(-1), "\x7F");
  EXPECT_EQ(signed_number(-64), "\x40");
  EXPECT_EQ(signed_number(-65), "\x3F\xBF");
  EXPECT_EQ(signed_number(-0x800), "\x38\0"s);
  EXPECT_EQ(signed_number(INT64_MAX), "\xFF\xC0\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF");
}

TEST(OrderedCode, SortsKeysLikeNumbers) {
  std::int64_t before = INT64_MIN;
  for (std::int64_t value = INT64_MIN / 2; value != 0; value /= 2) {
    EXPECT_LT(signed_number(before), signed_number(value)) << value;
    before = value;
  }
  for (std::int64_t value = 1; value < INT64_MAX / 3; value *= 3) {
    EXPECT_LT(signed_number(before), signed_number(value)) << value;
    before = value;
  }
}

TEST(OrderedCode, EscapesTheBytesThatEndTexts) {
  EXPECT_EQ(text("a\0b\xFF"s),
            "a\0\xFF"
            "b\xFF\0\0\1"s);
}

TEST(OrderedCode, MakesTheKeyOfASlice) {
  EXPECT_EQ(slice_key("emb/part_var", {{0, 2}, {0, 3}}), "\0emb/part_var\0\1\1\2\x80\x82\x80\x83"s);
  EXPECT_EQ(slice_key("w", {{0, -1}, {0, -1}}), "\0w\0\1\1\2\x80\x7F\x80\x7F"s);
}

}  // namespace
}  // namespace poseheir
