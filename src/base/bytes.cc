#include "base/bytes.h"

#include <fmt/format.h>

namespace poseheir {

std::uint64_t ByteReader::read_varint64() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    const auto byte = read<std::uint8_t>();
    const std::uint64_t bits = byte & 0x7FU;
    if (shift == 63 && bits > 1) break;
    value |= bits << shift;
    if ((byte & 0x80U) == 0) return value;
  }
  throw Error(ErrorKind::corrupt,
              fmt::format("offset {}: a number of more than 64 bits", offset()));
}

std::uint32_t ByteReader::read_varint32() {
  const auto start = offset();
  const auto value = read_varint64();
  if (value > 0xFFFFFFFFU) {
    throw Error(ErrorKind::corrupt, fmt::format("offset {}: a number of more than 32 bits", start));
  }
  return static_cast<std::uint32_t>(value);
}

void ByteReader::throw_short(std::uint64_t wanted) const {
  throw Error(ErrorKind::corrupt, fmt::format("offset {}: expected {} more bytes, found {}",
                                              offset(), wanted, remaining()));
}

void ByteWriter::write_varint(std::uint64_t value) {
  while (value >= 0x80) {
    write(static_cast<std::uint8_t>(value | 0x80U));
    value >>= 7U;
  }
  write(static_cast<std::uint8_t>(value));
}

}  // namespace poseheir
