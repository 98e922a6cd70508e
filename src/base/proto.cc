#include "base/proto.h"

#include <fmt/format.h>

namespace poseheir {

bool ProtoReader::next() {
  if (pending_) skip();
  if (bytes_.at_end()) return false;
  const auto start = bytes_.offset();
  const auto tag = bytes_.read_varint32();
  field_ = tag >> 3U;
  const auto wire = tag & 7U;
  if (field_ == 0 || wire == 3 || wire == 4 || wire > 5)
    throw Error(ErrorKind::corrupt, fmt::format("offset {}: not a message field", start));
  wire_ = static_cast<WireType>(wire);
  pending_ = true;
  return true;
}

std::uint64_t ProtoReader::varint() {
  expect(WireType::varint);
  pending_ = false;
  return bytes_.read_varint64();
}

std::int32_t ProtoReader::int32() {
  const auto start = bytes_.offset();
  const auto value = int64();
  if (value != static_cast<std::int32_t>(value))
    throw Error(ErrorKind::corrupt,
                fmt::format("offset {}: {} does not fit 32 bits", start, value));
  return static_cast<std::int32_t>(value);
}

std::uint32_t ProtoReader::fixed32() {
  return ByteReader(fixed(WireType::fixed32)).read<std::uint32_t>();
}

Bytes ProtoReader::fixed(WireType wire) {
  expect(wire);
  pending_ = false;
  return bytes_.take(wire == WireType::fixed32 ? 4 : 8);
}

Bytes ProtoReader::bytes() {
  expect(WireType::bytes);
  pending_ = false;
  return bytes_.take(bytes_.read_varint64());
}

ProtoReader ProtoReader::message() {
  const auto content = bytes();
  return ProtoReader(content, bytes_.offset() - content.size());
}

void ProtoReader::expect(WireType wire) const {
  if (wire_ != wire)
    throw Error(ErrorKind::corrupt,
                fmt::format("offset {}: field {} is of wire type {}, expected {}", bytes_.offset(),
                            field_, static_cast<int>(wire_), static_cast<int>(wire)));
}

void ProtoReader::skip() {
  pending_ = false;
  switch (wire_) {
    case WireType::varint:
      bytes_.read_varint64();
      break;
    case WireType::fixed64:
      bytes_.skip(8);
      break;
    case WireType::bytes:
      bytes_.skip(bytes_.read_varint64());
      break;
    case WireType::fixed32:
      bytes_.skip(4);
      break;
  }
}

void write_tag(ByteWriter& message, std::uint32_t field, WireType wire) {
  message.write_varint(field << 3U | static_cast<std::uint32_t>(wire));
}

void write_varint_field(ByteWriter& message, std::uint32_t field, std::uint64_t value) {
  write_tag(message, field, WireType::varint);
  message.write_varint(value);
}

void write_fixed32_field(ByteWriter& message, std::uint32_t field, std::uint32_t value) {
  write_tag(message, field, WireType::fixed32);
  message.write(value);
}

void write_bytes_field(ByteWriter& message, std::uint32_t field, std::string_view value) {
  write_tag(message, field, WireType::bytes);
  message.write_varint(value.size());
  message.append(value);
}

}  // namespace poseheir
