// Indexes and tables made by hand, sound and hostile, for tests.
#pragma once

#include <string>
#include <vector>

#include "base/crc32c.h"
#include "base/file.h"
#include "checkpoint/bundle.h"
#include "checkpoint/formats.h"
#include "checkpoint/table.h"

namespace poseheir {

// A block as it stands in a file, with its type and checksum.
inline std::string stored_block(std::string body, char type) {
  body += type;
  const auto crc = mask_crc(crc32c(as_bytes_of(body)));
  body.append(reinterpret_cast<const char*>(&crc), 4);
  return body;
}

inline std::string handle(std::uint64_t offset, std::uint64_t size) {
  ByteWriter writer;
  writer.write_varint(offset);
  writer.write_varint(size);
  return writer.take();
}

// entry(shared, suffix, value) and a trailer with restart points make a block's body.
inline std::string entry(std::uint64_t shared, std::string_view suffix, std::string_view value) {
  ByteWriter writer;
  writer.write_varint(shared);
  writer.write_varint(suffix.size());
  writer.write_varint(value.size());
  writer.append(suffix);
  writer.append(value);
  return writer.take();
}

inline std::string with_restarts(std::string entries, const std::vector<std::uint32_t>& restarts) {
  ByteWriter writer;
  writer.append(entries);
  for (const auto offset : restarts) writer.write(offset);
  writer.write(static_cast<std::uint32_t>(restarts.size()));
  return writer.take();
}

// A table of one data block, whatever that contains; `data_handle` replaces the true one.
inline std::string table_of_block(const std::string& body, char type, std::string last_key = "\xFF",
                                  std::string data_handle = "") {
  std::string file = stored_block(body, type);
  if (data_handle.empty()) data_handle = handle(0, body.size());
  const auto metaindex = file.size();
  const auto empty = with_restarts("", {0});
  file += stored_block(empty, 0);
  const auto index = file.size();
  const auto index_body = with_restarts(entry(0, last_key, data_handle), {0});
  file += stored_block(index_body, 0);
  auto footer = handle(metaindex, empty.size()) + handle(index, index_body.size());
  footer.resize(40, '\0');
  return file + footer + "\x57\xFB\x80\x8B\x24\x75\x47\xDB";
}

struct NamedValue {
  std::string key, value;
};

inline std::string table_of(const std::vector<NamedValue>& entries) {
  TableWriter writer;
  for (const auto& [key, value] : entries) writer.add(key, value);
  return writer.finish();
}

// Entries after a header of one data file.
inline std::string index_of_entries(std::vector<NamedValue> entries) {
  entries.insert(entries.begin(), {"", format_bundle_header()});
  return table_of(entries);
}

// Reads an index of one data file, both in memory.
inline Checkpoint parse_in_memory(std::string_view index, std::string data) {
  const auto file = MappedFile::of_memory("memory.data", std::move(data));
  return parse_tensorflow_v2(as_bytes_of(index), [&](auto, auto) { return file; });
}

}  // namespace poseheir
