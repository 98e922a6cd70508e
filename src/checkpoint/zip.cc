#include "checkpoint/zip.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <optional>
#include <zlib.h>

#include "base/text.h"

namespace poseheir {
namespace {

constexpr std::uint32_t kLocalMagic = 0x04034b50, kCentralMagic = 0x02014b50,
                        kEndMagic = 0x06054b50, kEnd64Magic = 0x06064b50,
                        kLocator64Magic = 0x07064b50;
constexpr std::uint32_t kSeeZip64 = 0xFFFFFFFF;
constexpr std::size_t kEndSize = 22, kLocator64Size = 20, kCentralSize = 46, kMaxComment = 65535;
constexpr std::uint16_t kEncrypted = 1, kSizesFollow = 8;

[[noreturn]] void fail(const std::string& text, ErrorKind kind = ErrorKind::corrupt) {
  throw Error(kind, text);
}

ByteReader reader_at(Bytes file, std::uint64_t offset, std::string_view what) {
  if (offset > file.size())
    fail(fmt::format("zip archive: the {} should lie at offset {}, beyond the end of the file",
                     what, offset));
  return ByteReader(file.subspan(static_cast<std::size_t>(offset)),
                    static_cast<std::size_t>(offset));
}

struct Directory {
  std::uint64_t offset = 0, size = 0, entries = 0;
};

std::size_t find_end(Bytes file) {
  if (file.size() >= kEndSize) {
    const auto lowest = file.size() - std::min(file.size(), kEndSize + kMaxComment);
    for (std::size_t at = file.size() - kEndSize + 1; at-- > lowest;) {
      ByteReader reader(file.subspan(at));
      if (reader.read<std::uint32_t>() != kEndMagic) continue;
      reader.skip(16);
      if (reader.read<std::uint16_t>() == reader.remaining()) return at;
    }
  }
  fail("zip archive: no directory at its end; the file is cut short or was not fully written");
}

// The zip64 record, to which a locator right before the end record points.
std::optional<Directory> read_end64(Bytes file, std::size_t end) {
  if (end < kLocator64Size) return std::nullopt;
  ByteReader locator(file.subspan(end - kLocator64Size), end - kLocator64Size);
  if (locator.read<std::uint32_t>() != kLocator64Magic) return std::nullopt;
  if (locator.read<std::uint32_t>() != 0)
    fail("zip archive of several disks", ErrorKind::unsupported);
  auto record = reader_at(file, locator.read<std::uint64_t>(), "zip64 record");
  if (record.read<std::uint32_t>() != kEnd64Magic) fail("zip archive: damaged zip64 record");
  record.skip(8 + 2 + 2 + 4 + 4 + 8);
  Directory directory;
  directory.entries = record.read<std::uint64_t>();
  directory.size = record.read<std::uint64_t>();
  directory.offset = record.read<std::uint64_t>();
  return directory;
}

Directory find_directory(Bytes file) {
  const auto end = find_end(file);
  ByteReader reader(file.subspan(end + 4), end + 4);
  if (reader.read<std::uint16_t>() != 0 || reader.read<std::uint16_t>() != 0)
    fail("zip archive of several disks", ErrorKind::unsupported);
  reader.skip(2);
  Directory directory;
  directory.entries = reader.read<std::uint16_t>();
  directory.size = reader.read<std::uint32_t>();
  directory.offset = reader.read<std::uint32_t>();
  if (const auto end64 = read_end64(file, end)) directory = *end64;
  if (directory.offset > end || directory.size > end - directory.offset)
    fail(fmt::format("zip archive: its directory of {} bytes at offset {} does not fit the file",
                     directory.size, directory.offset));
  if (directory.entries > directory.size / kCentralSize)
    fail(fmt::format("zip archive: {} entries cannot fit a directory of {} bytes",
                     directory.entries, directory.size));
  return directory;
}

void check_name(std::string_view name) {
  const bool is_unsafe = name.empty() || name.front() == '/' ||
                         name.find('\\') != std::string_view::npos ||
                         name.find('\0') != std::string_view::npos ||
                         fmt::format("/{}/", name).find("/../") != std::string::npos;
  if (is_unsafe) fail(fmt::format("zip archive: unsafe entry name '{}'", printable(name)));
}

struct CentralEntry {
  ZipEntry entry;
  std::uint16_t flags = 0, method = 0;
  std::uint64_t compressed = 0, local_offset = 0;
};

// Extra field 1 holds, in this order, those of the three values that did not fit 32 bits.
void read_zip64_extra(ByteReader extra, CentralEntry& central) {
  std::uint64_t* const values[] = {&central.entry.size, &central.compressed, &central.local_offset};
  if (std::none_of(std::begin(values), std::end(values), [](auto* v) { return *v == kSeeZip64; }))
    return;
  while (extra.remaining() >= 4) {
    const auto id = extra.read<std::uint16_t>();
    const auto size = extra.read<std::uint16_t>();
    ByteReader field(extra.take(size), extra.offset() - size);
    if (id != 1) continue;
    for (auto* value : values) {
      if (*value == kSeeZip64) *value = field.read<std::uint64_t>();
    }
    return;
  }
}

CentralEntry read_central(ByteReader& reader) {
  const auto offset = reader.offset();
  if (reader.read<std::uint32_t>() != kCentralMagic)
    fail(fmt::format("zip archive: damaged directory at offset {}", offset));
  CentralEntry central;
  reader.skip(4);
  central.flags = reader.read<std::uint16_t>();
  central.method = reader.read<std::uint16_t>();
  reader.skip(4);
  central.entry.crc32 = reader.read<std::uint32_t>();
  central.compressed = reader.read<std::uint32_t>();
  central.entry.size = reader.read<std::uint32_t>();
  const auto name_size = reader.read<std::uint16_t>();
  const auto extra_size = reader.read<std::uint16_t>();
  const auto comment_size = reader.read<std::uint16_t>();
  if (reader.read<std::uint16_t>() != 0)
    fail("zip archive of several disks", ErrorKind::unsupported);
  reader.skip(6);
  central.local_offset = reader.read<std::uint32_t>();
  central.entry.name = reader.take_text(name_size);
  const auto extra_offset = reader.offset();
  read_zip64_extra(ByteReader(reader.take(extra_size), extra_offset), central);
  reader.skip(comment_size);
  check_name(central.entry.name);
  return central;
}

void check_method(const CentralEntry& central, std::size_t file_size) {
  const auto name = printable(central.entry.name);
  if ((central.flags & kEncrypted) != 0)
    fail(fmt::format("zip entry '{}' is encrypted", name), ErrorKind::unsupported);
  if (central.method != 0 && central.method != 8)
    fail(fmt::format("zip entry '{}' has compression method {}; Poseheir reads 0 (stored) and 8 "
                     "(deflate)",
                     name, central.method),
         ErrorKind::unsupported);
  if (central.method == 0 && central.compressed != central.entry.size)
    fail(fmt::format("zip entry '{}': {} bytes stored, but {} expected", name, central.compressed,
                     central.entry.size));
  // One entry is unpacked at a time, so this bounds what an archive can make us allocate.
  if (central.method == 8 && central.entry.size > 16 * static_cast<std::uint64_t>(file_size))
    fail(
        fmt::format("zip entry '{}' claims to unfold to {}, more than 16 times the whole file; "
                    "save it again without compression if it is sound",
                    name, bytes_text(central.entry.size)));
}

// Where the data starts: the local header has an extra field of its own length.
std::uint64_t read_local(Bytes file, const CentralEntry& central) {
  auto reader = reader_at(file, central.local_offset, "header of an entry");
  const auto disagree = [&](std::string_view what) {
    fail(fmt::format("zip entry '{}': its header at offset {} and the directory disagree about {}",
                     printable(central.entry.name), central.local_offset, what));
  };
  if (reader.read<std::uint32_t>() != kLocalMagic) disagree("there being an entry");
  reader.skip(2);
  const auto flags = reader.read<std::uint16_t>();
  if ((flags & kEncrypted) != 0) disagree("encryption");
  if (reader.read<std::uint16_t>() != central.method) disagree("the compression method");
  reader.skip(4);
  const auto crc = reader.read<std::uint32_t>();
  const std::uint64_t compressed = reader.read<std::uint32_t>();
  const std::uint64_t size = reader.read<std::uint32_t>();
  const auto name_size = reader.read<std::uint16_t>();
  const auto extra_size = reader.read<std::uint16_t>();
  if (reader.take_text(name_size) != central.entry.name) disagree("its name");
  reader.skip(extra_size);
  // PyTorch leaves them zero, to follow the data; zip64 puts them into the extra field.
  const bool states_sizes = (flags & kSizesFollow) == 0;
  if (states_sizes && crc != central.entry.crc32) disagree("the checksum");
  if (states_sizes && compressed != kSeeZip64 && compressed != central.compressed)
    disagree("the stored size");
  if (states_sizes && size != kSeeZip64 && size != central.entry.size) disagree("the size");
  return reader.offset();
}

}  // namespace

std::vector<ZipEntry> read_zip_directory(Bytes file) {
  const auto directory = find_directory(file);
  ByteReader reader(file.subspan(static_cast<std::size_t>(directory.offset),
                                 static_cast<std::size_t>(directory.size)),
                    static_cast<std::size_t>(directory.offset));
  std::vector<ZipEntry> entries;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;  // of header and data
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    auto central = read_central(reader);
    check_method(central, file.size());
    const auto start = read_local(file, central);
    if (start > directory.offset || central.compressed > directory.offset - start)
      fail(fmt::format("zip entry '{}': {} bytes at offset {} do not lie before the directory",
                       printable(central.entry.name), central.compressed, start));
    central.entry.stored =
        file.subspan(static_cast<std::size_t>(start), static_cast<std::size_t>(central.compressed));
    central.entry.deflated = central.method == 8;
    ranges.emplace_back(central.local_offset, start + central.compressed);
    entries.push_back(central.entry);
  }
  std::sort(ranges.begin(), ranges.end());
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first < ranges[i - 1].second)
      fail(fmt::format("zip archive: two entries overlap at offset {}", ranges[i].first));
  }
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  const auto doubled =
      std::adjacent_find(entries.begin(), entries.end(),
                         [](const auto& a, const auto& b) { return a.name == b.name; });
  if (doubled != entries.end())
    fail(fmt::format("zip archive: two entries are called '{}'", printable(doubled->name)));
  return entries;
}

const ZipEntry* find_entry(const std::vector<ZipEntry>& entries, std::string_view name) {
  const auto place = std::lower_bound(
      entries.begin(), entries.end(), name,
      [](const auto& entry, std::string_view wanted) { return entry.name < wanted; });
  return place != entries.end() && place->name == name ? &*place : nullptr;
}

std::string inflate_entry(const ZipEntry& entry) {
  // zlib counts in 32 bits; a PyTorch storage of 4 GB is never deflated.
  constexpr std::uint64_t kLimit = std::numeric_limits<std::uint32_t>::max();
  const auto name = printable(entry.name);
  if (entry.size > kLimit || entry.stored.size() > kLimit)
    fail(fmt::format("zip entry '{}': more than 4 GB, deflated", name), ErrorKind::unsupported);
  std::string content(static_cast<std::size_t>(entry.size), '\0');
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) fail("zlib does not start");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(entry.stored.data()));
  stream.avail_in = static_cast<uInt>(entry.stored.size());
  Bytef none = 0;  // zlib wants an address even for nothing
  stream.next_out = content.empty() ? &none : reinterpret_cast<Bytef*>(content.data());
  stream.avail_out = static_cast<uInt>(content.size());
  const int result = inflate(&stream, Z_FINISH);
  const bool is_whole = result == Z_STREAM_END && stream.avail_out == 0;
  inflateEnd(&stream);
  if (!is_whole)
    fail(fmt::format("zip entry '{}' does not unfold to the {} bytes it claims", name, entry.size));
  return content;
}

void check_entry_crc(const ZipEntry& entry, Bytes content) {
  if (entry.crc32 == 0) return;
  const auto found = static_cast<std::uint32_t>(
      ::crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size()));
  if (found != entry.crc32)
    fail(fmt::format("zip entry '{}' is damaged: checksum {:08x} expected, {:08x} found",
                     printable(entry.name), entry.crc32, found));
}

}  // namespace poseheir
