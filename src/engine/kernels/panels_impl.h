// What the matrix products of our 1x1 convolutions read. A factor is made of words of 32 bits: fp32
// values, or pairs of bf16 values that are neighbours in the sum, where the machine multiplies such
// pairs. What one inner loop reads lies together: weights, and a tile's pixels, in panels of
// columns.
#pragma once

#include "engine/kernels/fused_impl.h"

namespace {

using namespace poseheir::kernels;

// Activations of T are multiplied as Factor<T>.
template <class T>
struct FactorOf {
  using Type = float;
};
#ifdef __AVX512BF16__
template <>
struct FactorOf<bf16> {
  using Type = bf16;
};
#endif
template <class T>
using Factor = typename FactorOf<T>::Type;
template <class F>
inline constexpr long kWord = 4 / sizeof(F);  // values of a word

template <int W>
inline Vec<W> words(const float* p) {
  return load<W>(p);
}
template <int W>
inline Vec<W> repeated(const float* p) {
  return all<W>(*p);
}
template <int W>
inline Vec<W> multiply_add(Vec<W> sum, Vec<W> a, Vec<W> b, float) {
  return sum + a * b;
}
// The words of a row and the one after it.
template <int W>
inline Vec<W> pair_of(Vec<W> a, Vec<W>, float) {
  return a;
}

#ifdef __AVX512BF16__
template <int W>
inline Vec<W> words(const bf16* p) {
  Vec<W> v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
template <int W>
inline Vec<W> repeated(const bf16* p) {
  std::uint32_t word;
  __builtin_memcpy(&word, p, sizeof word);
  return __builtin_bit_cast(Vec<W>, typename Lanes<W>::Bits{} + word);
}
template <int W>
inline Vec<W> multiply_add(Vec<W> sum, Vec<W> a, Vec<W> b, bf16) {
  if constexpr (W == 16)
    return __builtin_bit_cast(
        Vec<W>, _mm512_dpbf16_ps(__builtin_bit_cast(__m512, sum), __builtin_bit_cast(__m512bh, a),
                                 __builtin_bit_cast(__m512bh, b)));
  else
    return __builtin_bit_cast(
        Vec<W>, _mm256_dpbf16_ps(__builtin_bit_cast(__m256, sum), __builtin_bit_cast(__m256bh, a),
                                 __builtin_bit_cast(__m256bh, b)));
}
template <int W>
inline Vec<W> pair_of(Vec<W> a, Vec<W> b, bf16) {
  if constexpr (W == 16) {
    const auto both =
        _mm512_cvtne2ps_pbh(__builtin_bit_cast(__m512, b), __builtin_bit_cast(__m512, a));
    const auto order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24,
                                        8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return __builtin_bit_cast(Vec<W>,
                              _mm512_permutexvar_epi16(order, __builtin_bit_cast(__m512i, both)));
  } else {
    const auto both =
        _mm256_cvtne2ps_pbh(__builtin_bit_cast(__m256, b), __builtin_bit_cast(__m256, a));
    const auto order = _mm256_set_epi16(15, 7, 14, 6, 13, 5, 12, 4, 11, 3, 10, 2, 9, 1, 8, 0);
    return __builtin_bit_cast(Vec<W>,
                              _mm256_permutexvar_epi16(order, __builtin_bit_cast(__m256i, both)));
  }
}
#endif

template <int W, class F>
inline void store_words(F* p, Vec<W> v) {
  __builtin_memcpy(p, &v, sizeof v);
}

// Vectors and rows of a block of sums that fit the registers.
inline constexpr int kVectors = POSEHEIR_LANES == 16 ? 3 : 2;
inline constexpr int kRows = POSEHEIR_LANES == 16 ? 8 : 4;

// body(V, W, first column) over columns in the widest panels; their number is a multiple of 8.
template <class Body>
inline __attribute__((always_inline)) void in_panels(long columns, const Body& body) {
  constexpr int W = POSEHEIR_LANES;
  long c = 0;
  for (; c + kVectors * W <= columns; c += kVectors * W) body(Width<kVectors>{}, Width<W>{}, c);
  for (; c + 2 * W <= columns; c += 2 * W) body(Width<2>{}, Width<W>{}, c);
  for (; c + W <= columns; c += W) body(Width<1>{}, Width<W>{}, c);
  if constexpr (W > 8)
    for (; c + 8 <= columns; c += 8) body(Width<1>{}, Width<8>{}, c);
}

// The panel of a column, in which a row is `width` words after the row before; the panel's words
// begin at `first` times the rows.
struct Panel {
  long first = 0, width = 0;
};
inline Panel panel_of(long column, long columns) {
  constexpr long W = POSEHEIR_LANES, kWidest = kVectors * W;
  const long full = columns / kWidest * kWidest;
  if (column < full) return {column / kWidest * kWidest, kWidest};
  Panel panel = {full, 0};
  for (long width = kVectors > 2 ? 2 * W : W;; width = width > W ? W : 8) {
    panel.width = width;
    for (; panel.first + width <= columns; panel.first += width)
      if (column < panel.first + width) return panel;
  }
}

inline constexpr int kPacked = POSEHEIR_LANES > 8 ? 8 : POSEHEIR_LANES;  // values at once

// body(panel, first row, rows) over panels of [depth, columns], a few rows at a time: what is
// written then stays in the first cache.
template <class Body>
inline void in_panel_rows(long depth, long columns, const Body& body) {
  constexpr long kWidest = kVectors * POSEHEIR_LANES, kRowsAtOnce = 64;
  const long across = (columns + kWidest - 1) / kWidest;
  const long pieces = across * ((depth + kRowsAtOnce - 1) / kRowsAtOnce);
  share_pieces(pieces, [&](long piece) {
    const long first = piece / across * kRowsAtOnce, left = depth - first;
    const long end = (piece % across + 1) * kWidest;
    Panel panel;
    for (long c = piece % across * kWidest; c < end && c < columns; c += panel.width) {
      panel = panel_of(c, columns);
      body(panel, first, left < kRowsAtOnce ? left : kRowsAtOnce);
    }
  });
}

// Weights [depth, columns], both multiples of 8, into panels.
template <class F>
inline void pack_rows(const float* weights, long depth, long columns, F* packed) {
  in_panel_rows(depth, columns, [&](const Panel& panel, long first, long rows) {
    const float* from = weights + first * columns + panel.first;
    F* to = packed + panel.first * depth + first * panel.width;
    for (long k = 0; k < rows; k += kWord<F>, from += kWord<F> * columns)
      for (long c = 0; c < panel.width; c += kPacked, to += kPacked * kWord<F>)
        store_words<kPacked>(
            to, pair_of<kPacked>(load<kPacked>(from + c),
                                 load<kPacked>(from + (kWord<F> - 1) * columns + c), F{}));
  });
}

// Four words of a column of weights.
inline Vec<4> column_words(const float* p, float) { return load<4>(p); }
inline Vec<4> column_words(const float* p, bf16) {
  bf16 line[8];
  for (int i = 0; i < 8; i += 4) store<4>(line + i, load<4>(p + i));
  Vec<4> v;
  __builtin_memcpy(&v, line, sizeof v);
  return v;
}

// Of four columns, each `depth` values after the one before, to four rows of four words.
template <class F>
inline void turn_words(const float* from, long depth, F* to, long width) {
  Vec<4> column[4], row[4];
  for (int i = 0; i < 4; ++i) column[i] = column_words(from + i * depth, F{});
  const auto join = [](Vec<4> a, Vec<4> b, Vec<4>* rows) {
    rows[0] = __builtin_shufflevector(a, b, 0, 1, 4, 5);
    rows[1] = __builtin_shufflevector(a, b, 2, 3, 6, 7);
  };
  join(__builtin_shufflevector(column[0], column[1], 0, 4, 1, 5),
       __builtin_shufflevector(column[2], column[3], 0, 4, 1, 5), row);
  join(__builtin_shufflevector(column[0], column[1], 2, 6, 3, 7),
       __builtin_shufflevector(column[2], column[3], 2, 6, 3, 7), row + 2);
  for (int i = 0; i < 4; ++i) store_words<4>(to + i * width * kWord<F>, row[i]);
}

// The same from weights [columns, depth].
template <class F>
inline void pack_columns(const float* weights, long depth, long columns, F* packed) {
  in_panel_rows(depth, columns, [&](const Panel& panel, long first, long rows) {
    const float* from = weights + panel.first * depth + first;
    F* to = packed + panel.first * depth + first * panel.width;
    for (long c = 0; c < panel.width; c += 4)
      for (long k = 0; k < rows; k += 4 * kWord<F>)
        turn_words(from + c * depth + k, depth, to + k * panel.width + c * kWord<F>, panel.width);
  });
}

}  // namespace
