// One Protocol Buffers message, field by field, without allocation; and the few things needed to
// write one.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace poseheir {

enum class WireType : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

// while (message.next()) switch (message.field()) { case 1: … = message.varint(); }
// A field whose value is not taken is skipped. Damage throws Error(corrupt) with the offset.
class ProtoReader {
 public:
  explicit ProtoReader(Bytes message, std::size_t base_offset = 0) : bytes_(message, base_offset) {}

  bool next();
  std::uint32_t field() const { return field_; }
  WireType wire() const { return wire_; }

  std::uint64_t varint();
  std::int64_t int64() { return static_cast<std::int64_t>(varint()); }
  std::int32_t int32();  // refuses what does not fit, negatives included
  std::uint32_t fixed32();
  Bytes fixed(WireType wire);  // fixed32 or fixed64, as it stands
  Bytes bytes();
  std::string_view text() { return as_text(bytes()); }
  ProtoReader message();
  std::size_t offset() const { return bytes_.offset(); }

 private:
  void expect(WireType wire) const;
  void skip();

  ByteReader bytes_;
  std::uint32_t field_ = 0;
  WireType wire_ = WireType::varint;
  bool pending_ = false;
};

// Proto3: fields that hold zero are left out by whoever calls these.
void write_tag(ByteWriter& message, std::uint32_t field, WireType wire);
void write_varint_field(ByteWriter& message, std::uint32_t field, std::uint64_t value);
void write_fixed32_field(ByteWriter& message, std::uint32_t field, std::uint32_t value);
void write_bytes_field(ByteWriter& message, std::uint32_t field, std::string_view value);

}  // namespace poseheir
