// Passes over activations, channel by channel: statistics, normalisation, masks, sums.
#pragma once

#include "engine/kernels/lanes.h"

namespace {

using namespace poseheir::kernels;

// Pieces of about 32 kB, so that what a pass touches twice is still in the first cache.
inline int piece_pixels(const View& view) {
  return smaller(larger(8192 / larger(view.inner, 1), 16), 1024);
}

// Calls body(piece, first element, first channel, pixels) in parallel; returns how many pieces.
template <class Body>
inline long in_pieces(const View& view, const Body& body) {
  const int each = piece_pixels(view), per_group = (view.pixels + each - 1) / each;
  const long pieces = long(view.groups) * per_group;
  share_pieces(pieces, [&](long piece) {
    const long group = piece / per_group, first = piece % per_group * each;
    body(piece, (group * view.pixels + first) * view.inner, (group % view.blocks) * view.inner,
         smaller(each, view.pixels - int(first)));
  });
  return pieces;
}

// Adds up the vectors that the pieces left, in their order, in double precision.
template <class Body>
inline void sum_pieces(const View& view, const float* sums, long stride, const Body& finish) {
  const int each = piece_pixels(view), per_group = (view.pixels + each - 1) / each;
  const int images = view.groups / view.blocks, channels = view.blocks * view.inner;
#pragma omp parallel for schedule(static) if (long(images) * per_group * channels > 8192)
  for (int channel = 0; channel < channels; ++channel) {
    const long block = channel / view.inner, lane = channel % view.inner;
    double total = 0;
    for (long image = 0; image < images; ++image)
      for (long piece = 0; piece < per_group; ++piece)
        total += double(sums[((image * view.blocks + block) * per_group + piece) * stride + lane]);
    finish(channel, total);
  }
}

// Sums of (x - the channel's first value) and its square: no cancellation where the mean is large.
template <class T>
void moments(const void* x_, const View& view, float* workspace, float* mean, float* variance) {
  const T* x = static_cast<const T*>(x_);
  const long inner = view.inner;
  in_pieces(view, [&](long piece, long first, long channel, int pixels) {
    float* out = workspace + piece * 2 * inner;
    in_lanes(inner, [&](auto width, long c) {
      constexpr int W = decltype(width)::value;
      const auto shift =
          load<W>(x + channel / inner * view.pixels * inner + c);  // of the first image
      Vec<W> sum = {}, square = {}, sum2 = {}, square2 = {};
      const T* p = x + first + c;
      int i = 0;
      for (; i + 1 < pixels; i += 2, p += 2 * inner) {
        const auto a = load<W>(p) - shift, b = load<W>(p + inner) - shift;
        sum += a;
        square += a * a;
        sum2 += b;
        square2 += b * b;
      }
      if (i < pixels) {
        const auto a = load<W>(p) - shift;
        sum += a;
        square += a * a;
      }
      store<W>(out + c, sum + sum2);
      store<W>(out + inner + c, square + square2);
    });
  });
  const double count = double(view.groups / view.blocks) * view.pixels;
  sum_pieces(view, workspace, 2 * inner,
             [&](int channel, double total) { mean[channel] = float(total / count); });
  sum_pieces(view, workspace + inner, 2 * inner, [&](int channel, double total) {
    const double shifted = mean[channel];
    const double v = total / count - shifted * shifted;
    variance[channel] = float(v > 0 ? v : 0);
    const auto shift = load<1>(x + channel / inner * view.pixels * inner + channel % inner);
    mean[channel] = float(shifted + double(shift[0]));
  });
}

template <class T>
void normalise(const void* x_, const void* residual_, const View& view, const float* scale,
               const float* shift, Clamp clamp, void* out_) {
  const T *x = static_cast<const T*>(x_), *residual = static_cast<const T*>(residual_);
  T* out = static_cast<T*>(out_);
  const auto range = range_of(clamp);
  in_pieces(view, [&](long, long first, long channel, int pixels) {
    in_lanes(view.inner, [&](auto width, long c) {
      constexpr int W = decltype(width)::value;
      const auto a = load<W>(scale + channel + c), b = load<W>(shift + channel + c);
      long at = first + c;
      for (int i = 0; i < pixels; ++i, at += view.inner) {
        auto y = load<W>(x + at) * a + b;
        if (residual != nullptr) y += load<W>(residual + at);
        store<W>(out + at, clamped<W>(y, range.low, range.high));
      }
    });
  });
}

template <class T>
void normalise_sums(const void* a_, const void* b_, const void* x_, const View& view,
                    const Normalisation& norm, float* workspace, void* out_, float* sum,
                    float* product) {
  const T *a = static_cast<const T*>(a_), *b = static_cast<const T*>(b_);
  const T* x = static_cast<const T*>(x_);
  T* out = static_cast<T*>(out_);
  const auto range = range_of(norm.clamp);
  const long inner = view.inner;
  in_pieces(view, [&](long piece, long first, long channel, int pixels) {
    in_lanes(inner, [&](auto width, long c) {
      constexpr int W = decltype(width)::value;
      const auto scale = load<W>(norm.scale + channel + c),
                 shift = load<W>(norm.shift + channel + c);
      const auto mean = load<W>(norm.mean + channel + c);
      Vec<W> s = {}, q = {};
      long at = first + c;
      for (int i = 0; i < pixels; ++i, at += inner) {
        auto dy = load<W>(a + at);
        if (b != nullptr) dy += load<W>(b + at);
        const auto value = load<W>(x + at);
        if (out != nullptr) store<W>(out + at, dy);
        dy = inside<W>(dy, value * scale + shift, range.low, range.high);
        s += dy;
        q += dy * (value - mean);
      }
      store<W>(workspace + piece * 2 * inner + c, s);
      store<W>(workspace + piece * 2 * inner + inner + c, q);
    });
  });
  sum_pieces(view, workspace, 2 * inner, [&](int channel, double t) { sum[channel] = float(t); });
  sum_pieces(view, workspace + inner, 2 * inner,
             [&](int channel, double t) { product[channel] = float(t); });
}

template <class T>
void normalise_backward(const void* dy_, const void* x_, const View& view,
                        const Normalisation& norm, void* dx_) {
  const T *gradient = static_cast<const T*>(dy_), *x = static_cast<const T*>(x_);
  T* dx = static_cast<T*>(dx_);
  const auto range = range_of(norm.clamp);
  in_pieces(view, [&](long, long first, long channel, int pixels) {
    in_lanes(view.inner, [&](auto width, long c) {
      constexpr int W = decltype(width)::value;
      const long k = channel + c;
      const auto scale = load<W>(norm.scale + k), shift = load<W>(norm.shift + k);
      const auto mean = load<W>(norm.mean + k), down = load<W>(norm.mean_gradient + k);
      const auto projected = load<W>(norm.projected + k);
      long at = first + c;
      for (int i = 0; i < pixels; ++i, at += view.inner) {
        const auto value = load<W>(x + at);
        const auto dy =
            inside<W>(load<W>(gradient + at), value * scale + shift, range.low, range.high);
        store<W>(dx + at, scale * (dy - down - (value - mean) * projected));
      }
    });
  });
}

template <class T>
void gradient(const void* a_, const void* b_, const void* c_, const void* y_, const View& view,
              Clamp clamp, float* workspace, void* out_, float* sums) {
  const T *a = static_cast<const T*>(a_), *b = static_cast<const T*>(b_);
  const T *third = static_cast<const T*>(c_), *y = static_cast<const T*>(y_);
  T* out = static_cast<T*>(out_);
  const auto range = range_of(clamp);
  in_pieces(view, [&](long piece, long first, long, int pixels) {
    in_lanes(view.inner, [&](auto width, long c) {
      constexpr int W = decltype(width)::value;
      Vec<W> sum = {};
      long at = first + c;
      for (int i = 0; i < pixels; ++i, at += view.inner) {
        auto v = load<W>(a + at);
        if (b != nullptr) v += load<W>(b + at);
        if (third != nullptr) v += load<W>(third + at);
        if (y != nullptr) v = inside<W>(v, load<W>(y + at), range.low, range.high);
        if (out != nullptr) store<W>(out + at, v);
        sum += v;
      }
      if (sums != nullptr) store<W>(workspace + piece * view.inner + c, sum);
    });
  });
  if (sums == nullptr) return;
  sum_pieces(view, workspace, view.inner, [&](int channel, double t) { sums[channel] = float(t); });
}

template <class T>
void add(const void* a_, const void* b_, std::size_t count, Clamp clamp, void* out_) {
  const T *a = static_cast<const T*>(a_), *b = static_cast<const T*>(b_);
  T* out = static_cast<T*>(out_);
  const auto range = range_of(clamp);
  const long piece = 4096, pieces = (long(count) + piece - 1) / piece;
  share_pieces(pieces, [&](long k) {
    const long first = k * piece, left = long(count) - first;
    in_lanes(left < piece ? left : piece, [&](auto width, long i) {
      constexpr int W = decltype(width)::value;
      auto v = load<W>(a + first + i);
      if (b != nullptr) v += load<W>(b + first + i);
      store<W>(out + first + i, clamped<W>(v, range.low, range.high));
    });
  });
}

}  // namespace
