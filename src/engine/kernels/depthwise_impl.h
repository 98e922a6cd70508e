// Depthwise convolution of channels-last activations, weights [kernel, kernel, channels], with
// batch norm on the way in and its sums on the way out. A vector of channels of a strip of rows at
// a time: weights and sums stay in registers, a few rows of the operand, normalised and padded, in
// the first cache.
#pragma once

#include "engine/kernels/fused_impl.h"

namespace {

using namespace poseheir::kernels;

// body(strip, image, first row, end row, first column, end column) for strips of a map.
template <class Body>
inline void in_strips(const DepthwiseShape& s, int height, int width, const Body& body) {
  const long down = (height + kStripRows - 1) / kStripRows;
  const long across = (width + kStripColumns - 1) / kStripColumns;
  const long strips = s.images * down * across;
  const long vectors = (s.channels + POSEHEIR_LANES - 1) / POSEHEIR_LANES;
  share_pieces(strips * vectors, [&](long k) {
    const long strip = k / vectors, first = k % vectors * POSEHEIR_LANES;
    // Of about one size, or threads wait for the one that has the higher strips.
    const long above = strip / across % down, left = strip % across;
    const int row = int(above * height / down), rows = int((above + 1) * height / down);
    const int column = int(left * width / across), columns = int((left + 1) * width / across);
    in_lanes(smaller(POSEHEIR_LANES, s.channels - int(first)), [&](auto lanes, long c) {
      body(lanes, strip, strip / (down * across), row, rows, column, columns, first + c);
    });
  });
}

// Brings what is read near before the row below is: a row is no order that the processor foresees,
// since it takes one vector of each pixel.
template <class T>
inline void ask_for_below(const T* p, long row) {
  __builtin_prefetch(p + row, 0, 2);
}

template <int K>
inline constexpr int kRingColumns = 2 * kStripColumns + K;

// U outputs of a row: each column of the rows in the ring is loaded once.
template <int U, int K, int S, int W>
inline void outputs_of(const float* const (&rows)[K], const Vec<W> (&weights)[K * K], long column,
                       Vec<W> (&out)[U]) {
  for (int u = 0; u < U; ++u) out[u] = Vec<W>{};
#pragma GCC unroll 5
  for (int ky = 0; ky < K; ++ky) {
    const float* p = rows[ky] + column * S * W;
#pragma GCC unroll 16
    for (int i = 0; i < (U - 1) * S + K; ++i) {
      const auto value = load<W>(p + i * W);
#pragma GCC unroll 4
      for (int u = 0; u < U; ++u)
        if (i - u * S >= 0 && i - u * S < K) out[u] += weights[ky * K + i - u * S] * value;
    }
  }
}

template <int K, int S, class T>
void depthwise_forward(const Operand& in, const float* w, const DepthwiseShape& s,
                       const Result& result) {
  const T* x = static_cast<const T*>(in.data);
  T* y = static_cast<T*>(result.data);
  const long channels = s.channels;
  const bool streams = result.streams && streams_lines(y, channels);
  in_strips(
      s, s.out_height, s.out_width,
      [&](auto lanes, long strip, long image, int first_row, int end_row, int first, int end,
          long c) {
        constexpr int W = decltype(lanes)::value;
        alignas(64) float ring[K][kRingColumns<K> * W];
        const Reading<W> reading(in.norm, c);
        const int begin = first * S - s.pad_left, length = (end - first - 1) * S + K;
        const auto fill = [&](int down) {  // the input row `down` rows below the padding's edge
          const int iy = down - s.pad_top;
          float* to = ring[down % K];
          const bool is_inside = iy >= 0 && iy < s.height;
          const int from = is_inside ? smaller(larger(-begin, 0), length) : length;
          const int until = is_inside ? larger(smaller(s.width - begin, length), from) : length;
          for (int i = 0; i < from; ++i) store<W>(to + i * W, Vec<W>{});
          const T* p = x + ((image * s.height + iy) * s.width + begin) * channels + c;
          for (int i = from; i < until; ++i) {
            ask_for_below(p + i * channels, s.width * channels);
            store<W>(to + i * W, reading(load<W>(p + i * channels)));
          }
          for (int i = until; i < length; ++i) store<W>(to + i * W, Vec<W>{});
        };
        Vec<W> weights[K * K];
        for (int tap = 0; tap < K * K; ++tap) weights[tap] = load<W>(w + tap * channels + c);
        Moments<W> sums;
        int filled = first_row * S;
        for (int oy = first_row; oy < end_row; ++oy) {
          for (; filled < oy * S + K; ++filled) fill(filled);
          const float* rows[K];
          for (int ky = 0; ky < K; ++ky) rows[ky] = ring[(oy * S + ky) % K];
          T* to = y + ((image * s.out_height + oy) * s.out_width + first) * channels + c;
          const int count = end - first;
          if (oy == first_row) {
            Vec<W> one[1];
            outputs_of<1, K, S, W>(rows, weights, 0, one);
            sums.first = one[0];
          }
          constexpr int U = 4;
          int ox = 0;
          for (; ox + U <= count; ox += U) {
            Vec<W> out[U];
            outputs_of<U, K, S, W>(rows, weights, ox, out);
            for (int u = 0; u < U; ++u) {
              put<W>(to + (ox + u) * channels, out[u], streams);
              sums.add(out[u]);
            }
          }
          for (; ox < count; ++ox) {
            Vec<W> out[1];
            outputs_of<1, K, S, W>(rows, weights, ox, out);
            put<W>(to + ox * channels, out[0], streams);
            sums.add(out[0]);
          }
        }
        end_streams(streams);
        if (result.moments != nullptr)
          sums.write(result.moments + strip * kMomentRows * channels + c, channels,
                     float((end_row - first_row) * (end - first)));
      });
}

template <class T>
void depthwise(const Operand& in, const float* w, const DepthwiseShape& s, const Result& out) {
  if (s.kernel == 3)
    return s.stride == 1 ? depthwise_forward<3, 1, T>(in, w, s, out)
                         : depthwise_forward<3, 2, T>(in, w, s, out);
  s.stride == 1 ? depthwise_forward<5, 1, T>(in, w, s, out)
                : depthwise_forward<5, 2, T>(in, w, s, out);
}

// What one strip of the backward pass holds for its W channels.
template <int K, int W>
struct DepthwiseSums {
  Vec<W> weights[K * K], gradients[K * K], sum, product;
};

// U neighbouring columns of dx, the first of phase PX, in a row of phase PY: the taps that meet an
// output are those of the phase, counted from the phase on in strides.
template <int U, int K, int S, int PY, int PX, int W>
inline void inputs_of(const float* const (&rows)[K], long column, const Vec<W> (&a)[U],
                      DepthwiseSums<K, W>& sums, Vec<W> (&out)[U]) {
  constexpr int kTaps = (K - PX + S - 1) / S;
  for (int u = 0; u < U; ++u) out[u] = Vec<W>{};
#pragma GCC unroll 5
  for (int ky = PY; ky < K; ky += S) {
    const float* p = rows[ky] + (column - (kTaps - 1)) * W;
#pragma GCC unroll 16
    for (int i = 0; i < U - 1 + kTaps; ++i) {
      const auto value = load<W>(p + i * W);
#pragma GCC unroll 4
      for (int u = 0; u < U; ++u) {
        const int tap = PX + (kTaps - 1 - i + u) * S;
        if (tap < PX || tap >= K) continue;
        out[u] += sums.weights[ky * K + tap] * value;
        sums.gradients[ky * K + tap] += a[u] * value;
      }
    }
  }
}

template <int K, int S, class T>
void depthwise_backward_of(const GradientOperand& out, const Operand& in, const float* w,
                           const DepthwiseShape& s, const FusedGradients& g) {
  const T *x = static_cast<const T*>(in.data), *dy = static_cast<const T*>(out.dy);
  const T* raw = static_cast<const T*>(out.x);
  T* dx = static_cast<T*>(g.dx);
  const long channels = s.channels;
  const bool streams = g.streams && streams_lines(dx, channels);
  in_strips(
      s, s.height, s.width,
      [&](auto lanes, long strip, long image, int first_row, int end_row, int first, int end,
          long c) {
        constexpr int W = decltype(lanes)::value;
        alignas(64) float ring[K][kRingColumns<K> * W];
        const Reading<W> reading(in.norm, c);
        const GradientReading<W> through(out.norm, c);
        const auto mean = in.norm != nullptr ? load<W>(in.norm->mean + c) : Vec<W>{};
        // Output column o lies at o - begin of the ring, row o in slot (o + K) % K.
        const int begin = (first + s.pad_left) / S - (K - 1) / S;
        const int length = (end - 1 + s.pad_left) / S - begin + 1;
        const auto fill = [&](int oy) {
          float* to = ring[(oy + K) % K];
          const bool is_inside = oy >= 0 && oy < s.out_height;
          const int from = is_inside ? smaller(larger(-begin, 0), length) : length;
          const int until = is_inside ? larger(smaller(s.out_width - begin, length), from) : length;
          for (int i = 0; i < from; ++i) store<W>(to + i * W, Vec<W>{});
          const long at = ((image * s.out_height + oy) * s.out_width + begin) * channels + c;
          if (through.through)
            for (int i = from; i < until; ++i) {
              ask_for_below(dy + at + i * channels, s.out_width * channels);
              ask_for_below(raw + at + i * channels, s.out_width * channels);
              store<W>(to + i * W,
                       through(load<W>(dy + at + i * channels), load<W>(raw + at + i * channels)));
            }
          else
            for (int i = from; i < until; ++i)
              store<W>(to + i * W, load<W>(dy + at + i * channels));
          for (int i = until; i < length; ++i) store<W>(to + i * W, Vec<W>{});
        };
        DepthwiseSums<K, W> sums = {};
        for (int tap = 0; tap < K * K; ++tap) sums.weights[tap] = load<W>(w + tap * channels + c);
        int filled = (first_row + s.pad_top) / S - (K - 1) / S;
        const float* rows[K];
        const auto columns = [&](auto count, auto py, auto px, long at, int ix) {
          constexpr int U = decltype(count)::value, PY = decltype(py)::value,
                        PX = decltype(px)::value;
          Vec<W> value[U], a[U], result[U];
          for (int u = 0; u < U; ++u) {
            ask_for_below(x + at + u * channels, s.width * channels);
            value[u] = load<W>(x + at + u * channels);
            a[u] = reading(value[u]);
          }
          inputs_of<U, K, S, PY, PX, W>(rows, (ix + s.pad_left) / S - begin, a, sums, result);
          for (int u = 0; u < U; ++u) {
            if (dx != nullptr) put<W>(dx + at + u * channels, result[u], streams);
            const auto kept = inside<W>(result[u], reading.normal(value[u]), reading.range.low,
                                        reading.range.high);
            sums.sum += kept;
            sums.product += kept * (value[u] - mean);
          }
        };
        const auto row = [&](auto py, int iy) {
          int ix = first;
          long at = ((image * s.height + iy) * s.width + ix) * channels + c;
          if constexpr (S == 1) {
            constexpr int U = K == 3 ? 2 : 1;
            for (; ix + U <= end; ix += U, at += U * channels)
              columns(Width<U>{}, py, Width<0>{}, at, ix);
            for (; ix < end; ++ix, at += channels) columns(Width<1>{}, py, Width<0>{}, at, ix);
          } else {
            if ((ix + s.pad_left) % 2 == 1 && ix < end) {
              columns(Width<1>{}, py, Width<1>{}, at, ix);
              ++ix, at += channels;
            }
            for (; ix + 2 <= end; ix += 2, at += 2 * channels) {
              columns(Width<1>{}, py, Width<0>{}, at, ix);
              columns(Width<1>{}, py, Width<1>{}, at + channels, ix + 1);
            }
            if (ix < end) columns(Width<1>{}, py, Width<0>{}, at, ix);
          }
        };
        for (int iy = first_row; iy < end_row; ++iy) {
          const int reach = iy + s.pad_top;
          for (; filled <= reach / S; ++filled) fill(filled);
          for (int ky = reach % S; ky < K; ky += S) rows[ky] = ring[(reach / S - ky / S + K) % K];
          if (S == 1 || reach % S == 0)
            row(Width<0>{}, iy);
          else
            row(Width<S - 1>{}, iy);
        }
        end_streams(streams);
        if (g.sums != nullptr) {
          store<W>(g.sums + strip * kGradientRows * channels + c, sums.sum);
          store<W>(g.sums + (strip * kGradientRows + 1) * channels + c, sums.product);
        }
        if (g.weights != nullptr)
          for (int tap = 0; tap < K * K; ++tap)
            store<W>(g.workspace + (strip * K * K + tap) * channels + c, sums.gradients[tap]);
      });
  if (g.weights != nullptr)
    sum_vectors(g.workspace, strips_of(s.images, s.height, s.width), K * K * channels, g.weights);
}

template <class T>
void depthwise_backward(const GradientOperand& out, const Operand& in, const float* w,
                        const DepthwiseShape& s, const FusedGradients& g) {
  if (s.kernel == 3)
    return s.stride == 1 ? depthwise_backward_of<3, 1, T>(out, in, w, s, g)
                         : depthwise_backward_of<3, 2, T>(out, in, w, s, g);
  s.stride == 1 ? depthwise_backward_of<5, 1, T>(out, in, w, s, g)
                : depthwise_backward_of<5, 2, T>(out, in, w, s, g);
}

}  // namespace
