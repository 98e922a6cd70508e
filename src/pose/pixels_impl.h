// The loops of pixels.h. Nothing here may come from the standard library: these sources are
// compiled for instruction sets that the machine may lack, and the linker keeps only one copy of an
// inline function. No product and sum are contracted unless it is said so: -ffp-contract=off.
#pragma once

#if POSEHEIR_LANES > 4
#include <immintrin.h>
#endif

#include "pose/pixels.h"

namespace {

using namespace poseheir::pixels;

typedef float Four __attribute__((vector_size(16)));

template <typename Value>
inline Value loaded(const void* from) {
  Value value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}
template <typename Value>
inline void stored(void* to, Value value) {
  __builtin_memcpy(to, &value, sizeof value);
}

inline int clamped(int value, int low, int high) {
  return value < low ? low : value > high ? high : value;
}

// Halves away from zero, as for pixels that are never negative.
inline std::uint8_t to_byte(float value) {
  value += 0.5F;
  return static_cast<std::uint8_t>(value < 0.0F ? 0.0F : value > 255.0F ? 255.0F : value);
}

// A place: the pixel below it and the 1/32 steps from there.
inline int steps_of(float position) {
  constexpr int kOffset = 1 << 30;  // so that cutting off rounds downwards
  return static_cast<int>(position * double{kSteps} + (kOffset + 0.5)) - kOffset;
}

void displaced_at_border(const Levels& picture, int steps_x, int steps_y,
                         const CubicWeights& weights, std::uint8_t* result) {
  float sums[kChannels] = {};
  for (int row = 0; row < kTaps; ++row) {
    const int y = (steps_y >> 5) - 1 + row;
    if (y < 0 || y >= picture.height) continue;
    for (int column = 0; column < kTaps; ++column) {
      const int x = (steps_x >> 5) - 1 + column;
      if (x < 0 || x >= picture.width) continue;
      const auto* pixel = picture.values + (long(y) * picture.width + x) * kChannels;
      const float weight = weights.of_row[steps_y & (kSteps - 1)][row] *
                           weights.of_row[steps_x & (kSteps - 1)][column];
      for (int c = 0; c < kChannels; ++c) sums[c] += weight * pixel[c];
    }
  }
  for (int c = 0; c < kChannels; ++c) result[c] = to_byte(sums[c]);
}

// Of two places: the first of their sixteen pixels, and the weights of its rows and columns.
struct Lookup {
  const float* pixels[2];
  const float* of_rows[2];
  const float* of_values[2];
};

// The sums of sixteen pixels, weighted, for two places: eight floats, the first six of which count.
#if POSEHEIR_LANES == 16
inline __m256 displaced(const Lookup& at, long stride) {
  __m512 sums[2];
  for (int i = 0; i < 2; ++i) {
    const auto four = [&](int row) {
      return _mm512_mul_ps(_mm512_set1_ps(at.of_rows[i][row]),
                           _mm512_maskz_loadu_ps(0xfff, at.pixels[i] + row * stride));
    };
    sums[i] = four(0);
    for (int row = 1; row < kTaps; ++row) sums[i] = _mm512_add_ps(sums[i], four(row));
    sums[i] = _mm512_mul_ps(sums[i], _mm512_load_ps(at.of_values[i]));
  }
  const auto tap = [&](int first) {
    const auto order =
        _mm512_add_epi32(_mm512_setr_epi32(0, 1, 2, 16, 17, 18, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
                         _mm512_set1_epi32(first));
    return _mm512_castps512_ps256(_mm512_permutex2var_ps(sums[0], order, sums[1]));
  };
  return tap(0) + tap(3) + tap(6) + tap(9);
}
#else
struct TwoPixels {
  float values[8];
};

inline TwoPixels displaced(const Lookup& at, long stride) {
  TwoPixels two = {};
  for (int i = 0; i < 2; ++i) {
    const float* pixels = at.pixels[i];
    Four sums[kChannels] = {};
    for (int row = 0; row < kTaps; ++row, pixels += stride)
      for (int k = 0; k < kChannels; ++k)
        sums[k] += at.of_rows[i][row] * loaded<Four>(pixels + 4 * k);
    float values[kTaps * kChannels];
    for (int k = 0; k < kChannels; ++k)
      stored(values + 4 * k, sums[k] * loaded<Four>(at.of_values[i] + 4 * k));
    Four pixel = loaded<Four>(values) + loaded<Four>(values + 3);
    pixel += loaded<Four>(values + 6);
    stored(two.values + 3 * i, pixel + Four{values[9], values[10], values[11], 0});
  }
  return two;
}
#endif

void displace(const Levels& picture, const float* dx, const float* dy, int row,
              const CubicWeights& weights, std::uint8_t* result) {
  constexpr int kPiece = 64;
  const int width = picture.width, height = picture.height;
  const long stride = long(width) * kChannels;
  const bool is_tiny = width < kTaps || height < kTaps;
  int steps_x[kPiece] = {}, steps_y[kPiece] = {}, places[kPiece], outside[kPiece];
  float values[kPiece * kChannels + 4];
  for (int first = 0; first < width; first += kPiece) {
    const int count = width - first < kPiece ? width - first : kPiece;
    for (int i = 0; i < count; ++i) {
      steps_x[i] = steps_of(static_cast<float>(first + i) - dx[first + i]);
      steps_y[i] = steps_of(static_cast<float>(row) - dy[first + i]);
    }
    int any = 0;
    for (int i = 0; i < kPiece; ++i) {
      const int left = (steps_x[i] >> 5) - 1, top = (steps_y[i] >> 5) - 1;
      outside[i] =
          int(is_tiny) | (left < 0) | (left > width - kTaps) | (top < 0) | (top > height - kTaps);
      any |= outside[i];
      places[i] = outside[i] ? 0 : top * int(stride) + left * kChannels;
    }
    for (int i = 0; !is_tiny && i < count; i += 2) {
      Lookup at;
      for (int k = 0; k < 2; ++k) {
        at.pixels[k] = picture.values + places[i + k];
        at.of_rows[k] = weights.of_row[steps_y[i + k] & (kSteps - 1)];
        at.of_values[k] = weights.of_values[steps_x[i + k] & (kSteps - 1)];
      }
      stored(values + i * kChannels, displaced(at, stride));
    }
    auto* bytes = result + long(first) * kChannels;
    for (int i = 0; !is_tiny && i < count * kChannels; ++i) bytes[i] = to_byte(values[i]);
    for (int i = 0; any != 0 && i < count; ++i)
      if (outside[i] != 0)
        displaced_at_border(picture, steps_x[i], steps_y[i], weights, bytes + i * kChannels);
  }
}

// As Random of random.h draws them.
void uniform(std::uint64_t key, std::uint64_t first, int count, float* result) {
  constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15U;
  for (int i = 0; i < count; ++i) {
    std::uint64_t x = key + kGolden * (first + std::uint64_t(i));
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
    x ^= x >> 31;
    result[i] = float(-1 + 2 * (double(std::int64_t(x >> 11)) * 0x1p-53));
  }
}

void widen(const std::uint8_t* bytes, int count, float* result) {
  for (int i = 0; i < count; ++i) result[i] = bytes[i];
}

#if POSEHEIR_LANES > 4

#if POSEHEIR_LANES == 16
typedef __m512 Wide;
inline Wide spread(float value) { return _mm512_set1_ps(value); }
inline Wide fused(Wide a, Wide b, Wide c) { return _mm512_fmadd_ps(a, b, c); }
inline __m128i rounded_bytes(Wide value) {
  const auto whole = _mm512_max_epi32(_mm512_cvtps_epi32(value), _mm512_setzero_si512());
  return _mm512_cvtusepi32_epi8(whole);
}
#else
typedef __m256 Wide;
inline Wide spread(float value) { return _mm256_set1_ps(value); }
inline Wide fused(Wide a, Wide b, Wide c) { return _mm256_fmadd_ps(a, b, c); }
inline std::uint64_t rounded_bytes(Wide value) {
  const auto whole = _mm256_cvtps_epi32(value);
  const auto half =
      _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
  return std::uint64_t(_mm_cvtsi128_si64(_mm_packus_epi16(half, half)));
}
#endif
constexpr char kNone = -1;  // in a shuffle: a zero
constexpr int kWide = POSEHEIR_LANES;
constexpr int kSums = 4;  // at a time, for each weight

// OpenCV's order of the sums, each product and sum in one.
void blur_row(const float* row, const float* weights, int taps, int count, float* result) {
  int i = 0;
  for (; i + kSums * kWide <= count; i += kSums * kWide) {
    Wide sums[kSums] = {};
    for (int tap = 0; tap < taps; ++tap) {
      const auto weight = spread(weights[tap]);
      for (int k = 0; k < kSums; ++k)
        sums[k] = fused(loaded<Wide>(row + i + tap + k * kWide), weight, sums[k]);
    }
    for (int k = 0; k < kSums; ++k) stored(result + i + k * kWide, sums[k]);
  }
  for (; i < count; ++i) {
    float sum = 0;
    for (int tap = 0; tap < taps; ++tap) sum = __builtin_fmaf(row[i + tap], weights[tap], sum);
    result[i] = sum;
  }
}

void blur_rows(const float* const* rows, const float* weights, int taps, float factor, int count,
               float* result) {
  const int middle = taps / 2;
  int i = 0;
  for (; i + kSums * kWide <= count; i += kSums * kWide) {
    Wide sums[kSums];
    const auto at = [i](const float* row, int k) { return loaded<Wide>(row + i + k * kWide); };
    for (int k = 0; k < kSums; ++k) sums[k] = at(rows[middle], k) * spread(weights[middle]);
    for (int tap = 1; tap <= middle; ++tap) {
      const auto weight = spread(weights[middle + tap]);
      const float *above = rows[middle - tap], *below = rows[middle + tap];
      for (int k = 0; k < kSums; ++k) sums[k] = fused(at(below, k) + at(above, k), weight, sums[k]);
    }
    for (int k = 0; k < kSums; ++k) stored(result + i + k * kWide, sums[k] * spread(factor));
  }
  for (; i < count; ++i) {
    float sum = rows[middle][i] * weights[middle];
    for (int tap = 1; tap <= middle; ++tap)
      sum =
          __builtin_fmaf(rows[middle + tap][i] + rows[middle - tap][i], weights[middle + tap], sum);
    result[i] = sum * factor;
  }
}

void filter(const float* const* rows, const float* weights, int taps, int count,
            std::uint8_t* result) {
  int i = 0;
  for (; i + kSums * kWide <= count; i += kSums * kWide) {
    Wide sums[kSums] = {};
    for (int tap = 0; tap < taps; ++tap) {
      const auto weight = spread(weights[tap]);
      for (int k = 0; k < kSums; ++k)
        sums[k] = fused(loaded<Wide>(rows[tap] + i + k * kWide), weight, sums[k]);
    }
    for (int k = 0; k < kSums; ++k) stored(result + i + k * kWide, rounded_bytes(sums[k]));
  }
  for (; i < count; ++i) {
    float sum = 0;
    for (int tap = 0; tap < taps; ++tap) sum = __builtin_fmaf(rows[tap][i], weights[tap], sum);
    result[i] = static_cast<std::uint8_t>(clamped(int(__builtin_rintf(sum)), 0, 255));
  }
}

// Red, green and blue (and a zero) of four pixels as 16 bits, channel by channel.
inline __m256i by_channel(const std::uint8_t* pixels) {
  const auto order = _mm256_setr_epi8(0, kNone, 3, kNone, 6, kNone, 9, kNone, 1, kNone, 4, kNone, 7,
                                      kNone, 10, kNone,  //
                                      2, kNone, 5, kNone, 8, kNone, 11, kNone, kNone, kNone, kNone,
                                      kNone, kNone, kNone, kNone, kNone);
  return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(loaded<__m128i>(pixels)), order);
}

void turned_at_border(const Picture& picture, int x, int y, int right, int down,
                      std::uint8_t* result) {
  for (int c = 0; c < kChannels; ++c) {
    int sum = kSteps * kSteps / 2;
    for (int tap = 0; tap < 4; ++tap) {
      const int from_x = x + tap % 2, from_y = y + tap / 2;
      if (from_x < 0 || from_x >= picture.width || from_y < 0 || from_y >= picture.height) continue;
      const int weight = (tap % 2 != 0 ? right : kSteps - right) *  //
                         (tap / 2 != 0 ? down : kSteps - down);
      sum += weight * picture.pixels[(long(from_y) * picture.width + from_x) * kChannels + c];
    }
    result[c] = static_cast<std::uint8_t>(sum >> 10);
  }
}

// Six bytes of two rows, for each of two pixels.
inline __m256i neighbours(const std::uint8_t* first, const std::uint8_t* second, long stride) {
  const auto two_rows = [stride](const std::uint8_t* pixel) {
    return _mm_set_epi64x(loaded<long long>(pixel + stride), loaded<long long>(pixel));
  };
  return _mm256_inserti128_si256(_mm256_castsi128_si256(two_rows(first)), two_rows(second), 1);
}

// `weights`: of each pixel, its right neighbour and the two below.
inline __m256i turned(__m256i neighbours, const std::uint64_t* weights) {
  const auto red_green = _mm256_broadcastsi128_si256(_mm_setr_epi8(
      0, kNone, 3, kNone, 8, kNone, 11, kNone, 1, kNone, 4, kNone, 9, kNone, 12, kNone));
  const auto blue =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(2, kNone, 5, kNone, 10, kNone, 13, kNone, kNone,
                                                kNone, kNone, kNone, kNone, kNone, kNone, kNone));
  const auto each =
      _mm256_permute4x64_epi64(_mm256_castsi128_si256(loaded<__m128i>(weights)), 0x50);
  const auto sums =
      _mm256_hadd_epi32(_mm256_madd_epi16(_mm256_shuffle_epi8(neighbours, red_green), each),
                        _mm256_madd_epi16(_mm256_shuffle_epi8(neighbours, blue), each));
  return _mm256_srli_epi32(_mm256_add_epi32(sums, _mm256_set1_epi32(kSteps * kSteps / 2)), 10);
}

void turn(const Picture& picture, const int* dx, const int* dy, int x, int y, int count,
          std::uint8_t* result) {
  constexpr int kPiece = 64;
  const long stride = long(picture.width) * kChannels;
  const auto low_bytes =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 4, 8, kNone, kNone, kNone, kNone, kNone, kNone,
                                                kNone, kNone, kNone, kNone, kNone, kNone, kNone));
  std::uint64_t weights[kPiece];
  int places[kPiece];
  std::uint8_t bytes[kPiece * kChannels + 4];
  for (int first = 0; first < count; first += kPiece) {
    const int pixels = count - first < kPiece ? count - first : kPiece;
    int outside[kPiece], any = 0;
    for (int i = 0; i < pixels; ++i) {
      const int steps_x = (x + dx[first + i]) >> 5, steps_y = (y + dy[first + i]) >> 5;
      const int left = steps_x >> 5, top = steps_y >> 5;
      const unsigned right = steps_x & (kSteps - 1), down = steps_y & (kSteps - 1);
      // Eight bytes are read where six count.
      outside[i] = (left < 0) | (left > picture.width - 4) | (top < 0) | (top > picture.height - 2);
      any |= outside[i];
      places[i] = outside[i] ? 0 : top * int(stride) + left * kChannels;
      const unsigned above = (kSteps - right) | right << 16;
      weights[i] = std::uint64_t(above * (kSteps - down)) | std::uint64_t(above * down) << 32;
    }
    if (pixels % 2 != 0) places[pixels] = 0, weights[pixels] = 0;
    for (int i = 0; i < pixels; i += 2) {
      const auto two = _mm256_shuffle_epi8(
          turned(neighbours(picture.pixels + places[i], picture.pixels + places[i + 1], stride),
                 weights + i),
          low_bytes);
      stored(bytes + i * kChannels, _mm_cvtsi128_si32(_mm256_castsi256_si128(two)));
      stored(bytes + (i + 1) * kChannels, _mm_cvtsi128_si32(_mm256_extracti128_si256(two, 1)));
    }
    for (int i = 0; any != 0 && i < pixels; ++i) {
      if (outside[i] == 0) continue;
      const int steps_x = (x + dx[first + i]) >> 5, steps_y = (y + dy[first + i]) >> 5;
      turned_at_border(picture, steps_x >> 5, steps_y >> 5, steps_x & (kSteps - 1),
                       steps_y & (kSteps - 1), bytes + i * kChannels);
    }
    __builtin_memcpy(result + long(first) * kChannels, bytes, std::size_t(pixels) * kChannels);
  }
}

inline __m256i weighted(const std::uint8_t* pixels, const std::int16_t* weights) {
  return _mm256_madd_epi16(by_channel(pixels), _mm256_set1_epi64x(loaded<long long>(weights)));
}

void resized_pixel(const std::uint8_t* row, const CubicAxis& columns, int place, float* result) {
  for (int c = 0; c < kChannels; ++c) {
    int sum = 0;
    for (int tap = 0; tap < kTaps; ++tap) {
      const int column = clamped(columns.first[place] + tap, 0, columns.pixels - 1);
      sum += row[column * kChannels + c] * columns.weights[place * kTaps + tap];
    }
    result[c] = float(sum);
  }
}

void resize_row(const std::uint8_t* row, const CubicAxis& columns, bool last, float* result) {
  // Sixteen bytes are read where twelve count.
  const int most = columns.pixels - kTaps - (last ? 2 : 0);
  const auto inside = [&](int place) {
    return columns.first[place] >= 0 && columns.first[place] <= most;
  };
  const auto order = _mm256_setr_epi32(0, 1, 4, 2, 3, 6, 5, 7);
  int place = 0;
  while (place < columns.places) {
    if (place + 1 < columns.places && inside(place) && inside(place + 1)) {
      const auto* weights = columns.weights + place * kTaps;
      const auto first = weighted(row + columns.first[place] * kChannels, weights);
      const auto second = weighted(row + columns.first[place + 1] * kChannels, weights + kTaps);
      const auto sums = _mm256_permutevar8x32_epi32(_mm256_hadd_epi32(first, second), order);
      stored(result + place * kChannels, _mm256_cvtepi32_ps(sums));
      place += 2;
      continue;
    }
    resized_pixel(row, columns, place, result + place * kChannels);
    ++place;
  }
}

void resize_rows(const float* const* rows, const std::int16_t* weights, int count,
                 std::uint8_t* result) {
  constexpr float kScale = 1.0F / (2048 * 2048);
  Wide wide[kTaps];
  for (int tap = 0; tap < kTaps; ++tap) wide[tap] = spread(weights[tap] * kScale);
  // OpenCV rounds eights of values as floats, what is left over as whole numbers.
  const int floats = count / 8 * 8;
  int i = 0;
  const auto all_lanes = [&](int at) {
    Wide sum = loaded<Wide>(rows[3] + at) * wide[3];
    for (int tap = kTaps - 2; tap >= 0; --tap) sum = loaded<Wide>(rows[tap] + at) * wide[tap] + sum;
    stored(result + at, rounded_bytes(sum));
  };
  for (; i + kWide <= floats; i += kWide) all_lanes(i);
  for (; i < floats; ++i) {
    float sum = rows[3][i] * wide[3][0];
    for (int tap = kTaps - 2; tap >= 0; --tap) sum = rows[tap][i] * wide[tap][0] + sum;
    result[i] = static_cast<std::uint8_t>(clamped(int(__builtin_rintf(sum)), 0, 255));
  }
  for (; i < count; ++i) {
    int sum = 1 << 21;
    for (int tap = 0; tap < kTaps; ++tap) sum += int(rows[tap][i]) * weights[tap];
    result[i] = static_cast<std::uint8_t>(clamped(sum >> 22, 0, 255));
  }
}

#else
constexpr auto blur_row = nullptr;
constexpr auto blur_rows = nullptr;
constexpr auto filter = nullptr;
constexpr auto turn = nullptr;
constexpr auto resize_row = nullptr;
constexpr auto resize_rows = nullptr;
#endif

}  // namespace

namespace poseheir::pixels::POSEHEIR_ISA {
extern const Kernels kernels;
const Kernels kernels = {displace, uniform, blur_row,   blur_rows,  filter,
                         widen,    turn,    resize_row, resize_rows};
}  // namespace poseheir::pixels::POSEHEIR_ISA
