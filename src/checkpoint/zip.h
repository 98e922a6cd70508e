// A zip archive in memory, as far as PyTorch uses them: where each entry's bytes lie.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace poseheir {

struct ZipEntry {
  std::string_view name;  // lies in the file
  Bytes stored;           // as they lie in the file
  bool deflated = false;
  std::uint64_t size = 0;  // of the content
  std::uint32_t crc32 = 0;
};

// Every entry, sorted by name. The central directory decides; refused are local headers that
// disagree with it, entries that overlap each other or the directory, doubled or unsafe names,
// encrypted and multi-disk archives, and sizes that no deflate of this file could have.
std::vector<ZipEntry> read_zip_directory(Bytes file);

const ZipEntry* find_entry(const std::vector<ZipEntry>& entries, std::string_view name);

// The content of a deflated entry, at most `size` bytes are ever written.
std::string inflate_entry(const ZipEntry& entry);

// Throws Error(corrupt) unless the content has the CRC-32 of the directory. A CRC of zero passes:
// PyTorch writes that when told not to compute any.
void check_entry_crc(const ZipEntry& entry, Bytes content);

}  // namespace poseheir
