// Depthwise convolution on channels-last activations; weights [kernel, kernel, channels].
#pragma once

#include "engine/kernels/lanes.h"

namespace {

using namespace poseheir::kernels;

// The taps of one axis that fall inside: input = out * stride - pad + tap.
struct Taps {
  int first, last;
};
inline Taps taps_inside(int out, int stride, int pad, int size, int kernel) {
  const int start = out * stride - pad;
  return {larger(0, -start), smaller(kernel, size - start)};
}

template <class T, int K>
void depthwise_rows(const T* x, const float* weights, const DepthwiseShape& s, T* y) {
  const int kernel = K == 0 ? s.kernel : K;
  const long rows = long(s.images) * s.out_height, channels = s.channels;
#pragma omp parallel for schedule(static)
  for (long row = 0; row < rows; ++row) {
    const long n = row / s.out_height;
    const int oy = int(row % s.out_height);
    const auto down = taps_inside(oy, s.stride, s.pad_top, s.height, kernel);
    const T* from = x + (n * s.height + oy * s.stride - s.pad_top) * s.width * channels;
    T* to = y + row * s.out_width * channels;
    in_lanes(channels, [&](auto width, long c) {
      constexpr int W = decltype(width)::value;
      for (int ox = 0; ox < s.out_width; ++ox) {
        const auto across = taps_inside(ox, s.stride, s.pad_left, s.width, kernel);
        const T* p = from + long(ox * s.stride - s.pad_left) * channels + c;
        Vec<W> sum = {};
        for (int ky = down.first; ky < down.last; ++ky)
          for (int kx = across.first; kx < across.last; ++kx)
            sum += load<W>(weights + (ky * kernel + kx) * channels + c) *
                   load<W>(p + (long(ky) * s.width + kx) * channels);
        store<W>(to + ox * channels + c, sum);
      }
    });
  }
}

template <class T>
void depthwise(const void* x, const float* weights, const DepthwiseShape& s, void* y) {
  if (s.kernel == 3)
    depthwise_rows<T, 3>(static_cast<const T*>(x), weights, s, static_cast<T*>(y));
  else
    depthwise_rows<T, 0>(static_cast<const T*>(x), weights, s, static_cast<T*>(y));
}

template <class T>
void depthwise_data(const void* dy_, const float* weights, const DepthwiseShape& s, void* dx_) {
  const T* dy = static_cast<const T*>(dy_);
  T* dx = static_cast<T*>(dx_);
  const long rows = long(s.images) * s.height, channels = s.channels;
#pragma omp parallel for schedule(static)
  for (long row = 0; row < rows; ++row) {
    const long n = row / s.height;
    const int iy = int(row % s.height);
    T* to = dx + row * s.width * channels;
    const T* rows_of[kMostTaps];  // the output row that tap ky takes from, null if none
    for (int ky = 0; ky < s.kernel; ++ky) {
      const int y = iy + s.pad_top - ky, oy = y / s.stride;
      const bool inside_map = y >= 0 && y % s.stride == 0 && oy < s.out_height;
      rows_of[ky] = inside_map ? dy + (n * s.out_height + oy) * s.out_width * channels : nullptr;
    }
    in_lanes(channels, [&](auto width, long c) {
      constexpr int W = decltype(width)::value;
      for (int ix = 0; ix < s.width; ++ix) {
        // Only every stride-th tap meets an output column.
        const int reach = ix + s.pad_left;
        Vec<W> sum = {};
        for (int kx = reach % s.stride; kx < s.kernel && kx <= reach; kx += s.stride) {
          const int ox = (reach - kx) / s.stride;
          if (ox >= s.out_width) continue;
          for (int ky = 0; ky < s.kernel; ++ky)
            if (rows_of[ky] != nullptr)
              sum += load<W>(weights + (ky * s.kernel + kx) * channels + c) *
                     load<W>(rows_of[ky] + ox * channels + c);
        }
        store<W>(to + ix * channels + c, sum);
      }
    });
  }
}

inline constexpr int kRowsOfPiece = 8;

// sum[kx] += x * dy over a row, for K taps at once: each value of dy is loaded once, and K chains
// of additions do not wait for each other.
template <int W, int K, class T>
inline void add_row(const T* x, const T* dy, const DepthwiseShape& s, Vec<W> (&sum)[K]) {
  const long channels = s.channels, step = s.stride * channels;
  const auto edge = [&](int ox) {
    const auto taps = taps_inside(ox, s.stride, s.pad_left, s.width, K);
    const auto value = load<W>(dy + ox * channels);
    const T* p = x + (ox * s.stride - s.pad_left) * channels;
    for (int kx = 0; kx < K; ++kx)
      if (kx >= taps.first && kx < taps.last) sum[kx] += load<W>(p + kx * channels) * value;
  };
  const int first = smaller((s.pad_left + s.stride - 1) / s.stride, s.out_width);
  const int room = s.width + s.pad_left - K;  // the last place of a kernel that lies inside
  const int last = room < 0 ? first : larger(first, smaller(room / s.stride + 1, s.out_width));
  for (int ox = 0; ox < first; ++ox) edge(ox);
  const T* p = x + (first * s.stride - s.pad_left) * channels;
  for (int ox = first; ox < last; ++ox, p += step) {
    const auto value = load<W>(dy + ox * channels);
    for (int kx = 0; kx < K; ++kx) sum[kx] += load<W>(p + kx * channels) * value;
  }
  for (int ox = last; ox < s.out_width; ++ox) edge(ox);
}

// The sums of one piece's rows for W channels, tap after tap in `out`.
template <int W, int K, class T>
inline void weights_of_rows(const T* x, const T* dy, const DepthwiseShape& s, int first, int last,
                            float* out) {
  for (int ky = 0; ky < K; ++ky) {
    Vec<W> sum[K] = {};
    for (int oy = first; oy < last; ++oy) {
      const int iy = oy * s.stride - s.pad_top + ky;
      if (iy >= 0 && iy < s.height)
        add_row<W>(x + long(iy) * s.width * s.channels, dy + long(oy) * s.out_width * s.channels, s,
                   sum);
    }
    for (int kx = 0; kx < K; ++kx) store<W>(out + long(ky * K + kx) * s.channels, sum[kx]);
  }
}

template <class T>
void depthwise_weights(const void* x_, const void* dy_, const DepthwiseShape& s, float* workspace,
                       float* dweights) {
  const T *x = static_cast<const T*>(x_), *dy = static_cast<const T*>(dy_);
  const long channels = s.channels, taps = long(s.kernel) * s.kernel;
  const long per_image = (s.out_height + kRowsOfPiece - 1) / kRowsOfPiece;
  const long pieces = s.images * per_image;
#pragma omp parallel for schedule(static)
  for (long piece = 0; piece < pieces; ++piece) {
    const long n = piece / per_image;
    const int first = int(piece % per_image) * kRowsOfPiece;
    const int last = smaller(first + kRowsOfPiece, s.out_height);
    in_lanes(channels, [&](auto width, long c) {
      constexpr int W = decltype(width)::value;
      if (s.kernel == 3) {
        weights_of_rows<W, 3>(x + n * s.height * s.width * channels + c,
                              dy + n * s.out_height * s.out_width * channels + c, s, first, last,
                              workspace + piece * taps * channels + c);
        return;
      }
      for (int tap = 0; tap < taps; ++tap) {
        const int ky = tap / s.kernel, kx = tap % s.kernel;
        Vec<W> sum = {};
        for (int oy = first; oy < last; ++oy) {
          const int iy = oy * s.stride - s.pad_top + ky;
          if (iy < 0 || iy >= s.height) continue;
          const T* from = x + (n * s.height + iy) * s.width * channels + c;
          const T* to = dy + (n * s.out_height + oy) * s.out_width * channels + c;
          for (int ox = 0; ox < s.out_width; ++ox) {
            const int ix = ox * s.stride - s.pad_left + kx;
            if (ix >= 0 && ix < s.width)
              sum += load<W>(from + ix * channels) * load<W>(to + ox * channels);
          }
        }
        store<W>(workspace + (piece * taps + tap) * channels + c, sum);
      }
    });
  }
  const long values = taps * channels;
#pragma omp parallel for schedule(static)
  for (long i = 0; i < values; ++i) {
    double total = 0;
    for (long piece = 0; piece < pieces; ++piece) total += double(workspace[piece * values + i]);
    dweights[i] = float(total);
  }
}

}  // namespace
