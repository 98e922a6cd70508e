// Bounds-checked little-endian cursors over bytes: what every binary format here is read and
// written with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "poseheir/error.h"

namespace poseheir {

using Bytes = std::span<const std::byte>;

inline Bytes as_bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Reads forward; every read past the end throws Error(corrupt) that names the offset.
class ByteReader {
 public:
  explicit ByteReader(Bytes bytes, std::size_t base_offset = 0)
      : bytes_(bytes), base_(base_offset) {}

  std::size_t remaining() const { return bytes_.size() - position_; }
  std::size_t position() const { return position_; }
  std::size_t offset() const { return base_ + position_; }  // in the file, for error texts
  bool at_end() const { return remaining() == 0; }

  Bytes take(std::uint64_t count) {
    if (count > remaining()) throw_short(count);
    const auto taken = bytes_.subspan(position_, static_cast<std::size_t>(count));
    position_ += static_cast<std::size_t>(count);
    return taken;
  }
  std::string_view take_text(std::uint64_t count) { return as_text(take(count)); }
  void skip(std::uint64_t count) { take(count); }

  template <typename T>
  T read() {
    static_assert(std::is_trivially_copyable_v<T>);
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }

  // At most 10 bytes, refusing bits that do not fit.
  std::uint64_t read_varint64();
  std::uint32_t read_varint32();

 private:
  [[noreturn]] void throw_short(std::uint64_t wanted) const;

  Bytes bytes_;
  std::size_t base_;
  std::size_t position_ = 0;
};

class ByteWriter {
 public:
  template <typename T>
  void write(T value) {
    static_assert(std::is_trivially_copyable_v<T>);
    const auto old = text_.size();
    text_.resize(old + sizeof(T));
    std::memcpy(text_.data() + old, &value, sizeof(T));
  }
  void write_varint(std::uint64_t value);
  void append(std::string_view text) { text_.append(text); }
  void append(Bytes bytes) { text_.append(as_text(bytes)); }

  std::size_t size() const { return text_.size(); }
  const std::string& text() const { return text_; }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace poseheir
