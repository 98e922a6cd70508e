// Swish and sigmoid, their derivatives, and squeeze-excite's passes over activations.
#pragma once

#ifdef __AVX512F__
#include <immintrin.h>
#endif

#include "engine/kernels/channels_impl.h"
#include "engine/kernels/gates.h"

namespace {

using namespace poseheir::kernels;

template <int W>
inline Vec<W> constant(float value) {
  return Vec<W>{} + value;
}

// 2^v within 2e-7: v = n + f with |f| <= 1/2, and a polynomial that meets 2^f at the Chebyshev
// points of that interval (8e-8 off at most).
template <int W>
inline Vec<W> power_of_two(Vec<W> v) {
  // Adding 1.5 * 2^23 rounds to a whole number and leaves it in the lowest bits.
  const auto magic = constant<W>(12582912.0F);
  const auto shifted = v + magic;
  const auto f = v - (shifted - magic);
  auto p = constant<W>(0.00133908633F);
  p = p * f + 0.00967603177F;
  p = p * f + 0.0555035695F;
  p = p * f + 0.240221068F;
  p = p * f + 0.693147182F;
  p = p * f + 1.00000012F;
  using Bits = typename Lanes<W>::Bits;
  return __builtin_bit_cast(
      Vec<W>, __builtin_bit_cast(Bits, p) + (__builtin_bit_cast(Bits, shifted) << 23));
}

// 1 / v for v from 1 to 2^120.
template <int W>
inline Vec<W> reciprocal(Vec<W> v) {
#ifdef __AVX512F__
  // The processor's estimate has 14 bits, one step of Newton's doubles them: a third of a
  // division's time, which would be half of a swish's.
  if constexpr (W == 16) {
    const auto estimate =
        __builtin_bit_cast(Vec<W>, _mm512_maskz_rcp14_ps(0xffff, __builtin_bit_cast(__m512, v)));
    return estimate * (2.0F - v * estimate);
  }
#endif
  return 1.0F / v;
}

template <int W>
inline Vec<W> sigmoid(Vec<W> z) {
  // Beyond 2^±110 nothing of a float changes.
  return reciprocal<W>(1.0F + power_of_two<W>(clamped<W>(z * -1.44269504F, -110.0F, 110.0F)));
}

template <Curve C, int W>
inline Vec<W> curved(Vec<W> z) {
  if constexpr (C == Curve::none) return z;
  const auto s = sigmoid<W>(z);
  return C == Curve::swish ? z * s : s;
}

template <Curve C, int W>
inline Vec<W> slope(Vec<W> z) {
  const auto s = sigmoid<W>(z);
  return C == Curve::swish ? s * (1.0F + z * (1.0F - s)) : s * (1.0F - s);
}

template <Curve C, class T>
void curve_of(const T* z, long count, T* y) {
  const long piece = 4096, pieces = (count + piece - 1) / piece;
  share_pieces(pieces, [&](long k) {
    const long first = k * piece, left = count - first;
    in_lanes(left < piece ? left : piece, [&](auto width, long i) {
      constexpr int W = decltype(width)::value;
      store<W>(y + first + i, curved<C, W>(load<W>(z + first + i)));
    });
  });
}

template <class T>
void curve(const void* z, std::size_t count, Curve kind, void* y) {
  if (kind == Curve::sigmoid)
    curve_of<Curve::sigmoid>(static_cast<const T*>(z), long(count), static_cast<T*>(y));
  else
    curve_of<Curve::swish>(static_cast<const T*>(z), long(count), static_cast<T*>(y));
}

template <Curve C, class T>
void curve_gradient_of(const T* a, const T* b, const T* third, const T* z, const View& view,
                       float* workspace, T* out, float* sums) {
  in_pieces(view, [&](long piece, long first, long, int pixels) {
    in_lanes(view.inner, [&](auto width, long c) {
      constexpr int W = decltype(width)::value;
      Vec<W> sum = {};
      long at = first + c;
      for (int i = 0; i < pixels; ++i, at += view.inner) {
        auto v = load<W>(a + at);
        if (b != nullptr) v += load<W>(b + at);
        if (third != nullptr) v += load<W>(third + at);
        v *= slope<C, W>(load<W>(z + at));
        store<W>(out + at, v);
        sum += v;
      }
      if (sums != nullptr) store<W>(workspace + piece * view.inner + c, sum);
    });
  });
  if (sums == nullptr) return;
  sum_pieces(view, workspace, view.inner, [&](int channel, double t) { sums[channel] = float(t); });
}

template <class T>
void curve_gradient(const void* a, const void* b, const void* c, const void* z, const View& view,
                    Curve kind, float* workspace, void* out, float* sums) {
  const auto of = [](const void* p) { return static_cast<const T*>(p); };
  if (kind == Curve::sigmoid)
    curve_gradient_of<Curve::sigmoid>(of(a), of(b), of(c), of(z), view, workspace,
                                      static_cast<T*>(out), sums);
  else
    curve_gradient_of<Curve::swish>(of(a), of(b), of(c), of(z), view, workspace,
                                    static_cast<T*>(out), sums);
}

template <class T>
void gated_gradient(const void* dy_, const void* gate_, const void* mean_, const void* z_,
                    const View& view, float* workspace, void* out_, float* sums) {
  const T *dy = static_cast<const T*>(dy_), *z = static_cast<const T*>(z_);
  const T *gate = static_cast<const T*>(gate_), *means = static_cast<const T*>(mean_);
  T* out = static_cast<T*>(out_);
  const float factor = 1.0F / float(view.pixels);
  in_pieces(view, [&](long piece, long first, long, int pixels) {
    const long group = first / (long(view.pixels) * view.inner) * view.inner;
    in_lanes(view.inner, [&](auto width, long c) {
      constexpr int W = decltype(width)::value;
      const auto g = load<W>(gate + group + c), m = load<W>(means + group + c) * factor;
      Vec<W> sum = {};
      long at = first + c;
      for (int i = 0; i < pixels; ++i, at += view.inner) {
        const auto v = (load<W>(dy + at) * g + m) * slope<Curve::swish, W>(load<W>(z + at));
        store<W>(out + at, v);
        sum += v;
      }
      if (sums != nullptr) store<W>(workspace + piece * view.inner + c, sum);
    });
  });
  if (sums == nullptr) return;
  sum_pieces(view, workspace, view.inner, [&](int channel, double t) { sums[channel] = float(t); });
}

// gate = factor times the sum of value(width, element) over the pixels of each image and channel.
template <class T, class Value>
inline void sum_images(const View& view, float factor, float* workspace, T* gate,
                       const Value& value) {
  in_pieces(view, [&](long piece, long first, long, int pixels) {
    in_lanes(view.inner, [&](auto width, long c) {
      constexpr int W = decltype(width)::value;
      Vec<W> sum = {};
      long at = first + c;
      for (int i = 0; i < pixels; ++i, at += view.inner) sum += value(width, at);
      store<W>(workspace + piece * view.inner + c, sum);
    });
  });
  const int each = piece_pixels(view), per_group = (view.pixels + each - 1) / each;
#pragma omp parallel for schedule(static)
  for (long group = 0; group < view.groups; ++group)
    in_lanes(view.inner, [&](auto width, long c) {
      constexpr int W = decltype(width)::value;
      Vec<W> total = {};
      for (long piece = group * per_group; piece < (group + 1) * per_group; ++piece)
        total += load<W>(workspace + piece * view.inner + c);
      store<W>(gate + group * view.inner + c, total * factor);
    });
}

template <class T>
void mean(const void* x_, const View& view, float* workspace, void* gate) {
  const T* x = static_cast<const T*>(x_);
  sum_images(view, 1.0F / float(view.pixels), workspace, static_cast<T*>(gate),
             [&](auto width, long at) { return load<decltype(width)::value>(x + at); });
}

template <class T>
void scale_gate(const void* dy_, const void* x_, const View& view, float* workspace, void* dgate) {
  const T *dy = static_cast<const T*>(dy_), *x = static_cast<const T*>(x_);
  sum_images(view, 1.0F, workspace, static_cast<T*>(dgate), [&](auto width, long at) {
    constexpr int W = decltype(width)::value;
    return load<W>(dy + at) * load<W>(x + at);
  });
}

// body(Vec of the gate, first element, pixels, W) for each piece and lanes of channels.
template <class T, class Body>
inline void with_gate(const T* gate, const View& view, const Body& body) {
  in_pieces(view, [&](long, long first, long, int pixels) {
    const long group = first / (long(view.pixels) * view.inner);
    in_lanes(view.inner, [&](auto width, long c) {
      constexpr int W = decltype(width)::value;
      const auto g = load<W>(gate + group * view.inner + c);
      long at = first + c;
      for (int i = 0; i < pixels; ++i, at += view.inner) body(width, g, at);
    });
  });
}

template <class T>
void mean_backward(const void* dgate, const View& view, bool accumulate, void* dx_) {
  T* dx = static_cast<T*>(dx_);
  const float factor = 1.0F / float(view.pixels);
  with_gate(static_cast<const T*>(dgate), view, [&](auto width, const auto& g, long at) {
    constexpr int W = decltype(width)::value;
    const Vec<W> before = accumulate ? load<W>(dx + at) : Vec<W>{};
    store<W>(dx + at, before + g * factor);
  });
}

template <class T>
void scale(const void* x_, const void* gate, const View& view, void* y_) {
  const T* x = static_cast<const T*>(x_);
  T* y = static_cast<T*>(y_);
  with_gate(static_cast<const T*>(gate), view, [&](auto width, const auto& g, long at) {
    constexpr int W = decltype(width)::value;
    store<W>(y + at, load<W>(x + at) * g);
  });
}

}  // namespace
