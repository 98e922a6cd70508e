#include <fmt/format.h>
#include <map>

#include "base/crc32c.h"
#include "base/text.h"
#include "checkpoint/bundle.h"
#include "checkpoint/formats.h"
#include "checkpoint/ordered_code.h"
#include "checkpoint/table.h"

namespace poseheir {
namespace {

[[noreturn]] void fail(const std::string& text) { throw Error(ErrorKind::corrupt, text); }

bool is_slice_key(std::string_view key) { return key.starts_with('\0'); }

// An index entry whose keys share long prefixes can claim names far larger than itself.
class NameBudget {
 public:
  explicit NameBudget(std::size_t index_size) : left_(16 * index_size + 65'536) {}
  void spend(std::size_t size) {
    if (size > left_) fail("the names of the tensors are far larger than the index itself");
    left_ -= size;
  }

 private:
  std::size_t left_;
};

class Bundle {
 public:
  Bundle(Bytes index, const DataFiles& data_file) : data_file_(data_file) { read_entries(index); }

  Checkpoint list() {
    Checkpoint checkpoint;
    checkpoint.format = "TensorFlow V2";
    for (const auto& [name, entry] : entries_) {
      try {
        list_entry(name, entry, checkpoint);
      } catch (const Error& error) {
        throw error.within(fmt::format("tensor '{}'", printable(name)));
      }
    }
    return checkpoint;
  }

 private:
  void read_entries(Bytes index);
  void list_entry(const std::string& name, const BundleEntry& entry, Checkpoint& checkpoint);
  StoredTensor whole_tensor(TensorInfo info, const BundleEntry& entry);
  StoredTensor missing_tensor(TensorInfo info, const BundleEntry& entry) const;
  StoredTensor sliced_tensor(TensorInfo info, const BundleEntry& entry);
  const SharedFile& file_of(const BundleEntry& entry);
  Bytes bytes_of(const BundleEntry& entry);

  const DataFiles& data_file_;
  BundleHeader header_;
  std::vector<std::pair<std::string, BundleEntry>> entries_;
  std::map<std::string, BundleEntry, std::less<>> slice_entries_;
  std::map<std::uint32_t, SharedFile> files_;
};

void Bundle::read_entries(Bytes index) {
  NameBudget budget(index.size());
  bool first = true;
  SortedTable(index).scan([&](std::string_view key, const TableValue& value) {
    try {
      const ProtoReader message(value.bytes, value.offset);
      if (first) {
        if (!key.empty()) fail("the header is missing");
        header_ = parse_bundle_header(message);
        first = false;
        return;
      }
      budget.spend(key.size());
      auto entry = parse_bundle_entry(message);
      if (is_slice_key(key)) {
        slice_entries_.emplace(key, std::move(entry));
      } else {
        entries_.emplace_back(key, std::move(entry));
      }
    } catch (const Error& error) {
      throw error.within(key.empty() ? "header" : fmt::format("tensor '{}'", printable(key)));
    }
  });
  if (first) fail("the header is missing");
}

void Bundle::list_entry(const std::string& name, const BundleEntry& entry, Checkpoint& checkpoint) {
  if (entry.dtype == kTensorflowString || entry.dtype == kTensorflowVariant) {
    if (entry.slices.empty() && file_of(entry)) bytes_of(entry);
    checkpoint.notes.push_back(fmt::format("{}: {} {}, passed over", printable(name),
                                           name == "_CHECKPOINTABLE_OBJECT_GRAPH" ? "object graph"
                                           : entry.dtype == kTensorflowString     ? "strings"
                                                                                  : "variant",
                                           shape_text(entry.shape)));
    return;
  }
  const auto dtype = dtype_of_tensorflow(entry.dtype);
  if (!dtype) fail(fmt::format("unknown dtype {}", entry.dtype));
  TensorInfo info{name, *dtype, entry.shape};
  checkpoint.tensors.push_back(entry.slices.empty() ? whole_tensor(std::move(info), entry)
                                                    : sliced_tensor(std::move(info), entry));
}

StoredTensor Bundle::whole_tensor(TensorInfo info, const BundleEntry& entry) {
  const auto expected = checked_byte_size(info.dtype, info.shape);
  if (entry.size != expected)
    fail(fmt::format("{} bytes, expected {} for {} {}", entry.size, expected,
                     dtype_name(info.dtype), shape_text(info.shape)));
  if (!file_of(entry)) return missing_tensor(std::move(info), entry);
  const auto bytes = bytes_of(entry);
  return stored_view(std::move(info), file_of(entry), bytes, unmask_crc(entry.masked_crc));
}

StoredTensor Bundle::missing_tensor(TensorInfo info, const BundleEntry& entry) const {
  const auto text = fmt::format("tensor '{}' lies in data file {} of {}, which is missing",
                                printable(info.name), entry.shard + 1, header_.shards);
  return {std::move(info), [text]() -> TensorBytes { throw Error(ErrorKind::io, text); },
          unmask_crc(entry.masked_crc)};
}

StoredTensor Bundle::sliced_tensor(TensorInfo info, const BundleEntry& entry) {
  const auto total = checked_byte_size(info.dtype, info.shape);
  std::vector<StoredTensor> parts;
  std::uint64_t sum = 0;
  for (const auto& slice : entry.slices) {
    const auto place = fmt::format("slice {}", slice_text(slice));
    const auto found = slice_entries_.find(slice_key(info.name, slice));
    if (found == slice_entries_.end()) fail(place + " is not in the index");
    const auto& part = found->second;
    if (part.dtype != entry.dtype || part.shape != slice_shape(slice, info.shape) ||
        !part.slices.empty())
      fail(fmt::format("{}: its entry says dtype {}, shape {}", place, part.dtype,
                       shape_text(part.shape)));
    parts.push_back(whole_tensor({info.name + " " + place, info.dtype, part.shape}, part));
    sum += part.size;
    if (sum > total) fail(fmt::format("its slices have more than its {} bytes", total));
  }
  if (sum != total) fail(fmt::format("its slices have {} of its {} bytes", sum, total));
  std::uint64_t present = 0;
  bool all_present = true;
  for (const auto& [shard, file] : files_) {
    all_present &= file != nullptr;
    if (file) present += file->bytes().size();
  }
  if (all_present && total > present)
    fail(fmt::format("{} bytes, but the data files have {}", total, present));
  check_cover(entry.slices, info.shape);

  StoredTensor tensor{std::move(info), {}, std::nullopt};
  tensor.read = [parts = std::move(parts), slices = entry.slices, info = tensor.info] {
    auto whole =
        std::make_shared<std::vector<std::byte>>(checked_byte_size(info.dtype, info.shape));
    for (std::size_t i = 0; i < parts.size(); ++i)
      copy_slice(parts[i].read().bytes, slices[i], info.shape, element_size(info.dtype), *whole);
    return TensorBytes{*whole, whole};
  };
  return tensor;
}

const SharedFile& Bundle::file_of(const BundleEntry& entry) {
  if (entry.shard >= header_.shards)
    fail(fmt::format("data file {} of a checkpoint that has {}", entry.shard, header_.shards));
  const auto known = files_.find(entry.shard);
  if (known != files_.end()) return known->second;
  return files_[entry.shard] = data_file_(entry.shard, header_.shards);
}

Bytes Bundle::bytes_of(const BundleEntry& entry) {
  const auto& file = file_of(entry);
  const auto bytes = file->bytes();
  if (entry.offset > bytes.size() || entry.size > bytes.size() - entry.offset)
    fail(fmt::format("{} bytes at offset {} lie outside {}, which has {} bytes", entry.size,
                     entry.offset, file->path().string(), bytes.size()));
  return bytes.subspan(static_cast<std::size_t>(entry.offset),
                       static_cast<std::size_t>(entry.size));
}

}  // namespace

Checkpoint parse_tensorflow_v2(Bytes index, const DataFiles& data_file) {
  return Bundle(index, data_file).list();
}

}  // namespace poseheir
