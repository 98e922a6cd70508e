// The matrix products of our 1x1 convolutions.
#pragma once

#include "engine/kernels/panels_impl.h"

namespace {

using namespace poseheir::kernels;

// Memory that will be read after a product, brought near a line at a time while it is computed.
class Ahead {
 public:
  Ahead() = default;
  template <class T>
  void add(const T* data, long count) {
    const long lines = count * long(sizeof(T)) / kLine;
    ranges_[count_++] = {static_cast<const char*>(static_cast<const void*>(data)), lines};
    lines_ += lines;
  }
  // To be spread over `blocks` products.
  void spread(long blocks) { each_ = blocks > 0 ? (lines_ + blocks - 1) / blocks : 0; }
  // The share of one product of so many steps.
  struct Share {
    const char* data = nullptr;
    long lines = 0;
  };
  Share share(long steps) {
    while (next_ < count_ && ranges_[next_].lines == 0) ++next_;
    if (next_ == count_) return {};
    auto& range = ranges_[next_];
    long lines = each_ < steps ? each_ : steps;
    if (range.lines < lines) lines = range.lines;
    const Share taken = {range.data, lines};
    range.data += lines * kLine;
    range.lines -= lines;
    return taken;
  }
  static constexpr long kLine = 64;

 private:
  struct Range {
    const char* data;
    long lines;
  };
  Range ranges_[3];
  int count_ = 0, next_ = 0;
  long lines_ = 0, each_ = 0;
};

// step() as often as asked, with a share of what is to be brought near.
template <class Step>
inline __attribute__((always_inline)) void in_steps(long steps, Ahead::Share share,
                                                    const Step& step) {
  long k = 0;
  for (; k < share.lines; ++k, share.data += Ahead::kLine) {
    __builtin_prefetch(share.data, 0, 2);
    step();
  }
  for (; k < steps; ++k) step();
}

// The loops over rows and vectors are unrolled early: GCC keeps the sums in memory otherwise, and
// clears, spills and reads them again around each block's products.
// a[R, depth] * a panel [depth, V * W], for finish(Width<W>, sums); depth
// in words.
template <int R, int V, int W, class F, class Finish>
inline void multiply_block(const F* a, long lda, const F* panel, long depth, Ahead::Share share,
                           const Finish& finish) {
  Vec<W> sum[R][V] = {};
  in_steps(depth, share, [&] {
    Vec<W> row[V];
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) row[v] = words<W>(panel + v * W * kWord<F>);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const auto x = repeated<W>(a + r * lda);
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) sum[r][v] = multiply_add<W>(sum[r][v], x, row[v], F{});
    }
    a += kWord<F>;
    panel += V * W * kWord<F>;
  });
  finish(Width<W>{}, sum);
}

// Blocks of a product of so many rows and columns.
inline long blocks_of(long rows, long columns) {
  long panels = 0;
  in_panels(columns, [&](auto, auto, long) { ++panels; });
  return rows / kRows * panels;
}

// a[rows, depth] * packed weights; finish(Width<W>, row, column, sums) takes each block.
template <class F, class Finish>
inline void multiply(const F* a, long rows, long depth, const F* packed, long columns,
                     const Finish& finish, Ahead* ahead = nullptr) {
  in_panels(columns, [&](auto vectors, auto width, long c) {
    constexpr int V = decltype(vectors)::value, W = decltype(width)::value;
    const F* panel = packed + c * depth;
    const long count = depth / kWord<F>;
    long r = 0;
    const auto finish_block = [&](auto lanes, auto& sums) { finish(lanes, r, c, sums); };
    for (; r + kRows <= rows; r += kRows)
      multiply_block<kRows, V, W>(a + r * depth, depth, panel, count,
                                  ahead ? ahead->share(count) : Ahead::Share{}, finish_block);
    for (; r < rows; ++r)
      multiply_block<1, V, W>(a + r * depth, depth, panel, count, {}, finish_block);
  });
}

// Columns of a tile in blocks of eight, the rows (words of them) of a block one after another: what
// is multiplied with panels, row by row.
inline constexpr long kBlock = 8;

// sums[k, columns] += blocks^T * one panel over rows, counted in words, for k in a range of
// multiples of eight; `begins` starts them.
template <int V, int W, class F>
inline void multiply_panel(const F* blocks, long first, long last, const F* panel, long columns,
                           long rows, bool begins, float* sums, Ahead* ahead) {
  constexpr int R = kRows;
  for (long k = first; k < last; k += R) {
    float* to = sums + k * columns;
    Vec<W> sum[R][V] = {};
    if (!begins)
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) sum[r][v] = load<W>(to + r * columns + v * W);
    const F* a = blocks + (k / kBlock * rows * kBlock + k % kBlock) * kWord<F>;
    const F* b = panel;
    in_steps(rows, ahead ? ahead->share(rows) : Ahead::Share{}, [&] {
      Vec<W> row[V];
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) row[v] = words<W>(b + v * W * kWord<F>);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const auto x = repeated<W>(a + r * kWord<F>);
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) sum[r][v] = multiply_add<W>(sum[r][v], x, row[v], F{});
      }
      a += kBlock * kWord<F>;
      b += V * W * kWord<F>;
    });
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) store<W>(to + r * columns + v * W, sum[r][v]);
  }
}

// The same for all panels and k.
template <class F>
inline void multiply_transposed(const F* blocks, long depth, const F* panels, long columns,
                                long rows, bool begins, float* sums, Ahead* ahead) {
  in_panels(columns, [&](auto vectors, auto width, long c) {
    multiply_panel<decltype(vectors)::value, decltype(width)::value>(
        blocks, 0, depth, panels + c * rows * kWord<F>, columns, rows, begins, sums + c, ahead);
  });
}

// The same by several threads.
template <class F>
inline void multiply_transposed_apart(const F* blocks, long depth, const F* panels, long columns,
                                      long rows, bool begins, float* sums) {
  constexpr long kWidest = kVectors * POSEHEIR_LANES, kDepth = 64;
  const long deep = (depth + kDepth - 1) / kDepth;
  const long pieces = (columns + kWidest - 1) / kWidest * deep;
  share_pieces(pieces, [&](long piece) {
    const long first = piece % deep * kDepth, begin = piece / deep * kWidest;
    const long last = first + kDepth < depth ? first + kDepth : depth;
    const long count = columns - begin < kWidest ? columns - begin : kWidest;
    in_panels(count, [&](auto vectors, auto width, long c) {
      multiply_panel<decltype(vectors)::value, decltype(width)::value>(
          blocks, first, last, panels + (begin + c) * rows * kWord<F>, columns, rows, begins,
          sums + begin + c, nullptr);
    });
  });
}

}  // namespace
