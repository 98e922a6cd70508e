// Three tables from one input: the bytes as they are, as the body of a block whose checksum is
// right, and as entries. Only so does the fuzzer get past the checksums.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>

#include "checkpoint/bundle_files.h"

namespace poseheir {

// Entries: two bytes of key size, two of value size, key, value.
inline std::string table_of_entries(std::string_view input) {
  std::map<std::string, std::string> entries;
  ByteReader reader(as_bytes_of(input));
  while (reader.remaining() >= 4) {
    const std::size_t key_size = reader.read<std::uint16_t>();
    const std::size_t value_size = reader.read<std::uint16_t>();
    const auto key = reader.take_text(std::min(key_size, reader.remaining()));
    entries[std::string(key)] = reader.take_text(std::min(value_size, reader.remaining()));
  }
  TableWriter writer;
  for (const auto& [key, value] : entries) writer.add(key, value);
  return writer.finish();
}

inline void for_each_table(std::string_view input, const std::function<void(std::string)>& read) {
  for (const auto& table : {std::string(input), table_of_block(std::string(input), 0),
                            table_of_block(std::string(input), 1), table_of_entries(input)}) {
    try {
      read(table);
    } catch (const Error&) {
    }
  }
}

inline void read_every_tensor(const Checkpoint& checkpoint) {
  for (const auto& tensor : checkpoint.tensors) {
    try {
      tensor.read();
    } catch (const Error&) {
    }
  }
}

}  // namespace poseheir
