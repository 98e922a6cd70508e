// Every checkpoint format: what it is recognised by, its reader and its writer. A new format is one
// source, its lines here, one line in checkpoint.cc, a test and a page.
//
// A reader fills `format`, `tensors` (sorted bytewise by name), `notes`, and `step` where the file
// states it; the front door adds `path` and `files`. A reader's errors name the place but not the
// file, which the front door puts in front; errors of StoredTensor::read come later and name the
// file themselves (stored_view does).
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"
#include "poseheir/checkpoint.h"

namespace poseheir {

using SharedFile = std::shared_ptr<const MappedFile>;

// A zip archive, the magic pickle of the legacy format, or the tar format before it (refused by
// name).
bool is_pytorch(Bytes file);
Checkpoint parse_pytorch(const SharedFile& file);

bool is_safetensors(Bytes file);  // eight bytes of length, then "{"
Checkpoint parse_safetensors(const SharedFile& file);
void write_safetensors(const std::filesystem::path& path, std::span<const StoredTensor> sorted);

bool is_table(Bytes file);  // ends with the magic of a sorted-string table
Checkpoint parse_tensorflow_v1(std::span<const SharedFile> shards);
inline Checkpoint parse_tensorflow_v1_file(const SharedFile& file) {
  return parse_tensorflow_v1({&file, 1});
}

// `data_file(shard, shards)` opens one data file when an entry first needs it; null: it is missing,
// and its tensors can be listed, not read.
using DataFiles = std::function<SharedFile(std::uint32_t shard, std::uint32_t shards)>;
Checkpoint parse_tensorflow_v2(Bytes index, const DataFiles& data_file);
void write_tensorflow_v2(const std::filesystem::path& prefix, std::span<const StoredTensor> sorted);

// A tensor whose bytes lie in `file` as they are. `crc32c`, unmasked, is checked at each read.
// `bytes` must lie inside the file and be as many as `info` needs.
StoredTensor stored_view(TensorInfo info, SharedFile file, Bytes bytes,
                         std::optional<std::uint32_t> crc32c = std::nullopt);

// The bytes that dtype and shape ask for; throws Error(corrupt) for a negative dimension and for a
// product that does not fit 63 bits. Allocates nothing: compare with the bytes that are there.
std::uint64_t checked_byte_size(DType dtype, std::span<const std::int64_t> shape);

}  // namespace poseheir
