#include "checkpoint/table.h"

#include <algorithm>
#include <fmt/format.h>
#include <snappy.h>

#include "base/crc32c.h"
#include "base/text.h"
#include "checkpoint/formats.h"

namespace poseheir {
namespace {

constexpr std::uint64_t kMagic = 0xDB4775248B80FB57U;
constexpr std::size_t kFooterSize = 48;
constexpr std::size_t kTrailerSize = 5;  // type and checksum
constexpr std::size_t kMaxKeySize = 64 * 1024;
// No element of Snappy's format makes more than 64 bytes of 3.
constexpr std::uint64_t kMaxSnappyRatio = 22;

[[noreturn]] void fail(std::size_t offset, std::string_view text) {
  throw Error(ErrorKind::corrupt, fmt::format("offset {}: {}", offset, text));
}

std::shared_ptr<const std::string> unpack(Bytes packed, std::size_t offset) {
  const auto* data = reinterpret_cast<const char*>(packed.data());
  std::size_t size = 0;
  if (!snappy::GetUncompressedLength(data, packed.size(), &size) ||
      size > kMaxSnappyRatio * packed.size())
    fail(offset, "a Snappy block of impossible size");
  auto unpacked = std::make_shared<std::string>(size, '\0');
  if (!snappy::RawUncompress(data, packed.size(), unpacked->data()))
    fail(offset, "a damaged Snappy block");
  return unpacked;
}

struct Restarts {
  std::size_t count = 0;
  std::size_t entries_end = 0;  // where the array begins
};

Restarts read_restarts(Bytes body, std::size_t offset) {
  if (body.size() < 4) fail(offset, "a block without restart points");
  ByteReader tail(body.last(4));
  const auto count = tail.read<std::uint32_t>();
  if (count == 0 || count > (body.size() - 4) / 4)
    fail(offset + body.size() - 4,
         fmt::format("{} restart points in a block of {} bytes", count, body.size()));
  return {count, body.size() - 4 - 4 * std::size_t{count}};
}

std::uint32_t restart(Bytes body, const Restarts& restarts, std::size_t number) {
  return ByteReader(body.subspan(restarts.entries_end + 4 * number)).read<std::uint32_t>();
}

}  // namespace

bool is_table(Bytes file) {
  return file.size() >= kFooterSize && ByteReader(file.last(8)).read<std::uint64_t>() == kMagic;
}

SortedTable::SortedTable(Bytes file) : file_(file) {
  if (file.size() < kFooterSize)
    fail(0, fmt::format("expected a table of at least {} bytes, found {} bytes", kFooterSize,
                        file.size()));
  const auto footer_offset = file.size() - kFooterSize;
  if (!is_table(file)) fail(file.size() - 8, "a table's last eight bytes are missing or changed");
  ByteReader footer(file.subspan(footer_offset, kFooterSize - 8), footer_offset);
  const auto metaindex = read_handle(footer);
  const auto index = read_handle(footer);
  // Padded numbers mean the same, but no writer makes them: a bit has changed.
  if (footer.position() != handle_size(metaindex) + handle_size(index))
    fail(footer_offset, "the footer is damaged");
  while (!footer.at_end()) {
    const auto offset = footer.offset();
    if (footer.read<std::uint8_t>() != 0) fail(offset, "the footer's padding is not zero");
  }
  // TensorFlow's is always empty; leveldb would list filters here, which do not concern us.
  scan_block(load(metaindex), [](std::string_view, const TableValue&) { return true; });
  read_index(index);
}

std::size_t SortedTable::handle_size(const Handle& handle) {
  ByteWriter writer;
  writer.write_varint(handle.offset);
  writer.write_varint(handle.size);
  return writer.size();
}

SortedTable::Handle SortedTable::read_handle(ByteReader& reader) {
  Handle handle;
  handle.offset = reader.read_varint64();
  handle.size = reader.read_varint64();
  return handle;
}

SortedTable::Block SortedTable::load(const Handle& handle) const {
  const std::uint64_t room = file_.size() - kFooterSize;
  if (handle.offset > room || room - handle.offset < kTrailerSize ||
      handle.size > room - handle.offset - kTrailerSize)
    fail(file_.size() - kFooterSize, fmt::format("a block of {} bytes at {} lies outside the file",
                                                 handle.size, handle.offset));
  const auto offset = static_cast<std::size_t>(handle.offset);
  const auto size = static_cast<std::size_t>(handle.size);
  const auto body = file_.subspan(offset, size);
  ByteReader trailer(file_.subspan(offset + size, kTrailerSize), offset + size);
  const auto type = trailer.read<std::uint8_t>();
  const auto stored = trailer.read<std::uint32_t>();
  if (mask_crc(crc32c(file_.subspan(offset, size + 1))) != stored)
    fail(offset, fmt::format("the checksum of the block of {} bytes is wrong", size));
  if (type == 0) return {body, offset, nullptr};
  if (type != 1) fail(offset + size, fmt::format("unknown block type {}", type));
  auto unpacked = unpack(body, offset);
  const auto bytes = as_bytes_of(*unpacked);
  return {bytes, 0, std::move(unpacked)};
}

void SortedTable::read_index(const Handle& handle) {
  const auto block = load(handle);
  std::uint64_t end = 0;
  scan_block(block, [&](std::string_view key, const TableValue& value) {
    ByteReader reader(value.bytes, value.offset);
    const auto data = read_handle(reader);
    if (data.offset < end) fail(value.offset, "data blocks overlap or are out of order");
    if (data.size > file_.size() || data.offset > file_.size())
      fail(value.offset,
           fmt::format("a block of {} bytes at {} lies outside the file", data.size, data.offset));
    end = data.offset + data.size + kTrailerSize;
    blocks_.push_back({data, std::string(key)});
    return true;
  });
}

void SortedTable::scan(
    const std::function<void(std::string_view key, const TableValue& value)>& visit) const {
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    scan_data_block(i, [&](std::string_view key, const TableValue& value) {
      visit(key, value);
      return true;
    });
  }
}

std::optional<TableValue> SortedTable::find(std::string_view key) const {
  const auto block = std::lower_bound(
      blocks_.begin(), blocks_.end(), key,
      [](const DataBlock& data, std::string_view wanted) { return data.last < wanted; });
  if (block == blocks_.end()) return std::nullopt;
  std::optional<TableValue> found;
  scan_data_block(static_cast<std::size_t>(block - blocks_.begin()),
                  [&](std::string_view candidate, const TableValue& value) {
                    if (candidate == key) found = value;
                    return candidate < key;
                  });
  return found;
}

void SortedTable::scan_data_block(std::size_t number, const Visit& visit) const {
  const auto& data = blocks_[number];
  const auto block = load(data.handle);
  scan_block(block, [&](std::string_view key, const TableValue& value) {
    if (key > data.last || (number > 0 && key <= blocks_[number - 1].last))
      fail(value.offset,
           fmt::format("key '{}' is not in the block where the index puts it", printable(key)));
    return visit(key, value);
  });
}

void SortedTable::scan_block(const Block& block, const Visit& visit) {
  const auto restarts = read_restarts(block.body, block.offset);
  if (restart(block.body, restarts, 0) != 0) fail(block.offset, "restart point 0 is not at 0");
  ByteReader entries(block.body.first(restarts.entries_end), block.offset);
  std::string key;
  std::size_t next_restart = 0;
  for (bool first = true; !entries.at_end(); first = false) {
    const auto offset = entries.offset();
    const bool at_restart = next_restart < restarts.count &&
                            restart(block.body, restarts, next_restart) == entries.position();
    const std::size_t shared = entries.read_varint32();
    const std::size_t added = entries.read_varint32();
    const std::size_t value_size = entries.read_varint32();
    if (at_restart) ++next_restart;
    if (shared > key.size() || (at_restart && shared != 0))
      fail(offset, fmt::format("an entry shares {} bytes with a key that has {}", shared,
                               at_restart ? 0 : key.size()));
    if (shared + added > kMaxKeySize)
      fail(offset,
           fmt::format("a key of {} bytes; at most {} are sensible", shared + added, kMaxKeySize));
    const auto suffix = entries.take_text(added);
    const bool ascending = first || suffix > std::string_view(key).substr(shared);
    key.resize(shared);
    key.append(suffix);
    if (!ascending)
      fail(offset, fmt::format("key '{}' is not after the key before it", printable(key)));
    const auto value_offset = entries.offset();
    if (!visit(key, {entries.take(value_size), value_offset, block.owner})) return;
  }
  if (next_restart != restarts.count && !(next_restart == 0 && restarts.count == 1))
    fail(block.offset, fmt::format("restart point {} is not at an entry", next_restart));
}

}  // namespace poseheir
