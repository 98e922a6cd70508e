// Channels from one map to another, and maps of another size.
#pragma once

#include "engine/kernels/channels_impl.h"

namespace {

using namespace poseheir::kernels;

// Blocks of both sides cut the channels into runs that lie together in each pixel.
template <class T>
void copy_channels(const void* from_, const View& from, int first_from, void* to_, const View& to,
                   const ChannelCopy& copy) {
  const T* source = static_cast<const T*>(from_);
  T* target = static_cast<T*>(to_);
  const long end = copy.first_to + copy.count, cleared = end + copy.cleared;
  in_pieces(to, [&](long, long first, long channel, int pixels) {
    const long group = first / to.inner / to.pixels, pixel = first / to.inner % to.pixels;
    const long image = group / to.blocks, last = channel + to.inner;
    for (long c = channel > copy.first_to ? channel : copy.first_to; c < last && c < end;) {
      const long s = first_from + c - copy.first_to, lane = s % from.inner;
      long run = (end < last ? end : last) - c;
      run = run < from.inner - lane ? run : from.inner - lane;
      const long block = image * from.blocks + s / from.inner;
      const T* read = source + (block * from.pixels + pixel) * from.inner + lane;
      T* write = target + first + (c - channel);
      if (!copy.accumulate && run == from.inner && run == to.inner) {
        __builtin_memcpy(write, read, pixels * run * sizeof(T));
      } else {
        in_lanes(run, [&](auto width, long k) {
          constexpr int W = decltype(width)::value;
          for (long i = 0; i < pixels; ++i) {
            auto v = load<W>(read + i * from.inner + k);
            if (copy.accumulate) v += load<W>(write + i * to.inner + k);
            store<W>(write + i * to.inner + k, v);
          }
        });
      }
      c += run;
    }
    for (long c = channel > end ? channel : end; c < last && c < cleared; ++c)
      for (long i = 0; i < pixels; ++i)
        store<1>(target + first + i * to.inner + c - channel, Vec<1>{});
  });
}

// In TensorFlow's order of operations: along the row first.
template <class T>
void resize(const void* x_, const View& view, const ResizeAxis& rows, const ResizeAxis& columns,
            void* y_) {
  const T* x = static_cast<const T*>(x_);
  T* y = static_cast<T*>(y_);
  const long lines = long(view.groups) * rows.out, inner = view.inner;
#pragma omp parallel for schedule(static)
  for (long line = 0; line < lines; ++line) {
    const auto& row = rows.taps[line % rows.out];
    const T* image = x + line / rows.out * rows.in * columns.in * inner;
    const T* top = image + long(row.lower) * columns.in * inner;
    const T* bottom = image + long(row.upper) * columns.in * inner;
    for (int j = 0; j < columns.out; ++j) {
      const auto& column = columns.taps[j];
      const long left = column.lower * inner, right = column.upper * inner;
      T* out = y + (line * columns.out + j) * inner;
      in_lanes(inner, [&](auto width, long c) {
        constexpr int W = decltype(width)::value;
        const auto tl = load<W>(top + left + c), tr = load<W>(top + right + c);
        const auto bl = load<W>(bottom + left + c), br = load<W>(bottom + right + c);
        const auto t = tl + (tr - tl) * column.lerp, b = bl + (br - bl) * column.lerp;
        store<W>(out + c, t + (b - t) * row.lerp);
      });
    }
  }
}

inline float resize_weight(const ResizeTap& tap, int from) {
  return (tap.lower == from ? 1.0F - tap.lerp : 0.0F) + (tap.upper == from ? tap.lerp : 0.0F);
}

// Each cell collects from the few cells that it went to.
template <class T>
void resize_backward(const void* dy_, const View& view, const ResizeAxis& rows,
                     const ResizeAxis& columns, void* dx_) {
  const T* dy = static_cast<const T*>(dy_);
  T* dx = static_cast<T*>(dx_);
  const long lines = long(view.groups) * rows.in, inner = view.inner;
#pragma omp parallel for schedule(static)
  for (long line = 0; line < lines; ++line) {
    const int i = int(line % rows.in);
    const T* image = dy + line / rows.in * rows.out * columns.out * inner;
    for (int j = 0; j < columns.in; ++j)
      in_lanes(inner, [&](auto width, long c) {
        constexpr int W = decltype(width)::value;
        Vec<W> sum = {};
        for (int r = rows.readers[i].first; r < rows.readers[i].last; ++r) {
          Vec<W> part = {};
          for (int s = columns.readers[j].first; s < columns.readers[j].last; ++s)
            part += load<W>(image + (long(r) * columns.out + s) * inner + c) *
                    resize_weight(columns.taps[s], j);
          sum += part * resize_weight(rows.taps[r], i);
        }
        store<W>(dx + (line * columns.in + j) * inner + c, sum);
      });
  }
}

}  // namespace
