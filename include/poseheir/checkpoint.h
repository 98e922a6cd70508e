// Checkpoints of every format as one value: named tensors that can be listed without being read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace poseheir {

enum class DType : std::uint8_t {
  boolean,
  u8,
  i8,
  u16,
  i16,
  u32,
  i32,
  u64,
  i64,
  f16,
  bf16,
  f32,
  f64,
  c64,
  c128,
  qi8,
  qu8,
  qi16,
  qu16,
  qi32,  // TensorFlow's quantised integers
  f8_e5m2,
  f8_e4m3,
  f8_e8m0,
  f8_e4m3fnuz,
  f8_e5m2fnuz,  // safetensors
};

std::size_t element_size(DType dtype);     // bytes
std::string_view dtype_name(DType dtype);  // "float32", "bfloat16", …

struct TensorInfo {
  std::string name;  // a TensorFlow variable without ":0", or a state-dict key
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;  // empty for a scalar

  bool operator==(const TensorInfo&) const = default;
};

std::size_t element_count(std::span<const std::int64_t> shape);
std::string shape_text(std::span<const std::int64_t> shape);  // "[3,3,39,2048]"

// Little-endian, row-major bytes of one tensor: a view into a mapped file, or a buffer of its own.
// The view lives as long as this value (or a copy of it).
struct TensorBytes {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

struct StoredTensor {
  TensorInfo info;
  std::function<TensorBytes()>
      read;  // checks the checksum; throws Error(corrupt), naming the tensor
  std::optional<std::uint32_t> crc32c;  // of the bytes, unmasked, where the file stores it whole
};

struct Checkpoint {
  std::filesystem::path path;  // as resolved: a prefix for TensorFlow V2, a file otherwise
  std::string
      format;  // "TensorFlow V2", "TensorFlow V1", "safetensors", "PyTorch zip", "PyTorch legacy"
  std::vector<std::filesystem::path> files;
  std::vector<StoredTensor> tensors;  // sorted bytewise by name, no name twice
  std::vector<std::string> notes;    // what was passed over (strings, object graphs), one line each
  std::optional<std::int64_t> step;  // from the file name (snapshot-N), global_step or metadata
  std::vector<std::filesystem::path> missing;  // data files that list_checkpoint went without

  const StoredTensor* find(std::string_view name) const;
};

// Reads the list of tensors, not the tensors. `path` may be a prefix, any file of a bundle, a
// single file, a folder with a `checkpoint` state file, or a folder with snapshot-N files (the
// newest). Throws Error(io, corrupt or unsupported) that begins with the file.
Checkpoint read_checkpoint(const std::filesystem::path& path);

// The same where only names, shapes and dtypes are wanted: a TensorFlow V2 index is listed without
// those of its data files that are `missing`; reading a tensor that lies in one throws Error(io).
Checkpoint list_checkpoint(const std::filesystem::path& path);

// A tensor's values widened or narrowed to float32. Throws Error(mismatch) for non-numeric dtypes.
std::vector<float> read_floats(const StoredTensor& tensor);

// A tensor that lives in memory, for writing.
StoredTensor make_tensor(TensorInfo info, std::vector<float> values);

enum class CheckpointFormat { tensorflow_v2, safetensors };

// Writes the tensors, one at a time, in name order, whole or not at all: the files appear together
// after everything is on disk, and an error leaves what was there before. For tensorflow_v2 `path`
// is the prefix, and the files equal byte for byte what TensorFlow's Saver writes.
void write_checkpoint(const std::filesystem::path& path, CheckpointFormat format,
                      std::span<const StoredTensor> tensors);

// The `checkpoint` state file of a folder: which snapshots it holds, oldest first (bare names).
struct CheckpointState {
  std::string newest;
  std::vector<std::string> all;
};

// Nothing where there is no state file. Names lose their folder, be it foreign, moved or Windows'.
std::optional<CheckpointState> read_checkpoint_state(const std::filesystem::path& folder);
void write_checkpoint_state(const std::filesystem::path& folder, const CheckpointState& state);

// Snapshots in a folder by number: {"snapshot-500", 500}, ascending, found by their .index files.
struct Snapshot {
  std::filesystem::path prefix;
  std::int64_t iteration = 0;
};
std::vector<Snapshot> list_snapshots(const std::filesystem::path& folder);

}  // namespace poseheir
