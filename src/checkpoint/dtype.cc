#include <array>
#include <fmt/format.h>
#include <limits>

#include "base/text.h"
#include "checkpoint/formats.h"

namespace poseheir {
namespace {

struct DTypeFacts {
  std::string_view name;
  std::size_t size;
};

constexpr std::array<DTypeFacts, 25> kFacts{{
    {"bool", 1},
    {"uint8", 1},
    {"int8", 1},
    {"uint16", 2},
    {"int16", 2},
    {"uint32", 4},
    {"int32", 4},
    {"uint64", 8},
    {"int64", 8},
    {"float16", 2},
    {"bfloat16", 2},
    {"float32", 4},
    {"float64", 8},
    {"complex64", 8},
    {"complex128", 16},
    {"qint8", 1},
    {"quint8", 1},
    {"qint16", 2},
    {"quint16", 2},
    {"qint32", 4},
    {"float8_e5m2", 1},
    {"float8_e4m3", 1},
    {"float8_e8m0", 1},
    {"float8_e4m3fnuz", 1},
    {"float8_e5m2fnuz", 1},
}};
static_assert(static_cast<std::size_t>(DType::f8_e5m2fnuz) + 1 == kFacts.size());

constexpr std::uint64_t kMaxBytes = std::numeric_limits<std::int64_t>::max();

std::uint64_t checked_product(std::uint64_t start, std::span<const std::int64_t> shape) {
  std::uint64_t product = start;
  for (const auto size : shape) {
    if (size < 0)
      throw Error(ErrorKind::corrupt, fmt::format("shape {}: a negative size", shape_text(shape)));
    if (size != 0 && product > kMaxBytes / static_cast<std::uint64_t>(size))
      throw Error(ErrorKind::corrupt,
                  fmt::format("shape {}: more elements than a file can hold", shape_text(shape)));
    product *= static_cast<std::uint64_t>(size);
  }
  return product;
}

}  // namespace

std::size_t element_size(DType dtype) { return kFacts.at(static_cast<std::size_t>(dtype)).size; }

std::string_view dtype_name(DType dtype) { return kFacts.at(static_cast<std::size_t>(dtype)).name; }

std::size_t element_count(std::span<const std::int64_t> shape) {
  return static_cast<std::size_t>(checked_product(1, shape));
}

std::uint64_t checked_byte_size(DType dtype, std::span<const std::int64_t> shape) {
  return checked_product(element_size(dtype), shape);
}

std::string shape_text(std::span<const std::int64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ","));
}

}  // namespace poseheir
