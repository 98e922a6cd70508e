// 1x1 convolutions of channels-last activations: matrix products over tiles that stay in the second
// cache, with batch norm on the way in and its sums on the way out.
#pragma once

#include "engine/kernels/products_impl.h"

namespace {

using namespace poseheir::kernels;

// Of a tile, by the second caches of machines with these instructions; see pointwise_shape.
inline constexpr long kTileWords = POSEHEIR_LANES == 16 ? 3L << 15 : 1L << 15;

// body(W, first channel, first row, rows): a few rows at a time, so that memory is read on and on.
// Channels are a multiple of 8.
template <class Body>
inline __attribute__((always_inline)) void in_rows(long rows, long channels, const Body& body) {
  constexpr long kRowsAtOnce = 8;
  for (long first = 0; first < rows; first += kRowsAtOnce) {
    const long count = rows - first < kRowsAtOnce ? rows - first : kRowsAtOnce;
    long c = 0;
    for (; c + POSEHEIR_LANES <= channels; c += POSEHEIR_LANES)
      body(Width<POSEHEIR_LANES>{}, c, first, count);
    if constexpr (POSEHEIR_LANES > 8)
      for (; c < channels; c += 8) body(Width<8>{}, c, first, count);
  }
}

// Brings a tile of an operand to factors, normalised; its own memory where nothing changes.
// (Inlined, GCC takes the tile for uninitialised.)
template <class T, class F>
__attribute__((noinline)) const F* read_rows(const T* x, const Normalisation* norm, long rows,
                                             long channels, F* tile) {
  if constexpr (sizeof(T) == sizeof(F))
    if (norm == nullptr) return x;
  in_rows(rows, channels, [&](auto width, long c, long first, long count) {
    constexpr int W = decltype(width)::value;
    const Reading<W> reading(norm, c);
    for (long i = first; i < first + count; ++i)
      store<W>(tile + i * channels + c, reading(load<W>(x + i * channels + c)));
  });
  return tile;
}

// Rows of a tile in words, the last of which may be half a one.
template <class T>
inline long words_of(long rows) {
  return (rows + kWord<Factor<T>> - 1) / kWord<Factor<T>>;
}

// Where the rows of a tile lie among all that blocks and panels are made of, in words.
struct Place {
  long words = 0, first = 0;
};

// The same as blocks of columns, for the gradient of the weights.
template <class T, class F>
inline void read_blocks(const T* x, const Normalisation* norm, long rows, long channels, F* blocks,
                        const Place& place) {
  in_rows(rows, channels, [&](auto width, long c, long first, long count) {
    constexpr int W = decltype(width)::value;
    const Reading<W> reading(norm, c);
    const auto at = [&](long i) { return reading(load<W>(x + i * channels + c)); };
    for (long i = first; i < first + count; i += kWord<F>) {
      const auto below = i + kWord<F> <= rows ? at(i + kWord<F> - 1) : Vec<W>{};
      const auto word = pair_of<W>(at(i), below, F{});
      const long block = c / kBlock * place.words + place.first + i / kWord<F>;
      F* to = blocks + (block * kBlock + c % kBlock) * kWord<F>;
      if constexpr (W <= kBlock) {
        store_words<W>(to, word);
      } else {
        Vec<W / 2> half[2];
        __builtin_memcpy(half, &word, sizeof word);
        store_words<W / 2>(to, half[0]);
        store_words<W / 2>(to + place.words * kBlock * kWord<F>, half[1]);
      }
    }
  });
}

// The gradient of a tile's results, as rows for dx and as panels for the weights; null for what
// nobody needs. Returns the rows: the gradient's own memory where nothing changes.
template <class T, class F>
inline const F* read_gradient(const T* dy, const T* x, const Normalisation* norm, long rows,
                              long channels, F* to_rows, F* panels, const Place& place) {
  const F* result = to_rows;
  if constexpr (sizeof(T) == sizeof(F))
    if (norm == nullptr) result = dy, to_rows = nullptr;
  if (to_rows == nullptr && panels == nullptr) return result;
  in_rows(rows, channels, [&](auto width, long c, long first, long count) {
    constexpr int W = decltype(width)::value;
    const GradientReading<W> reading(norm, c);
    const auto panel = panel_of(c, channels);
    const auto at = [&](long i) {
      const auto value = load<W>(dy + i * channels + c);
      return norm == nullptr ? value : reading(value, load<W>(x + i * channels + c));
    };
    const long at_word = panel.first * place.words + place.first * panel.width + c - panel.first;
    F* to = panels + at_word * kWord<F>;
    for (long i = first; i < first + count; i += kWord<F>) {
      const auto value = at(i);
      if (to_rows != nullptr) store<W>(to_rows + i * channels + c, value);
      auto below = value;
      if constexpr (kWord<F> == 2) {
        below = i + 1 < rows ? at(i + 1) : Vec<W>{};
        if (to_rows != nullptr && i + 1 < rows) store<W>(to_rows + (i + 1) * channels + c, below);
      }
      if (panels != nullptr)
        store_words<W>(to + i / kWord<F> * panel.width * kWord<F>, pair_of<W>(value, below, F{}));
    }
  });
  return result;
}

// What becomes of a tile's blocks of results while they are in registers: they are stored.
template <class T>
struct Tile {
  T* to;
  long channels;
  bool streams;

  // The sums become what is stored.
  template <int W, int R, int V>
  void operator()(Width<W> lanes, long row, long c, Vec<W> (&sums)[R][V]) const {
    T* p = to + row * channels + c;
    if (streams) return put_all<true>(lanes, p, sums);
    put_all<false>(lanes, p, sums);
    if constexpr (sizeof(T) < sizeof(float))
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) sums[r][v] = load<W>(p + r * channels + v * W);
  }

 private:
  template <bool kStreams, int W, int R, int V>
  void put_all(Width<W>, T* p, const Vec<W> (&sums)[R][V]) const {
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) put<W>(p + r * channels + v * W, sums[r][v], kStreams);
  }
};

// And adds them to a part's moments, which begin with the part's first pixel.
template <class T>
struct TileWithMoments : Tile<T> {
  bool begins;
  float* moments;

  template <int W, int R, int V>
  void operator()(Width<W> lanes, long row, long c, Vec<W> (&sums)[R][V]) const {
    Tile<T>::operator()(lanes, row, c, sums);
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      float *first = moments + c + v * W, *sum = first + this->channels,
            *square = sum + this->channels;
      Moments<W> total;
      if (begins && row == 0) {
        total.first = sums[0][v];
        store<W>(first, total.first);
      } else {
        total = {load<W>(first), load<W>(sum), load<W>(square)};
      }
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) total.add(sums[r][v]);
      store<W>(sum, total.sum);
      store<W>(square, total.square);
    }
  }
};

// Gradients of a norm's results: adds dx and dx * (x - mean) where x is not clamped.
template <class T>
struct TileWithGradientSums : Tile<T> {
  bool begins;
  float* totals;
  const T* x;
  const Normalisation* norm;

  template <int W, int R, int V>
  void operator()(Width<W> lanes, long row, long c, Vec<W> (&sums)[R][V]) const {
    Tile<T>::operator()(lanes, row, c, sums);
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      const long column = c + v * W;
      float *to_sum = totals + column, *to_product = to_sum + this->channels;
      const Reading<W> reading(norm, column);
      const auto mean = load<W>(norm->mean + column);
      Vec<W> sum = {}, product = {};
      if (!begins || row > 0) {
        sum = load<W>(to_sum);
        product = load<W>(to_product);
      }
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const auto value = load<W>(x + (row + r) * this->channels + column);
        const auto kept =
            inside<W>(sums[r][v], reading.normal(value), reading.range.low, reading.range.high);
        sum += kept;
        product += kept * (value - mean);
      }
      store<W>(to_sum, sum);
      store<W>(to_product, product);
    }
  }
};

inline void finish_moments(float* sums, long channels, long count) {
  in_lanes(channels, [&](auto width, long c) {
    constexpr int W = decltype(width)::value;
    const Moments<W> moments{load<W>(sums + c), load<W>(sums + channels + c),
                             load<W>(sums + 2 * channels + c)};
    moments.write(sums + c, channels, float(count));
  });
}

// body(part, first pixel, pixels, begins) for the tiles of each part, parts in parallel.
template <class Body>
inline void in_tiles(const PointwiseShape& s, long first_part, long last_part, const Body& body) {
  share_pieces(last_part - first_part, [&](long k) {
    const long part = first_part + k, begin = part * s.part_pixels;
    const long end = begin + s.part_pixels < s.pixels ? begin + s.part_pixels : s.pixels;
    for (long first = begin; first < end; first += s.tile_pixels)
      body(part, first, first + s.tile_pixels < end ? s.tile_pixels : end - first, first == begin);
  });
}

// Pixels of the tile that begins there, or nearly: they are only brought near.
inline long tile_after(const PointwiseShape& s, long first) {
  return s.pixels - first < s.tile_pixels ? s.pixels - first : s.tile_pixels;
}

template <class T>
void pack_pointwise(const float* weights, int inputs, int outputs, void* packed, void* transposed) {
  if (packed != nullptr) pack_rows(weights, inputs, outputs, static_cast<Factor<T>*>(packed));
  if (transposed != nullptr)
    pack_columns(weights, outputs, inputs, static_cast<Factor<T>*>(transposed));
}

template <class T, class Y>
void product(const Operand& in, const void* packed, const PointwiseShape& s, const Result& out) {
  using F = Factor<T>;
  const T* x = static_cast<const T*>(in.data);
  Y* y = static_cast<Y*>(out.data);
  const bool streams = out.streams && streams_lines(y, s.outputs);
  in_tiles(s, 0, s.parts, [&](long part, long first, long rows, bool begins) {
    alignas(64) F tile[kTileWords * kWord<F>];
    const Tile<Y> results = {y + first * s.outputs, s.outputs, streams};
    Ahead ahead;
    const long next = first + rows, coming = tile_after(s, next);
    ahead.add(x + next * s.inputs, coming * s.inputs);
    ahead.spread(blocks_of(rows, s.outputs));
    const F* operand = read_rows(x + first * s.inputs, in.norm, rows, s.inputs, tile);
    const auto multiply_for = [&](const auto& finish) {
      multiply(operand, rows, s.inputs, static_cast<const F*>(packed), s.outputs, finish, &ahead);
    };
    if (out.moments == nullptr) {
      multiply_for(results);
    } else {
      float* sums = out.moments + part * kMomentRows * s.outputs;
      multiply_for(TileWithMoments<Y>{results, begins, sums});
      const long end = (part + 1) * s.part_pixels;
      if (next == end || next == s.pixels)
        finish_moments(sums, s.outputs, next - part * s.part_pixels);
    }
    end_streams(streams);
  });
}

template <class T>
void pointwise(const Operand& in, const void* packed, const PointwiseShape& s, const Result& out) {
  product<T, T>(in, packed, s, out);
}

template <class T>
void head_product(const Operand& in, const void* packed, const PointwiseShape& s,
                  const Result& out) {
  product<T, float>(in, packed, s, out);
}

template <class T>
void pointwise_backward(const GradientOperand& out, const Operand& in, const void* transposed,
                        const PointwiseShape& s, const FusedGradients& gradients) {
  using F = Factor<T>;
  const T *x = static_cast<const T*>(in.data), *dy = static_cast<const T*>(out.dy);
  const T* raw = static_cast<const T*>(out.x);
  T* dx = static_cast<T*>(gradients.dx);
  const long size = long(s.inputs) * s.outputs;
  const bool streams = gradients.streams && streams_lines(dx, s.inputs);
  const bool trains = gradients.weights != nullptr, apart = s.parts_together > 0;
  // Many weights: a few parts leave their factors, and all threads multiply them then.
  F* shared = static_cast<F*>(static_cast<void*>(gradients.workspace));
  const long together = apart ? s.parts_together : s.parts;
  for (long first_part = 0; first_part < s.parts; first_part += together) {
    const long last_part = first_part + together < s.parts ? first_part + together : s.parts;
    const long begin = first_part * s.part_pixels;
    const long end = last_part * s.part_pixels < s.pixels ? last_part * s.part_pixels : s.pixels;
    const long words_together = words_of<T>(end - begin);
    F* shared_panels = shared + words_together * s.inputs * kWord<F>;
    in_tiles(s, first_part, last_part, [&](long part, long first, long rows, bool begins) {
      alignas(64) F tile[kTileWords * kWord<F>];
      F *blocks = tile, *panels = tile, *to_rows = tile;
      Place place = {words_together, (first - begin) / kWord<F>};
      if (apart) {
        blocks = shared;
        panels = shared_panels;
      } else {
        place = {words_of<T>(rows), 0};
        panels = tile + s.tile_pixels * s.inputs;
        to_rows = panels + s.tile_pixels * s.outputs;
      }
      Ahead ahead;
      const long next = first + rows, coming = tile_after(s, next);
      ahead.add(dy + next * s.outputs, coming * s.outputs);
      if (out.norm != nullptr) ahead.add(raw + next * s.outputs, coming * s.outputs);
      if (trains || gradients.sums != nullptr) ahead.add(x + next * s.inputs, coming * s.inputs);
      ahead.spread((trains && !apart ? blocks_of(s.inputs, s.outputs) : 0) +
                   (dx != nullptr ? blocks_of(rows, s.inputs) : 0));
      const F* dz =
          read_gradient(dy + first * s.outputs, raw + first * s.outputs, out.norm, rows, s.outputs,
                        dx != nullptr ? to_rows : nullptr, trains ? panels : nullptr, place);
      if (trains) read_blocks(x + first * s.inputs, in.norm, rows, s.inputs, blocks, place);
      if (trains && !apart)
        multiply_transposed(blocks, s.inputs, panels, s.outputs, place.words, begins,
                            gradients.workspace + part * size, &ahead);
      if (dx == nullptr) return;
      const Tile<T> results = {dx + first * s.inputs, s.inputs, streams};
      const auto multiply_for = [&](const auto& finish) {
        multiply(dz, rows, s.outputs, static_cast<const F*>(transposed), s.inputs, finish, &ahead);
      };
      if (gradients.sums == nullptr)
        multiply_for(results);
      else
        multiply_for(TileWithGradientSums<T>{results, begins,
                                             gradients.sums + part * kGradientRows * s.inputs,
                                             x + first * s.inputs, in.norm});
      end_streams(streams);
    });
    if (trains && apart)
      multiply_transposed_apart(shared, s.inputs, shared_panels, s.outputs, words_together,
                                first_part == 0, gradients.weights);
  }
  if (trains && !apart) sum_vectors(gradients.workspace, s.parts, size, gradients.weights);
}

}  // namespace
