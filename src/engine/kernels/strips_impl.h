// Depthwise convolution in strips of neighbouring outputs, whose sums stay in registers: a weight
// is loaded once a strip, a pixel once for all taps of a row. Channels last.
#pragma once

#include "engine/kernels/curves_impl.h"

namespace {

using namespace poseheir::kernels;

inline constexpr int kStrip = POSEHEIR_LANES == 16 ? 8 : 4;  // half the vector registers at most
inline constexpr int kBand = 8;                              // rows of a piece
inline constexpr long kGroup = 64;                           // channels of a piece

// The taps of one axis that fall inside: input = out * stride - pad + tap.
struct Taps {
  int first, last;
};
inline Taps taps_inside(int out, int stride, int pad, int size, int kernel) {
  const int start = out * stride - pad;
  return {larger(0, -start), smaller(kernel, size - start)};
}

// body(image, first row, last row, first channel, channels) for pieces whose input rows stay in
// the second cache while the kernel moves down.
template <class Body>
inline void in_bands(int images, int height, long channels, const Body& body) {
  const long bands = (height + kBand - 1) / kBand, groups = (channels + kGroup - 1) / kGroup;
  const long pieces = images * bands * groups;
  share_pieces(pieces, [&](long piece) {
    const long group = piece % groups, band = piece / groups % bands,
               image = piece / groups / bands;
    const long c = group * kGroup, left = channels - c;
    body(image, int(band) * kBand, smaller(int(band + 1) * kBand, height), c,
         left < kGroup ? left : kGroup);
  });
}

// acc[u] += sum over one row's K taps for outputs at distance S in the input, which starts at p, a
// pixel every `step` elements. Checked: only pixels from `first` to `last` are there.
template <int W, int K, int S, int U, bool Checked, bool Flip, class T>
inline __attribute__((always_inline)) void add_taps(const T* p, long step, const float* weights,
                                                    long channels, int first, int last,
                                                    Vec<W> (&acc)[U]) {
  Vec<W> w[K];
#pragma GCC unroll 8
  for (int k = 0; k < K; ++k) w[k] = load<W>(weights + (Flip ? K - 1 - k : k) * channels);
#pragma GCC unroll 32
  for (int i = 0; i < (U - 1) * S + K; ++i) {
    if (Checked && (i < first || i >= last)) continue;
    const auto v = load<W>(p + i * step);
#pragma GCC unroll 16
    for (int u = 0; u < U; ++u)
      if (i - u * S >= 0 && i - u * S < K) acc[u] += v * w[i - u * S];
  }
}

struct Strip {
  int column, count;  // of the first output, and how many there are
  int reach;          // the input column of the first output's first tap
};

// The sums of a strip over all rows of the kernel that lie inside.
template <int W, int K, int S, bool Flip, class T>
inline __attribute__((always_inline)) void sum_strip(const T* x, const float* weights,
                                                     const DepthwiseShape& s, int row,
                                                     const Strip& strip, Vec<W> (&acc)[kStrip]) {
  const auto down = taps_inside(row, S, s.pad_top, s.height, K);
  const long channels = s.channels;
  constexpr int kSpan = (kStrip - 1) * S + K;
  const int first = -strip.reach, last = s.width - strip.reach;
  for (int ky = down.first; ky < down.last; ++ky) {
    const T* p = x + (long(row * S - s.pad_top + ky) * s.width + strip.reach) * channels;
    const float* w = weights + long(Flip ? K - 1 - ky : ky) * K * channels;
    if (first <= 0 && last >= kSpan)
      add_taps<W, K, S, kStrip, false, Flip>(p, channels, w, channels, first, last, acc);
    else
      add_taps<W, K, S, kStrip, true, Flip>(p, channels, w, channels, first, last, acc);
  }
}

template <int K, int S, bool Flip, Curve C, class T>
void strips(const T* x, const float* weights, const float* shift, const DepthwiseShape& s, T* z,
            T* y) {
  const long channels = s.channels;
  in_bands(s.images, s.out_height, channels, [&](long n, int top, int bottom, long c0, long count) {
    const T* from = x + n * s.height * s.width * channels + c0;
    for (int row = top; row < bottom; ++row) {
      const long line = (n * s.out_height + row) * s.out_width;
      for (int column = 0; column < s.out_width; column += kStrip) {
        const Strip strip = {column, smaller(kStrip, s.out_width - column),
                             column * S - s.pad_left};
        in_lanes(count, [&](auto width, long c) {
          constexpr int W = decltype(width)::value;
          Vec<W> acc[kStrip];
          const Vec<W> start = shift == nullptr ? Vec<W>{} : load<W>(shift + c0 + c);
          for (auto& a : acc) a = start;
          sum_strip<W, K, S, Flip>(from + c, weights + c0 + c, s, row, strip, acc);
          const long at = (line + column) * channels + c0 + c;
#pragma GCC unroll 8
          for (int u = 0; u < kStrip; ++u) {
            if (u >= strip.count) break;
            if (C != Curve::none && z != nullptr) store<W>(z + at + u * channels, acc[u]);
            store<W>(y + at + u * channels, curved<C, W>(acc[u]));
          }
        });
      }
    }
  });
}

template <int K, class T>
void strips_by_stride(const T* x, const float* weights, const float* shift, const DepthwiseShape& s,
                      Curve curve, T* z, T* y) {
  if (curve == Curve::none)
    s.stride == 1 ? strips<K, 1, false, Curve::none>(x, weights, shift, s, z, y)
                  : strips<K, 2, false, Curve::none>(x, weights, shift, s, z, y);
  else
    s.stride == 1 ? strips<K, 1, false, Curve::swish>(x, weights, shift, s, z, y)
                  : strips<K, 2, false, Curve::swish>(x, weights, shift, s, z, y);
}

template <class T>
void curved_depthwise(const void* x, const float* weights, const float* shift,
                      const DepthwiseShape& s, Curve curve, void* z, void* y) {
  const T* in = static_cast<const T*>(x);
  if (s.kernel == 3)
    strips_by_stride<3>(in, weights, shift, s, curve, static_cast<T*>(z), static_cast<T*>(y));
  else
    strips_by_stride<5>(in, weights, shift, s, curve, static_cast<T*>(z), static_cast<T*>(y));
}

// With stride 2, input columns of one parity meet the same taps, and neighbours among them
// neighbouring outputs: a convolution of stride 1 by every second tap from `parity` on.
template <int W, int K, int Parity, class T>
inline void scatter_strip(const T* dy, const float* weights, const DepthwiseShape& s, long n,
                          int row, int column, T* to) {
  constexpr int M = (K - Parity + 1) / 2, kSpan = kStrip + M - 1;
  const long channels = s.channels;
  const int reach = (column + s.pad_left - Parity) / 2 - (M - 1);  // the first output column
  const int first = -reach, last = s.out_width - reach;
  Vec<W> acc[kStrip] = {};
  for (int ky = (row + s.pad_top) % 2; ky < K; ky += 2) {
    const int oy = (row + s.pad_top - ky) / 2;
    if (row + s.pad_top < ky || oy >= s.out_height) continue;
    const T* p = dy + ((n * s.out_height + oy) * s.out_width + reach) * channels;
    const float* w = weights + (ky * K + Parity) * channels;
    if (first <= 0 && last >= kSpan)
      add_taps<W, M, 1, kStrip, false, true>(p, channels, w, 2 * channels, first, last, acc);
    else
      add_taps<W, M, 1, kStrip, true, true>(p, channels, w, 2 * channels, first, last, acc);
  }
#pragma GCC unroll 8
  for (int u = 0; u < kStrip; ++u)
    if (column + 2 * u < s.width) store<W>(to + long(2 * u) * channels, acc[u]);
}

template <int K, class T>
void scatter(const T* dy, const float* weights, const DepthwiseShape& s, T* dx) {
  const long channels = s.channels;
  in_bands(s.images, s.height, channels, [&](long n, int top, int bottom, long c0, long count) {
    for (int row = top; row < bottom; ++row)
      for (int strip = 0; strip < s.width; strip += 2 * kStrip)
        for (int column = strip; column < smaller(strip + 2, s.width); ++column)
          in_lanes(count, [&](auto width, long c) {
            constexpr int W = decltype(width)::value;
            T* to = dx + ((n * s.height + row) * s.width + column) * channels + c0 + c;
            if ((column + s.pad_left) % 2 == 0)
              scatter_strip<W, K, 0>(dy + c0 + c, weights + c0 + c, s, n, row, column, to);
            else
              scatter_strip<W, K, 1>(dy + c0 + c, weights + c0 + c, s, n, row, column, to);
          });
  });
}

template <int K, class T>
void data_by_stride(const T* dy, const float* weights, const DepthwiseShape& s, T* dx) {
  if (s.stride == 2) return scatter<K>(dy, weights, s, dx);
  const DepthwiseShape turned = {
      s.images, s.out_height,      s.out_width,        s.channels, K,
      1,        K - 1 - s.pad_top, K - 1 - s.pad_left, s.height,   s.width};
  strips<K, 1, true, Curve::none, T>(dy, weights, nullptr, turned, nullptr, dx);
}

template <class T>
void curved_depthwise_data(const void* dy, const float* weights, const DepthwiseShape& s,
                           void* dx) {
  if (s.kernel == 3)
    data_by_stride<3>(static_cast<const T*>(dy), weights, s, static_cast<T*>(dx));
  else
    data_by_stride<5>(static_cast<const T*>(dy), weights, s, static_cast<T*>(dx));
}

// sum[tap] += x * dy over one row of outputs for all taps at once: dy is loaded once, and the
// chains of additions do not wait for each other. rows[ky] is null outside the picture.
template <int W, int K, int S, class T>
inline __attribute__((always_inline)) void add_products(const T* const (&rows)[K], const T* dy,
                                                        const DepthwiseShape& s,
                                                        Vec<W> (&sum)[K * K]) {
  const long channels = s.channels;
  for (int ox = 0; ox < s.out_width; ++ox) {
    const auto value = load<W>(dy + ox * channels);
    const int reach = ox * S - s.pad_left;
    const bool inside_all = reach >= 0 && reach + K <= s.width;
#pragma GCC unroll 8
    for (int ky = 0; ky < K; ++ky) {
      if (rows[ky] == nullptr) continue;
      const T* p = rows[ky] + reach * channels;
#pragma GCC unroll 8
      for (int kx = 0; kx < K; ++kx)
        if (inside_all || (reach + kx >= 0 && reach + kx < s.width))
          sum[ky * K + kx] += load<W>(p + kx * channels) * value;
    }
  }
}

template <int K, int S, class T>
void products(const T* x, const T* dy, const DepthwiseShape& s, float* workspace) {
  const long channels = s.channels, bands = (s.out_height + kBand - 1) / kBand;
  in_bands(s.images, s.out_height, channels, [&](long n, int top, int bottom, long c0, long count) {
    float* out = workspace + (n * bands + top / kBand) * K * K * channels + c0;
    in_lanes(count, [&](auto width, long c) {
      constexpr int W = decltype(width)::value;
      Vec<W> sum[K * K] = {};
      for (int oy = top; oy < bottom; ++oy) {
        const T* rows[K];
#pragma GCC unroll 8
        for (int ky = 0; ky < K; ++ky) {
          const int iy = oy * S - s.pad_top + ky;
          rows[ky] = iy < 0 || iy >= s.height
                         ? nullptr
                         : x + ((n * s.height + iy) * s.width) * channels + c0 + c;
        }
        add_products<W, K, S>(rows, dy + (n * s.out_height + oy) * s.out_width * channels + c0 + c,
                              s, sum);
      }
#pragma GCC unroll 32
      for (int tap = 0; tap < K * K; ++tap) store<W>(out + tap * channels + c, sum[tap]);
    });
  });
}

template <class T>
void curved_depthwise_weights(const void* x_, const void* dy_, const DepthwiseShape& s,
                              float* workspace, float* dweights) {
  const T *x = static_cast<const T*>(x_), *dy = static_cast<const T*>(dy_);
  if (s.kernel == 3)
    s.stride == 1 ? products<3, 1>(x, dy, s, workspace) : products<3, 2>(x, dy, s, workspace);
  else
    s.stride == 1 ? products<5, 1>(x, dy, s, workspace) : products<5, 2>(x, dy, s, workspace);
  const long values = long(s.kernel) * s.kernel * s.channels;
  const long pieces = s.images * ((s.out_height + kBand - 1L) / kBand);
#pragma omp parallel for schedule(static)
  for (long i = 0; i < values; ++i) {
    double total = 0;
    for (long piece = 0; piece < pieces; ++piece) total += double(workspace[piece * values + i]);
    dweights[i] = float(total);
  }
}

}  // namespace
