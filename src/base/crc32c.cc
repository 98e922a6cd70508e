#include "base/crc32c.h"

#include <algorithm>
#include <isa-l/crc.h>

namespace poseheir {

std::uint32_t crc32c(Bytes bytes, std::uint32_t extend) {
  // ISA-L keeps the running value un-inverted and counts in int.
  constexpr std::size_t kPiece = std::size_t{1} << 30U;
  std::uint32_t running = ~extend;
  while (!bytes.empty()) {
    const auto piece = bytes.first(std::min(kPiece, bytes.size()));
    auto* data = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(piece.data()));
    running = ::crc32_iscsi(data, static_cast<int>(piece.size()), running);
    bytes = bytes.subspan(piece.size());
  }
  return ~running;
}

}  // namespace poseheir
