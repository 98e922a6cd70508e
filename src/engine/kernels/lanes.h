// Vectors of the compiler's own kind: loads, stores and the bf16 conversions. Nothing here may
// come from the standard library: these sources are compiled for instruction sets that the
// machine may lack, and the linker keeps only one copy of an inline function.
#pragma once

#include "engine/kernels/kernels.h"
#include "engine/kernels/sharing.h"

#ifdef __AVX512F__
#include <immintrin.h>
#endif

namespace {

using poseheir::kernels::bf16;

template <int W>
struct Lanes {
  typedef float Float __attribute__((vector_size(W * 4)));
  typedef std::uint32_t Bits __attribute__((vector_size(W * 4)));
  typedef std::uint16_t Half __attribute__((vector_size(W * 2)));
};
template <int W>
using Vec = typename Lanes<W>::Float;
inline constexpr long kLineBytes = 64;

template <int W>
inline Vec<W> load(const float* p) {
  Vec<W> v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

template <int W>
inline Vec<W> load(const bf16* p) {
  typename Lanes<W>::Half half;
  __builtin_memcpy(&half, p, sizeof half);
  const auto bits = __builtin_convertvector(half, typename Lanes<W>::Bits) << 16;
  return __builtin_bit_cast(Vec<W>, bits);
}

template <int W>
inline void store(float* p, Vec<W> v) {
  __builtin_memcpy(p, &v, sizeof v);
}

// To the nearest, ties to even.
template <int W>
inline void store(bf16* p, Vec<W> v) {
#ifdef __AVX512BF16__
  if constexpr (W == 16) {
    const auto half = _mm512_cvtneps_pbh(__builtin_bit_cast(__m512, v));
    return void(__builtin_memcpy(p, &half, sizeof half));
  }
#endif
  auto bits = __builtin_bit_cast(typename Lanes<W>::Bits, v);
  bits += 0x7fffU + ((bits >> 16) & 1U);
  const auto half = __builtin_convertvector(bits >> 16, typename Lanes<W>::Half);
  __builtin_memcpy(p, &half, sizeof half);
}

// Past the caches, where streams_lines says so.
template <int W, class T>
inline void put(T* p, Vec<W> v, [[maybe_unused]] bool streams) {
#ifdef __AVX512F__
  if constexpr (W * sizeof(T) == kLineBytes)
    if (streams) return _mm512_stream_ps(p, __builtin_bit_cast(__m512, v));
#endif
  store<W>(p, v);
}
// Whether vectors are whole lines of the caches, which alone can be written past them.
template <class T>
inline bool streams_lines([[maybe_unused]] const T* p, [[maybe_unused]] long channels) {
#ifdef __AVX512F__
  return POSEHEIR_LANES * sizeof(T) == kLineBytes && channels % POSEHEIR_LANES == 0 &&
         reinterpret_cast<std::uintptr_t>(p) % kLineBytes == 0;
#else
  return false;
#endif
}
// Before other threads read what was streamed.
inline void end_streams([[maybe_unused]] bool streams) {
#ifdef __AVX512F__
  if (streams) _mm_sfence();
#endif
}

template <int W>
inline Vec<W> clamped(Vec<W> v, float low, float high) {
  const Vec<W> l = Vec<W>{} + low, h = Vec<W>{} + high;
  v = v > l ? v : l;
  return v < h ? v : h;
}

// v where low < y < high, else 0: the derivative of a clamp.
template <int W>
inline Vec<W> inside(Vec<W> v, Vec<W> y, float low, float high) {
  const Vec<W> zero = {};
  v = y > zero + low ? v : zero;
  return y < zero + high ? v : zero;
}

template <int W>
struct Width {
  static constexpr int value = W;
};

// body(Width<W>, first) over [0, count) in the widest pieces.
template <class Body>
inline __attribute__((always_inline)) void in_lanes(long count, const Body& body) {
  long i = 0;
  for (; i + POSEHEIR_LANES <= count; i += POSEHEIR_LANES) body(Width<POSEHEIR_LANES>{}, i);
  if constexpr (POSEHEIR_LANES > 8)
    for (; i + 8 <= count; i += 8) body(Width<8>{}, i);
  for (; i < count; ++i) body(Width<1>{}, i);
}

struct Range {
  float low, high;
};

inline Range range_of(poseheir::kernels::Clamp clamp) {
  const float infinity = __builtin_inff();
  if (clamp == poseheir::kernels::Clamp::none) return {-infinity, infinity};
  return {0.0F, clamp == poseheir::kernels::Clamp::relu ? infinity : 6.0F};
}

inline int smaller(int a, int b) { return a < b ? a : b; }
inline int larger(int a, int b) { return a > b ? a : b; }

}  // namespace
