// CRC-32C (Castagnoli), by hardware instructions where the processor has them, and the mask under
// which TensorFlow and leveldb store it.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace poseheir {

// `extend` continues a finished checksum over more bytes.
std::uint32_t crc32c(Bytes bytes, std::uint32_t extend = 0);

constexpr std::uint32_t mask_crc(std::uint32_t crc) {
  return ((crc >> 15U) | (crc << 17U)) + 0xA282EAD8U;
}
constexpr std::uint32_t unmask_crc(std::uint32_t masked) {
  const std::uint32_t rotated = masked - 0xA282EAD8U;
  return (rotated >> 17U) | (rotated << 15U);
}

}  // namespace poseheir
