// What the fused kernels share: operands that are normalised as they are read, and the sums that
// they leave for the batch norm after them.
#pragma once

#include "engine/kernels/lanes.h"

namespace {

using namespace poseheir::kernels;

template <int W>
inline Vec<W> all(float value) {
  return value - Vec<W>{};  // exact, unlike an addition to zero
}

// One vector of channels of a batch norm's parameters; without a norm it changes nothing.
template <int W>
struct Reading {
  Vec<W> scale, shift;
  Range range;

  Reading(const Normalisation* norm, long c) : scale(all<W>(1)), shift(), range(range_of({})) {
    if (norm == nullptr) return;
    scale = load<W>(norm->scale + c);
    shift = load<W>(norm->shift + c);
    range = range_of(norm->clamp);
  }
  Vec<W> normal(Vec<W> x) const { return x * scale + shift; }
  Vec<W> operator()(Vec<W> x) const { return clamped<W>(normal(x), range.low, range.high); }
};

// The gradient that reaches a batch norm's input x, from that of its output dy:
// scale * (dy - mean_gradient - (x - mean) * projected), as scale * dy - (offset + slope * x).
template <int W>
struct GradientReading : Reading<W> {
  Vec<W> offset = {}, slope = {};
  bool through;

  GradientReading(const Normalisation* norm, long c) : Reading<W>(norm, c), through(norm) {
    if (norm == nullptr) return;
    slope = this->scale * load<W>(norm->projected + c);
    offset = this->scale * load<W>(norm->mean_gradient + c) - slope * load<W>(norm->mean + c);
  }
  Vec<W> operator()(Vec<W> dy, Vec<W> x) const {
    const auto kept = inside<W>(dy, this->normal(x), this->range.low, this->range.high);
    return this->scale * kept - (offset + slope * x);
  }
};

// Sums that become a piece's mean and squared deviations: shifted by a value of the piece, so that
// no digits cancel.
template <int W>
struct Moments {
  Vec<W> first = {}, sum = {}, square = {};

  void add(Vec<W> value) {
    value -= first;
    sum += value;
    square += value * value;
  }
  void write(float* out, long channels, float count) const {
    store<W>(out, first + sum / count);
    store<W>(out + channels, square - sum * sum / count);
    store<W>(out + 2 * channels, all<W>(count));
  }
};

// out[i] = the sum of `count` vectors that lie one after another.
inline void sum_vectors(const float* vectors, long count, long size, float* out) {
  constexpr long kChunk = 256;
  share_pieces((size + kChunk - 1) / kChunk, [&](long chunk) {
    const long first = chunk * kChunk, length = size - first < kChunk ? size - first : kChunk;
    double total[kChunk] = {};
    for (long k = 0; k < count; ++k)
      for (long i = 0; i < length; ++i) total[i] += double(vectors[k * size + first + i]);
    for (long i = 0; i < length; ++i) out[first + i] = float(total[i]);
  });
}

}  // namespace
