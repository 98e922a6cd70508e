#include "checkpoint/ordered_code.h"

#include <array>

namespace poseheir {

void append_ordered(std::string& key, std::uint64_t value) {
  int size = 0;
  while (size < 8 && (value >> (8 * size)) != 0) ++size;
  key.push_back(static_cast<char>(size));
  for (int i = size - 1; i >= 0; --i) key.push_back(static_cast<char>(value >> (8 * i)));
}

void append_ordered(std::string& key, std::string_view text) {
  using namespace std::string_view_literals;
  for (const char c : text) {
    key.push_back(c);
    if (c == '\0') key.push_back('\xFF');
    if (c == '\xFF') key.push_back('\0');
  }
  key += "\0\1"sv;
}

void append_ordered_signed(std::string& key, std::int64_t value) {
  // n bytes hold 7n - 1 bits and a sign, below n leading bits that are flipped.
  int size = 1;
  const auto magnitude = static_cast<std::uint64_t>(value < 0 ? ~value : value);
  while (size < 10 && (7 * size - 1 < 64) && (magnitude >> (7 * size - 1)) != 0) ++size;
  std::array<unsigned char, 10> bytes{};
  for (int i = 0; i < 10; ++i) {  // sign-extended, big-endian
    const int shift = 8 * (9 - i);
    bytes[static_cast<std::size_t>(i)] =
        static_cast<unsigned char>(shift >= 64 ? (value < 0 ? 0xFF : 0) : value >> shift);
  }
  const auto first = static_cast<std::size_t>(10 - size);
  for (int bit = 0; bit < size; ++bit)
    bytes[first + static_cast<std::size_t>(bit / 8)] ^= static_cast<unsigned char>(0x80 >> bit % 8);
  key.append(reinterpret_cast<const char*>(bytes.data()) + first, static_cast<std::size_t>(size));
}

std::string slice_key(std::string_view name, const TensorSlice& slice) {
  std::string key;
  append_ordered(key, std::uint64_t{0});
  append_ordered(key, name);
  append_ordered(key, slice.size());
  for (const auto& extent : slice) {
    append_ordered_signed(key, extent.start);
    append_ordered_signed(key, extent.length);
  }
  return key;
}

}  // namespace poseheir
