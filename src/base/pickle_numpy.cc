#include "base/pickle_numpy.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fmt/format.h>

namespace poseheir {
namespace {

using Kind = PickleValue::Kind;

[[noreturn]] void fail(const std::string& text, ErrorKind kind = ErrorKind::corrupt) {
  throw Error(kind, text);
}

struct NumpyType {
  char kind = 'f';  // b, i, u, f
  std::size_t size = 8;
  bool big_endian = false;
};

// dtype('i8', False, True) with the state (3, '<', None, None, None, -1, -1, 0).
NumpyType numpy_type(const PickleValue& value) {
  if (!value.is_record("numpy.dtype") || value.items.empty() || !value.items[0]->is(Kind::text))
    fail(fmt::format("expected a NumPy type, found {}", describe(value)));
  const auto name = value.items[0]->text;
  const std::string_view known[] = {"b1", "i1", "i2", "i4", "i8", "u1",
                                    "u2", "u4", "u8", "f2", "f4", "f8"};
  if (std::find(std::begin(known), std::end(known), name) == std::end(known))
    fail(fmt::format("NumPy type '{}' is not supported", name), ErrorKind::unsupported);
  NumpyType type{name[0], static_cast<std::size_t>(name[1] - '0')};
  if (value.state != nullptr) {
    if (!value.state->is(Kind::tuple) || value.state->items.size() < 2 ||
        !value.state->items[1]->is(Kind::text))
      fail("a NumPy type whose state is damaged");
    type.big_endian = value.state->items[1]->text == ">";
  }
  return type;
}

template <typename T>
double load(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return static_cast<double>(value);
}

double half(const char* bytes) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, bytes, 2);
  const int exponent = bits >> 10U & 0x1FU;
  const double fraction = bits & 0x3FFU;
  const double sign = (bits & 0x8000U) != 0 ? -1 : 1;
  if (exponent == 31) return fraction != 0 ? std::nan("") : sign * HUGE_VAL;
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(fraction + 1024, exponent - 25);
}

double element(const char* bytes, const NumpyType& type) {
  char swapped[8];
  if (type.big_endian) {
    std::reverse_copy(bytes, bytes + type.size, swapped);
    bytes = swapped;
  }
  switch (type.kind) {
    case 'b':
      return *bytes != 0 ? 1 : 0;
    case 'i':
      return type.size == 1   ? load<std::int8_t>(bytes)
             : type.size == 2 ? load<std::int16_t>(bytes)
             : type.size == 4 ? load<std::int32_t>(bytes)
                              : load<std::int64_t>(bytes);
    case 'u':
      return type.size == 1   ? load<std::uint8_t>(bytes)
             : type.size == 2 ? load<std::uint16_t>(bytes)
             : type.size == 4 ? load<std::uint32_t>(bytes)
                              : load<std::uint64_t>(bytes);
    default:
      return type.size == 2   ? half(bytes)
             : type.size == 4 ? load<float>(bytes)
                              : load<double>(bytes);
  }
}

std::vector<std::size_t> shape_of(const PickleValue& value) {
  std::vector<std::size_t> shape;
  if (!value.is(Kind::tuple)) fail("a NumPy array without a shape");
  for (const auto* item : value.items) {
    if (!item->is(Kind::integer) || item->integer < 0) fail("a NumPy array with a damaged shape");
    shape.push_back(static_cast<std::size_t>(item->integer));
  }
  return shape;
}

// Python 2 wrote the bytes as a plain string, so a text will do.
std::string_view raw_bytes(const PickleValue& value) {
  if (!value.is(Kind::bytes) && !value.is(Kind::text))
    fail(fmt::format("expected the bytes of a NumPy array, found {}", describe(value)));
  return value.text;
}

void check_size(const std::vector<std::size_t>& shape, std::size_t item_size, std::size_t found) {
  const bool empty = std::find(shape.begin(), shape.end(), 0U) != shape.end();
  std::size_t size = empty ? 0 : item_size;
  for (const auto extent : shape) {
    if (extent != 0 && size > found / extent)
      fail(fmt::format("a NumPy array of more elements than its {} bytes hold", found));
    size *= extent;
  }
  if (size != found) fail(fmt::format("a NumPy array of {} bytes, expected {}", found, size));
}

NumpyArray make_array(std::vector<std::size_t> shape, const NumpyType& type, std::string_view bytes,
                      bool column_major) {
  check_size(shape, type.size, bytes.size());
  NumpyArray array{std::move(shape), {}, type.kind != 'f'};
  const auto count = bytes.size() / type.size;
  array.values.reserve(count);
  if (!column_major || array.shape.size() != 2) {
    if (column_major && array.shape.size() > 2)
      fail("a column-major NumPy array of more than two dimensions", ErrorKind::unsupported);
    for (std::size_t i = 0; i < count; ++i)
      array.values.push_back(element(bytes.data() + i * type.size, type));
    return array;
  }
  for (std::size_t row = 0; row < array.shape[0]; ++row) {
    for (std::size_t column = 0; column < array.shape[1]; ++column)
      array.values.push_back(
          element(bytes.data() + (column * array.shape[0] + row) * type.size, type));
  }
  return array;
}

}  // namespace

std::vector<PickleGlobal> numpy_pickle_globals() {
  using enum PickleBuild;
  return {{"numpy.dtype", record},
          {"numpy.ndarray", record},
          {"numpy.core.multiarray._reconstruct", record, "numpy.reconstruct"},
          {"numpy._core.multiarray._reconstruct", record, "numpy.reconstruct"},
          {"numpy.core.numeric._frombuffer", record, "numpy.frombuffer"},
          {"numpy._core.numeric._frombuffer", record, "numpy.frombuffer"},
          {"numpy.core.multiarray.scalar", record, "numpy.scalar"},
          {"numpy._core.multiarray.scalar", record, "numpy.scalar"}};
}

NumpyArray numpy_array(const PickleValue& value) {
  switch (value.kind) {
    case Kind::boolean:
    case Kind::integer:
      return {{}, {static_cast<double>(value.integer)}, true};
    case Kind::real:
      return {{}, {value.real}, false};
    default:
      break;
  }
  const auto& items = value.items;
  if (value.is_record("numpy.scalar") && items.size() == 2)
    return make_array({}, numpy_type(*items[0]), raw_bytes(*items[1]), false);
  if (value.is_record("numpy.frombuffer") && items.size() == 4)
    return make_array(shape_of(*items[2]), numpy_type(*items[1]), raw_bytes(*items[0]),
                      items[3]->is(Kind::text) && items[3]->text == "F");
  // The state of an array: (version, shape, type, is column-major, bytes).
  if (value.is_record("numpy.reconstruct") && value.state != nullptr &&
      value.state->is(Kind::tuple) && value.state->items.size() == 5) {
    const auto& state = value.state->items;
    return make_array(shape_of(*state[1]), numpy_type(*state[2]), raw_bytes(*state[4]),
                      state[3]->integer != 0);
  }
  fail(fmt::format("expected a NumPy array, found {}", describe(value)));
}

std::vector<std::int64_t> numpy_integers(const PickleValue& value) {
  std::vector<std::int64_t> integers;
  if (value.is_sequence()) {
    for (const auto* item : value.items) {
      const double number = number_of(*item);
      if (number != std::floor(number) || std::abs(number) > 9e15)
        fail(fmt::format("expected an integer, found {}", describe(*item)));
      integers.push_back(static_cast<std::int64_t>(number));
    }
    return integers;
  }
  const auto array = numpy_array(value);
  if (array.shape.size() != 1 || (!array.is_integer && !array.values.empty()))
    fail(fmt::format("expected a list of integers, found an array of {} dimensions",
                     array.shape.size()));
  for (const double number : array.values) {
    if (std::abs(number) > 9e15) fail("an integer beyond 2^53");
    integers.push_back(static_cast<std::int64_t>(number));
  }
  return integers;
}

double number_of(const PickleValue& value) {
  const auto array = numpy_array(value);
  if (!array.shape.empty()) fail(fmt::format("expected a number, found {}", describe(value)));
  return array.values[0];
}

}  // namespace poseheir
