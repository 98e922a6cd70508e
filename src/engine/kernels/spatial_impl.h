// Kernels that know rows and columns: the image, subsampling, the heads.
#pragma once

#include "engine/kernels/lanes.h"

namespace {

using namespace poseheir::kernels;

template <class T>
void image(const std::uint8_t* pixels, int images, int pixels_each, const float* offset,
           const float* scale, bool planar, void* out_) {
  T* out = static_cast<T*>(out_);
  const long total = long(images) * pixels_each, piece = 2048;
#pragma omp parallel for schedule(static)
  for (long first = 0; first < total; first += piece) {
    const long last = first + piece < total ? first + piece : total;
    for (long i = first; i < last; ++i)
      for (int c = 0; c < 3; ++c) {
        const Vec<1> v = {(float(pixels[3 * i + c]) - offset[c]) * scale[c]};
        const long plane = (i / pixels_each * 3 + c) * pixels_each + i % pixels_each;
        store<1>(out + (planar ? plane : 3 * i + c), v);
      }
  }
}

template <class T>
void subsample(const void* x_, const View& view, int height, int width, int stride, void* y_) {
  const T* x = static_cast<const T*>(x_);
  T* y = static_cast<T*>(y_);
  const int out_height = (height + stride - 1) / stride, out_width = (width + stride - 1) / stride;
  const long rows = long(view.groups) * out_height, inner = view.inner;
#pragma omp parallel for schedule(static)
  for (long row = 0; row < rows; ++row) {
    const long group = row / out_height, line = row % out_height * stride;
    const T* from = x + (group * height + line) * width * inner;
    for (int column = 0; column < out_width; ++column)
      __builtin_memcpy(y + (row * out_width + column) * inner, from + long(column) * stride * inner,
                       inner * sizeof(T));
  }
}

template <class T>
void subsample_backward(const void* dy_, const View& view, int height, int width, int stride,
                        bool accumulate, void* dx_) {
  const T* dy = static_cast<const T*>(dy_);
  T* dx = static_cast<T*>(dx_);
  const int out_height = (height + stride - 1) / stride, out_width = (width + stride - 1) / stride;
  const long rows = long(view.groups) * height, inner = view.inner;
#pragma omp parallel for schedule(static)
  for (long row = 0; row < rows; ++row) {
    const long group = row / height, line = row % height;
    T* to = dx + row * width * inner;
    if (!accumulate) __builtin_memset(to, 0, width * inner * sizeof(T));
    if (line % stride != 0) continue;
    const T* from = dy + (group * out_height + line / stride) * out_width * inner;
    for (int column = 0; column < out_width; ++column, from += inner, to += inner * stride)
      in_lanes(inner, [&](auto lanes, long c) {
        constexpr int W = decltype(lanes)::value;
        store<W>(to + c, load<W>(to + c) + load<W>(from + c));
      });
  }
}

// Where column k of a cell lies in the matrix.
inline long in_matrix(const View& view, long image, long cell, long column) {
  if (view.blocks == 1) return (image * view.pixels + cell) * view.inner + column;
  const long block = column / view.inner, lane = column % view.inner;
  return ((image * view.blocks + block) * view.pixels + cell) * view.inner + lane;
}

// Row o of the output collects input rows i and taps k with o = 2i + k; the row 2 * height that
// the last tap would make is cropped.
void head(const float* matrix, const View& view, const HeadShape& shape, const float* bias,
          float* out) {
  const int out_height = 2 * shape.height, out_width = 2 * shape.width;
  const long rows = long(shape.images) * out_height;
  share_pieces(rows, [&](long row) {
    const long n = row / out_height;
    const int y = int(row % out_height);
    for (int x = 0; x < out_width; ++x) {
      float* to = out + (row * out_width + x) * shape.channels;
      for (int c = 0; c < shape.channels; ++c) to[c] = bias != nullptr ? bias[c] : 0.0F;
      for (int ky = y % 2; ky < 3 && y - ky >= 0; ky += 2)
        for (int kx = x % 2; kx < 3 && x - kx >= 0; kx += 2) {
          const long cell = long(y - ky) / 2 * shape.width + (x - kx) / 2;
          const long first = shape.first_column + (ky * 3 + kx) * shape.channels;
          for (int c = 0; c < shape.channels; ++c)
            to[c] += matrix[in_matrix(view, n, cell, first + c)];
        }
    }
  });
}

template <class T>
void head_backward(const float* gradient, const View& view, const HeadShape& shape, void* matrix_) {
  T* matrix = static_cast<T*>(matrix_);
  const int out_height = 2 * shape.height, out_width = 2 * shape.width;
  const long rows = long(shape.images) * shape.height;
  share_pieces(rows, [&](long row) {
    const long n = row / shape.height, i = row % shape.height;
    for (int j = 0; j < shape.width; ++j) {
      for (int tap = 0; tap < 9; ++tap) {
        const long y = 2 * i + tap / 3, x = 2 * j + tap % 3;
        const bool kept = y < out_height && x < out_width;
        const float* from = gradient + ((n * out_height + y) * out_width + x) * shape.channels;
        for (int c = 0; c < shape.channels; ++c) {
          const Vec<1> v = {kept ? from[c] : 0.0F};
          const long column = shape.first_column + tap * shape.channels + c;
          store<1>(matrix + in_matrix(view, n, i * shape.width + j, column), v);
        }
      }
      for (int k = 0; k < shape.cleared; ++k)
        store<1>(matrix + in_matrix(view, n, i * shape.width + j,
                                    shape.first_column + 9L * shape.channels + k),
                 Vec<1>{});
    }
  });
}

}  // namespace
