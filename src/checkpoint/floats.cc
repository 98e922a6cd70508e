#include <bit>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <limits>

#include "base/text.h"
#include "checkpoint/formats.h"

namespace poseheir {
namespace {

// Binary floating point of 8 or 16 bits. `finite` formats have no infinities: only the pattern of
// all ones (fn) or of minus zero (fnuz) is not a number.
enum class Specials { ieee, finite, unsigned_zero };

template <typename Bits, int kExponentBits, int kMantissaBits, int kBias, Specials kSpecials>
float small_float(Bits bits) {
  constexpr unsigned kMaxExponent = (1U << kExponentBits) - 1;
  constexpr unsigned kMaxMantissa = (1U << kMantissaBits) - 1;
  const unsigned mantissa = bits & kMaxMantissa;
  const unsigned exponent = (static_cast<unsigned>(bits) >> kMantissaBits) & kMaxExponent;
  const bool negative = (static_cast<unsigned>(bits) >> (kMantissaBits + kExponentBits)) != 0;
  const float sign = negative ? -1.0F : 1.0F;
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  if (kSpecials == Specials::ieee && exponent == kMaxExponent)
    return mantissa != 0 ? kNan : sign * std::numeric_limits<float>::infinity();
  if (kSpecials == Specials::finite && exponent == kMaxExponent && mantissa == kMaxMantissa)
    return kNan;
  if (kSpecials == Specials::unsigned_zero && negative && exponent == 0 && mantissa == 0)
    return kNan;
  const int power = exponent == 0 ? 1 : static_cast<int>(exponent);
  const unsigned significand = exponent == 0 ? mantissa : mantissa + kMaxMantissa + 1;
  return sign * std::ldexp(static_cast<float>(significand), power - kBias - kMantissaBits);
}

float from_bf16(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16U); }

float from_e8m0(std::uint8_t bits) {
  return bits == 0xFF ? std::numeric_limits<float>::quiet_NaN()
                      : std::ldexp(1.0F, static_cast<int>(bits) - 127);
}

template <typename T, typename Convert>
std::vector<float> convert_each(Bytes bytes, Convert convert) {
  std::vector<float> values(bytes.size() / sizeof(T));
  for (std::size_t i = 0; i < values.size(); ++i) {
    T stored;  // files do not align tensors
    std::memcpy(&stored, bytes.data() + i * sizeof(T), sizeof(T));
    values[i] = convert(stored);
  }
  return values;
}

template <typename T>
std::vector<float> cast_each(Bytes bytes) {
  return convert_each<T>(bytes, [](T value) { return static_cast<float>(value); });
}

}  // namespace

std::vector<float> read_floats(const StoredTensor& tensor) {
  const auto data = tensor.read();
  const auto bytes = data.bytes;
  switch (tensor.info.dtype) {
    case DType::boolean:
      return convert_each<std::uint8_t>(bytes, [](auto value) { return value != 0 ? 1.0F : 0.0F; });
    case DType::u8:
    case DType::qu8:
      return cast_each<std::uint8_t>(bytes);
    case DType::i8:
    case DType::qi8:
      return cast_each<std::int8_t>(bytes);
    case DType::u16:
    case DType::qu16:
      return cast_each<std::uint16_t>(bytes);
    case DType::i16:
    case DType::qi16:
      return cast_each<std::int16_t>(bytes);
    case DType::u32:
      return cast_each<std::uint32_t>(bytes);
    case DType::i32:
    case DType::qi32:
      return cast_each<std::int32_t>(bytes);
    case DType::u64:
      return cast_each<std::uint64_t>(bytes);
    case DType::i64:
      return cast_each<std::int64_t>(bytes);
    case DType::f16:
      return convert_each<std::uint16_t>(bytes,
                                         small_float<std::uint16_t, 5, 10, 15, Specials::ieee>);
    case DType::bf16:
      return convert_each<std::uint16_t>(bytes, from_bf16);
    case DType::f32:
      return cast_each<float>(bytes);
    case DType::f64:
      return cast_each<double>(bytes);
    case DType::f8_e5m2:
      return convert_each<std::uint8_t>(bytes, small_float<std::uint8_t, 5, 2, 15, Specials::ieee>);
    case DType::f8_e4m3:
      return convert_each<std::uint8_t>(bytes,
                                        small_float<std::uint8_t, 4, 3, 7, Specials::finite>);
    case DType::f8_e4m3fnuz:
      return convert_each<std::uint8_t>(
          bytes, small_float<std::uint8_t, 4, 3, 8, Specials::unsigned_zero>);
    case DType::f8_e5m2fnuz:
      return convert_each<std::uint8_t>(
          bytes, small_float<std::uint8_t, 5, 2, 16, Specials::unsigned_zero>);
    case DType::f8_e8m0:
      return convert_each<std::uint8_t>(bytes, from_e8m0);
    case DType::c64:
    case DType::c128:
      break;
  }
  throw Error(ErrorKind::mismatch,
              fmt::format("tensor '{}' is {}: it has no real values", printable(tensor.info.name),
                          dtype_name(tensor.info.dtype)));
}

}  // namespace poseheir
