#include "checkpoint/bundle.h"

#include <array>
#include <fmt/format.h>

namespace poseheir {
namespace {

constexpr std::size_t kMaxRank = 32;
constexpr std::int64_t kConsumer = 1;

struct DTypeNumber {
  std::int64_t number;
  DType dtype;
};
constexpr std::array<DTypeNumber, 20> kNumbers{
    {{1, DType::f32},      {2, DType::f64},   {3, DType::i32},   {4, DType::u8},
     {5, DType::i16},      {6, DType::i8},    {8, DType::c64},   {9, DType::i64},
     {10, DType::boolean}, {11, DType::qi8},  {12, DType::qu8},  {13, DType::qi32},
     {14, DType::bf16},    {15, DType::qi16}, {16, DType::qu16}, {17, DType::u16},
     {18, DType::c128},    {19, DType::f16},  {22, DType::u32},  {23, DType::u64}}};

[[noreturn]] void fail(const std::string& text) { throw Error(ErrorKind::corrupt, text); }

std::int64_t parse_dim(ProtoReader message) {
  std::int64_t size = 0;
  while (message.next()) {
    if (message.field() == 1) size = message.int64();
  }
  return size;
}

Extent parse_extent(ProtoReader message) {
  Extent extent;
  while (message.next()) {
    if (message.field() == 1) extent.start = message.int64();
    if (message.field() == 2) extent.length = message.int64();
  }
  return extent;
}

std::string format_shape(std::span<const std::int64_t> shape) {
  ByteWriter message;
  for (const auto size : shape) {
    ByteWriter dim;
    if (size != 0) write_varint_field(dim, 1, static_cast<std::uint64_t>(size));
    write_bytes_field(message, 2, dim.text());
  }
  return message.take();
}

}  // namespace

std::optional<DType> dtype_of_tensorflow(std::int64_t number) {
  for (const auto& known : kNumbers)
    if (known.number == number) return known.dtype;
  return std::nullopt;
}

std::optional<std::int64_t> tensorflow_number(DType dtype) {
  for (const auto& known : kNumbers)
    if (known.dtype == dtype) return known.number;
  return std::nullopt;
}

std::vector<std::int64_t> parse_shape(ProtoReader message) {
  std::vector<std::int64_t> shape;
  while (message.next()) {
    if (message.field() == 2) {
      if (shape.size() == kMaxRank) fail(fmt::format("more than {} dimensions", kMaxRank));
      shape.push_back(parse_dim(message.message()));
    } else if (message.field() == 3 && message.varint() != 0) {
      fail("a shape of unknown rank");
    }
  }
  return shape;
}

TensorSlice parse_slice(ProtoReader message) {
  TensorSlice slice;
  while (message.next()) {
    if (message.field() != 1) continue;
    if (slice.size() == kMaxRank) fail(fmt::format("more than {} dimensions", kMaxRank));
    slice.push_back(parse_extent(message.message()));
  }
  return slice;
}

void check_version(ProtoReader message) {
  std::int64_t producer = 0;
  std::int64_t min_consumer = 0;
  bool refused = false;
  while (message.next()) {
    if (message.field() == 1) producer = message.int32();
    if (message.field() == 2) min_consumer = message.int32();
    if (message.field() == 3 && message.wire() == WireType::varint)
      refused = message.int32() == kConsumer || refused;
    if (message.field() == 3 && message.wire() == WireType::bytes) {
      ByteReader packed(message.bytes());
      while (!packed.at_end()) refused = packed.read_varint64() == kConsumer || refused;
    }
  }
  if (producer < 0) fail(fmt::format("format version {}", producer));
  if (min_consumer > kConsumer || refused)
    throw Error(ErrorKind::unsupported,
                "the file says that it needs a newer reader than TensorFlow 2.15");
}

BundleHeader parse_bundle_header(ProtoReader message) {
  BundleHeader header;
  while (message.next()) {
    if (message.field() == 1) {
      const auto shards = message.int32();
      if (shards <= 0) fail(fmt::format("{} data files", shards));
      header.shards = static_cast<std::uint32_t>(shards);
    } else if (message.field() == 2) {
      if (message.varint() != 0)
        throw Error(ErrorKind::unsupported, "written on a big-endian machine");
    } else if (message.field() == 3) {
      check_version(message.message());
    }
  }
  if (header.shards == 0) fail("the header names no data file");
  return header;
}

BundleEntry parse_bundle_entry(ProtoReader message) {
  BundleEntry entry;
  while (message.next()) {
    switch (message.field()) {
      case 1:
        entry.dtype = message.int32();
        break;
      case 2:
        entry.shape = parse_shape(message.message());
        break;
      case 3: {
        const auto shard = message.int32();
        if (shard < 0) fail(fmt::format("data file {}", shard));
        entry.shard = static_cast<std::uint32_t>(shard);
        break;
      }
      case 4:
        entry.offset = message.varint();
        break;
      case 5:
        entry.size = message.varint();
        break;
      case 6:
        entry.masked_crc = message.fixed32();
        break;
      case 7:
        entry.slices.push_back(parse_slice(message.message()));
        break;
      default:
        break;
    }
  }
  return entry;
}

std::string format_bundle_header() {
  ByteWriter version;
  write_varint_field(version, 1, kConsumer);
  ByteWriter header;
  write_varint_field(header, 1, 1);
  write_bytes_field(header, 3, version.text());
  return header.take();
}

std::string format_bundle_entry(const BundleEntry& entry) {
  ByteWriter message;
  write_varint_field(message, 1, static_cast<std::uint64_t>(entry.dtype));
  write_bytes_field(message, 2, format_shape(entry.shape));
  if (entry.shard != 0) write_varint_field(message, 3, entry.shard);
  if (entry.offset != 0) write_varint_field(message, 4, entry.offset);
  if (entry.size != 0) write_varint_field(message, 5, entry.size);
  if (entry.masked_crc != 0) write_fixed32_field(message, 6, entry.masked_crc);
  return message.take();
}

}  // namespace poseheir
