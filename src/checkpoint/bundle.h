// The records of TensorFlow's checkpoints, V2 and V1: shapes, slices, dtypes, headers, entries.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/proto.h"
#include "checkpoint/slices.h"
#include "poseheir/checkpoint.h"

namespace poseheir {

// TensorFlow's number of a dtype, as far as checkpoints can hold it as plain memory.
std::optional<DType> dtype_of_tensorflow(std::int64_t number);
std::optional<std::int64_t> tensorflow_number(DType dtype);
constexpr std::int64_t kTensorflowString = 7;
constexpr std::int64_t kTensorflowVariant = 21;

std::vector<std::int64_t> parse_shape(ProtoReader message);
TensorSlice parse_slice(ProtoReader message);

// Refuses a version that says that we (consumer 1, the same as TensorFlow 2) must not read it.
void check_version(ProtoReader message);

struct BundleHeader {
  std::uint32_t shards = 0;
};
BundleHeader parse_bundle_header(ProtoReader message);

struct BundleEntry {
  std::int64_t dtype = 0;  // TensorFlow's number
  std::vector<std::int64_t> shape;
  std::uint32_t shard = 0;
  std::uint64_t offset = 0, size = 0;
  std::uint32_t masked_crc = 0;
  std::vector<TensorSlice> slices;  // not empty: the data are in other entries
};
BundleEntry parse_bundle_entry(ProtoReader message);

std::string format_bundle_header();  // one shard, little-endian
std::string format_bundle_entry(const BundleEntry& entry);

}  // namespace poseheir
