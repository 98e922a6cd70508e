// 1x1 convolutions of channels-last activations: matrix products over tiles that stay in the second
// cache, with batch norm on the way in and its sums on the way out.
#pragma once

#include "engine/kernels/fused_impl.h"

namespace {

using namespace poseheir::kernels;

// Vectors and rows of a block of sums that fit the registers.
inline constexpr int kVectors = POSEHEIR_LANES == 16 ? 3 : 2;
inline constexpr int kRows = POSEHEIR_LANES == 16 ? 8 : 4;
inline constexpr long kTileFloats = 1 << 16;  // at most; see pointwise_shape

// y[R, V * W] = a[R, depth] * w[depth, V * W].
template <int R, int V, int W, class T>
inline void multiply_block(const float* a, long lda, const float* w, long ldw, long depth, T* y,
                           long ldy) {
  Vec<W> sum[R][V] = {};
  for (long k = 0; k < depth; ++k) {
    Vec<W> row[V];
    for (int v = 0; v < V; ++v) row[v] = load<W>(w + k * ldw + v * W);
    for (int r = 0; r < R; ++r) {
      const auto x = all<W>(a[r * lda + k]);
      for (int v = 0; v < V; ++v) sum[r][v] += x * row[v];
    }
  }
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) store<W>(y + r * ldy + v * W, sum[r][v]);
}

template <int V, int W, class T>
inline void multiply_panel(const float* a, long rows, long depth, const float* w, long columns,
                           T* y) {
  long r = 0;
  for (; r + kRows <= rows; r += kRows)
    multiply_block<kRows, V, W>(a + r * depth, depth, w, columns, depth, y + r * columns, columns);
  for (; r < rows; ++r)
    multiply_block<1, V, W>(a + r * depth, depth, w, columns, depth, y + r * columns, columns);
}

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

template <class T>
inline void multiply(const float* a, long rows, long depth, const float* w, long columns, T* y) {
  in_panels(columns, [&](auto vectors, auto width, long c) {
    constexpr int V = decltype(vectors)::value, W = decltype(width)::value;
    multiply_panel<V, W>(a, rows, depth, w + c, columns, y + c);
  });
}

// sums[K, N] += a[rows, K]^T * b[rows, N], a block of eight rows of sums at a time.
inline void multiply_transposed(const float* a, long depth, const float* b, long columns, long rows,
                                float* sums) {
  in_panels(columns, [&](auto vectors, auto width, long c) {
    constexpr int V = decltype(vectors)::value, W = decltype(width)::value, R = kRows;
    for (long k = 0; k < depth; k += R) {
      Vec<W> sum[R][V];
      for (int r = 0; r < R; ++r)
        for (int v = 0; v < V; ++v) sum[r][v] = load<W>(sums + (k + r) * columns + c + v * W);
      const float *x = a + k, *p = b + c;
      for (long i = 0; i < rows; ++i, x += depth, p += columns) {
        Vec<W> row[V];
        for (int v = 0; v < V; ++v) row[v] = load<W>(p + v * W);
        for (int r = 0; r < R; ++r) {
          const auto value = all<W>(x[r]);
          for (int v = 0; v < V; ++v) sum[r][v] += value * row[v];
        }
      }
      for (int r = 0; r < R; ++r)
        for (int v = 0; v < V; ++v) store<W>(sums + (k + r) * columns + c + v * W, sum[r][v]);
    }
  });
}

// Brings a tile of an operand to fp32, normalised; its own memory where nothing changes.
template <class T>
inline const float* read_tile(const T* x, const Normalisation* norm, long rows, long channels,
                              float* tile) {
  if constexpr (sizeof(T) == sizeof(float))
    if (norm == nullptr) return x;
  in_lanes(channels, [&](auto width, long c) {
    constexpr int W = decltype(width)::value;
    const Reading<W> reading(norm, c);
    for (long i = 0; i < rows; ++i)
      store<W>(tile + i * channels + c, reading(load<W>(x + i * channels + c)));
  });
  return tile;
}

template <class T>
inline const float* read_gradient_tile(const T* dy, const T* x, const Normalisation* norm,
                                       long rows, long channels, float* tile) {
  if (norm == nullptr) return read_tile(dy, nullptr, rows, channels, tile);
  in_lanes(channels, [&](auto width, long c) {
    constexpr int W = decltype(width)::value;
    const GradientReading<W> reading(norm, c);
    for (long i = 0; i < rows; ++i)
      store<W>(tile + i * channels + c,
               reading(load<W>(dy + i * channels + c), load<W>(x + i * channels + c)));
  });
  return tile;
}

// Adds a tile to a part's sums, which begin with the part's first pixel.
template <class T>
inline void add_moments(const T* y, long rows, long channels, bool begins, float* sums) {
  in_lanes(channels, [&](auto width, long c) {
    constexpr int W = decltype(width)::value;
    Moments<W> moments;
    moments.first = begins ? load<W>(y + c) : load<W>(sums + c);
    for (long i = 0; i < rows; ++i) moments.add(load<W>(y + i * channels + c));
    float *sum = sums + channels + c, *square = sum + channels;
    if (!begins) {
      moments.sum += load<W>(sum);
      moments.square += load<W>(square);
    }
    store<W>(sums + c, moments.first);
    store<W>(sum, moments.sum);
    store<W>(square, moments.square);
  });
}

inline void finish_moments(float* sums, long channels, long count) {
  in_lanes(channels, [&](auto width, long c) {
    constexpr int W = decltype(width)::value;
    const Moments<W> moments{load<W>(sums + c), load<W>(sums + channels + c),
                             load<W>(sums + 2 * channels + c)};
    moments.write(sums + c, channels, float(count));
  });
}

// Adds dx and dx * (x - mean) where x is not clamped.
template <class T>
inline void add_gradient_sums(const T* dx, const T* x, const Normalisation& norm, long rows,
                              long channels, bool begins, float* sums) {
  in_lanes(channels, [&](auto width, long c) {
    constexpr int W = decltype(width)::value;
    const Reading<W> reading(&norm, c);
    const auto mean = load<W>(norm.mean + c);
    Vec<W> sum = {}, product = {};
    for (long i = 0; i < rows; ++i) {
      const auto value = load<W>(x + i * channels + c);
      const auto kept = inside<W>(load<W>(dx + i * channels + c), reading.normal(value),
                                  reading.range.low, reading.range.high);
      sum += kept;
      product += kept * (value - mean);
    }
    if (!begins) {
      sum += load<W>(sums + c);
      product += load<W>(sums + channels + c);
    }
    store<W>(sums + c, sum);
    store<W>(sums + channels + c, product);
  });
}

// body(part, first pixel, pixels, begins) for the tiles of each part, parts in parallel.
template <class Body>
inline void in_tiles(const PointwiseShape& s, const Body& body) {
#pragma omp parallel for schedule(static)
  for (long part = 0; part < s.parts; ++part) {
    const long begin = part * s.part_pixels;
    const long end = begin + s.part_pixels < s.pixels ? begin + s.part_pixels : s.pixels;
    for (long first = begin; first < end; first += s.tile_pixels)
      body(part, first, first + s.tile_pixels < end ? s.tile_pixels : end - first, first == begin);
  }
}

template <class T>
void pointwise(const Operand& in, const float* weights, const PointwiseShape& s, void* y_,
               float* moments) {
  const T* x = static_cast<const T*>(in.data);
  T* y = static_cast<T*>(y_);
  in_tiles(s, [&](long part, long first, long rows, bool begins) {
    alignas(64) float tile[kTileFloats];
    T* to = y + first * s.outputs;
    multiply(read_tile(x + first * s.inputs, in.norm, rows, s.inputs, tile), rows, s.inputs,
             weights, s.outputs, to);
    float* sums = moments + part * kMomentRows * s.outputs;
    add_moments(to, rows, s.outputs, begins, sums);
    const long last = first + rows, end = (part + 1) * s.part_pixels;
    if (last == end || last == s.pixels)
      finish_moments(sums, s.outputs, last - part * s.part_pixels);
  });
}

template <class T>
void pointwise_backward(const GradientOperand& out, const Operand& in, const float* transposed,
                        const PointwiseShape& s, const FusedGradients& gradients) {
  const T *x = static_cast<const T*>(in.data), *dy = static_cast<const T*>(out.dy);
  const T* raw = static_cast<const T*>(out.x);
  T* dx = static_cast<T*>(gradients.dx);
  const long size = long(s.inputs) * s.outputs;
  in_tiles(s, [&](long part, long first, long rows, bool begins) {
    alignas(64) float tile[kTileFloats];
    const float* dz = read_gradient_tile(dy + first * s.outputs, raw + first * s.outputs, out.norm,
                                         rows, s.outputs, tile + rows * s.inputs);
    if (gradients.weights != nullptr) {
      float* sums = gradients.workspace + part * size;
      if (begins) __builtin_memset(sums, 0, size * sizeof(float));
      multiply_transposed(read_tile(x + first * s.inputs, in.norm, rows, s.inputs, tile), s.inputs,
                          dz, s.outputs, rows, sums);
    }
    if (dx == nullptr) return;
    T* to = dx + first * s.inputs;
    multiply(dz, rows, s.outputs, transposed, s.inputs, to);
    if (gradients.sums != nullptr)
      add_gradient_sums(to, x + first * s.inputs, *in.norm, rows, s.inputs, begins,
                        gradients.sums + part * kGradientRows * s.inputs);
  });
  if (gradients.weights != nullptr)
    sum_vectors(gradients.workspace, s.parts, size, gradients.weights);
}

}  // namespace
