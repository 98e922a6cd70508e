#include <algorithm>
#include <cassert>

#include "base/crc32c.h"
#include "checkpoint/table.h"

namespace poseheir {
namespace {

constexpr std::size_t kBlockSize = 262'144;  // TensorFlow's own; leveldb's default is 4096
constexpr std::uint64_t kMagic = 0xDB4775248B80FB57U;

std::size_t shared_prefix(std::string_view a, std::string_view b) {
  const auto [end, ignored] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<std::size_t>(end - a.begin());
}

// The shortest key that is not before `last` and before `next`, as far as one byte can tell.
std::string separator(std::string last, std::string_view next) {
  const auto place = shared_prefix(last, next);
  if (place >= last.size() || place >= next.size()) return last;
  const auto byte = static_cast<unsigned char>(last[place]);
  if (byte == 0xFF || byte + 1 >= static_cast<unsigned char>(next[place])) return last;
  last.resize(place + 1);
  last.back() = static_cast<char>(byte + 1);
  return last;
}

std::string successor(std::string last) {
  for (std::size_t i = 0; i < last.size(); ++i) {
    const auto byte = static_cast<unsigned char>(last[i]);
    if (byte == 0xFF) continue;
    last.resize(i + 1);
    last.back() = static_cast<char>(byte + 1);
    break;
  }
  return last;
}

}  // namespace

void TableWriter::Block::add(std::string_view key, std::string_view value) {
  std::size_t shared = 0;
  if (since_restart_ < restart_interval_) {
    shared = shared_prefix(last_key_, key);
  } else {
    restarts_.push_back(static_cast<std::uint32_t>(entries_.size()));
    since_restart_ = 0;
  }
  entries_.write_varint(shared);
  entries_.write_varint(key.size() - shared);
  entries_.write_varint(value.size());
  entries_.append(key.substr(shared));
  entries_.append(value);
  last_key_ = key;
  ++since_restart_;
}

std::string TableWriter::Block::finish() {
  for (const auto offset : restarts_) entries_.write(offset);
  entries_.write(static_cast<std::uint32_t>(restarts_.size()));
  auto body = entries_.take();
  *this = Block(restart_interval_);
  return body;
}

void TableWriter::add(std::string_view key, std::string_view value) {
  assert(data_.empty() || key > data_.last_key());
  if (!data_.empty() && key.size() + value.size() >= 2 * kBlockSize) finish_data_block();
  if (!waiting_handle_.empty()) {
    index_.add(separator(waiting_key_, key), waiting_handle_);
    waiting_handle_.clear();
  }
  data_.add(key, value);
  if (data_.size_estimate() >= kBlockSize) finish_data_block();
}

std::string TableWriter::finish() {
  if (!data_.empty()) finish_data_block();
  const auto metaindex = write_block(Block(1).finish());
  if (!waiting_handle_.empty()) index_.add(successor(waiting_key_), waiting_handle_);
  auto footer = metaindex + write_block(index_.finish());
  footer.resize(40, '\0');
  file_.append(footer);
  file_.write(kMagic);
  return file_.take();
}

void TableWriter::finish_data_block() {
  waiting_key_ = data_.last_key();
  waiting_handle_ = write_block(data_.finish());
}

std::string TableWriter::write_block(const std::string& body) {
  ByteWriter handle;
  handle.write_varint(file_.size());
  handle.write_varint(body.size());
  const std::string stored = body + '\0';  // type 0: TensorFlow's bundle writer never compresses
  file_.append(stored);
  file_.write(mask_crc(crc32c(as_bytes_of(stored))));
  return handle.take();
}

}  // namespace poseheir
