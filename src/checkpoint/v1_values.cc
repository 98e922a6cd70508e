#include "checkpoint/v1_values.h"

#include <fmt/format.h>
#include <limits>

#include "checkpoint/formats.h"

namespace poseheir {
namespace {

[[noreturn]] void fail(const std::string& text) { throw Error(ErrorKind::corrupt, text); }

struct Field {
  std::uint32_t number = 0;
  WireType wire = WireType::varint;
};

Field field_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return {5, WireType::fixed32};
    case DType::f64:
      return {6, WireType::fixed64};
    case DType::i32:
    case DType::i16:
    case DType::i8:
    case DType::u8:
    case DType::u16:
    case DType::qi8:
    case DType::qu8:
    case DType::qi16:
    case DType::qu16:
    case DType::qi32:
      return {7, WireType::varint};
    case DType::c64:
      return {9, WireType::fixed32};
    case DType::i64:
      return {10, WireType::varint};
    case DType::boolean:
      return {11, WireType::varint};
    case DType::c128:
      return {12, WireType::fixed64};
    case DType::f16:
      return {13, WireType::varint};
    default:
      return {};
  }
}

bool is_signed(DType dtype) {
  return dtype == DType::i8 || dtype == DType::i16 || dtype == DType::i32 || dtype == DType::qi8 ||
         dtype == DType::qi16 || dtype == DType::qi32;
}

bool fits(DType dtype, std::uint64_t value) {
  if (dtype == DType::i64) return true;
  if (dtype == DType::boolean) return value <= 1;
  const auto bits = 8 * element_size(dtype);
  if (!is_signed(dtype)) return value >> bits == 0;
  const auto number = static_cast<std::int64_t>(value);
  const std::int64_t limit = std::int64_t{1} << (bits - 1);
  return number >= -limit && number < limit;
}

}  // namespace

bool V1Values::holds(DType dtype) { return field_of(dtype).number != 0; }

V1Values::V1Values(DType dtype, const std::vector<std::int64_t>& shape, std::size_t record_size)
    : dtype_(dtype) {
  const auto bytes = checked_byte_size(dtype, shape);
  if (bytes / element_size(dtype) > record_size)
    fail(fmt::format("{} values expected, in a record of {} bytes", bytes / element_size(dtype),
                     record_size));
  expected_ = static_cast<std::size_t>(bytes);
}

void V1Values::take(ProtoReader tensor) {
  const auto field = field_of(dtype_);
  while (tensor.next()) {
    if (tensor.field() != field.number) continue;
    if (tensor.wire() == WireType::bytes) {
      const auto run = tensor.bytes();
      take_run(run, tensor.offset() - run.size());
    } else if (field.wire == WireType::varint) {
      take_integer(tensor.varint());
    } else {
      append(tensor.fixed(field.wire));
    }
  }
}

void V1Values::take_run(Bytes run, std::size_t offset) {
  if (field_of(dtype_).wire != WireType::varint) {
    if (collected_.empty() && !single_run_) {
      single_run_ = run;
    } else {
      append(run);
    }
    return;
  }
  ByteReader reader(run, offset);
  while (!reader.at_end()) take_integer(reader.read_varint64());
}

void V1Values::take_integer(std::uint64_t value) {
  if (!fits(dtype_, value))
    fail(
        fmt::format("the value {} is no {}", static_cast<std::int64_t>(value), dtype_name(dtype_)));
  append(std::as_bytes(std::span(&value, 1)).first(element_size(dtype_)));
}

void V1Values::append(Bytes bytes) {
  if (single_run_) {
    const auto first = *single_run_;
    single_run_.reset();
    append(first);
  }
  if (bytes.size() > expected_ - collected_.size())
    fail(fmt::format("more values than its {} bytes hold", expected_));
  collected_.append(as_text(bytes));
}

TensorBytes V1Values::finish(std::shared_ptr<const void> owner) {
  const auto found = single_run_ ? single_run_->size() : collected_.size();
  if (found != expected_) fail(fmt::format("{} bytes of values, expected {}", found, expected_));
  if (single_run_) return {*single_run_, std::move(owner)};
  const auto collected = std::make_shared<const std::string>(std::move(collected_));
  return {as_bytes_of(*collected), collected};
}

}  // namespace poseheir
