// The sorted-string table in which TensorFlow keeps checkpoints (leveldb's format without filters):
// docs/formats/tensorflow-v2.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace poseheir {

// A value inside its block: valid while `owner` lives, or as long as the file where that is null.
struct TableValue {
  Bytes bytes;
  std::size_t offset = 0;  // in the file, or in the block once that is unpacked; for error texts
  std::shared_ptr<const std::string> owner;
};

// Reads a table that lies in memory. Opening checks the footer and the two small blocks; a data
// block is checked (bounds, checksum, order of keys, restart points) when it is looked at.
class SortedTable {
 public:
  // `file` must outlive the table.
  explicit SortedTable(Bytes file);

  // Every entry in order.
  void scan(const std::function<void(std::string_view key, const TableValue& value)>& visit) const;

  std::optional<TableValue> find(std::string_view key) const;

 private:
  struct Handle {
    std::uint64_t offset = 0, size = 0;
  };
  struct DataBlock {
    Handle handle;
    std::string last;  // not before the block's last key, and before the next block's first
  };
  struct Block {
    Bytes body;
    std::size_t offset = 0;
    std::shared_ptr<const std::string> owner;  // of a block that was compressed
  };
  using Visit = std::function<bool(std::string_view key, const TableValue& value)>;

  static Handle read_handle(ByteReader& reader);
  static std::size_t handle_size(const Handle& handle);
  Block load(const Handle& handle) const;
  void read_index(const Handle& handle);
  void scan_data_block(std::size_t number, const Visit& visit) const;
  static void scan_block(const Block& block, const Visit& visit);

  Bytes file_;
  std::vector<DataBlock> blocks_;
};

// Builds a table as TensorFlow's writer does, byte for byte: keys must be added in strictly
// ascending order.
class TableWriter {
 public:
  void add(std::string_view key, std::string_view value);
  std::string finish();

 private:
  class Block {
   public:
    explicit Block(std::size_t restart_interval) : restart_interval_(restart_interval) {}
    void add(std::string_view key, std::string_view value);
    bool empty() const { return entries_.size() == 0; }
    std::size_t size_estimate() const { return entries_.size() + 4 * restarts_.size() + 4; }
    const std::string& last_key() const { return last_key_; }
    std::string finish();

   private:
    std::size_t restart_interval_;
    std::size_t since_restart_ = 0;
    ByteWriter entries_;
    std::vector<std::uint32_t> restarts_{0};
    std::string last_key_;
  };

  std::string write_block(const std::string& body);  // its handle
  void finish_data_block();

  ByteWriter file_;
  Block data_{16};
  Block index_{1};
  // A finished block waits here until the next key is known, which shortens its index key.
  std::string waiting_key_, waiting_handle_;
};

}  // namespace poseheir
