// Inner loops of augmentation, compiled for each instruction set. Whatever the set, the values are
// the same to the last bit.
#pragma once

#include <cstdint>

namespace poseheir::pixels {

constexpr int kSteps = 32;  // places between two pixels
constexpr int kTaps = 4, kChannels = 3;

// Cubic weights of the pixels -1, 0, 1, 2 for each place between 0 and 1.
struct CubicWeights {
  alignas(64) float of_row[kSteps][kTaps];
  // Each weight for the three channels of its pixel: twelve neighbouring values of a picture.
  alignas(64) float of_values[kSteps][16];
};

// RGB, rows without gaps.
struct Picture {
  const std::uint8_t* pixels;
  int height, width;
};

// The same as floats: bytes would have to be converted sixteen times.
struct Levels {
  const float* values;
  int height, width;
};

// Cubic interpolation along one axis: for each place of the result the first of its four pixels
// and their weights, in 1/2048. Pixels beyond the picture count as the last one inside.
struct CubicAxis {
  const int* first;
  const std::int16_t* weights;  // [places, 4]
  int places, pixels;
};

struct Kernels {
  // A row of the picture looked up at (column - dx, row - dy).
  void (*displace)(const Levels& picture, const float* dx, const float* dy, int row,
                   const CubicWeights& weights, std::uint8_t* result);

  // Numbers first, first + 1, … of the stream of random numbers with this key, in [-1, 1).
  void (*uniform)(std::uint64_t key, std::uint64_t first, int count, float* result);

  // Sums of `taps` neighbours, weighted; count results from count + taps - 1 values.
  void (*blur_row)(const float* row, const float* weights, int taps, int count, float* result);
  // The same across rows, with weights that are the same from either end, and times `factor`.
  void (*blur_rows)(const float* const* rows, const float* weights, int taps, float factor,
                    int count, float* result);

  // Sums of `taps` values, weighted, made bytes: result[i] of rows[…][i].
  void (*filter)(const float* const* rows, const float* weights, int taps, int count,
                 std::uint8_t* result);
  void (*widen)(const std::uint8_t* bytes, int count, float* result);

  // A row looked up by linear interpolation, black outside: column i at (x + dx[i], y + dy[i]), all
  // in 1/1024 pixel and rounded to 1/32.
  void (*turn)(const Picture& picture, const int* dx, const int* dy, int x, int y, int count,
               std::uint8_t* result);

  // Rows of a picture to those of another width; `result` has room for eight values more.
  // `last`: nothing may be read beyond the row.
  void (*resize_row)(const std::uint8_t* row, const CubicAxis& columns, bool last, float* result);
  // Four such rows to one of bytes; `weights` in 1/2048.
  void (*resize_rows)(const float* const* rows, const std::int16_t* weights, int count,
                      std::uint8_t* result);
};

// Null for sets that the program was not built for. Where a set lacks what a function needs (FMA
// for blurring), it is null, too: there OpenCV is slower, and as right.
enum class Set { baseline, avx2, avx512 };
const Kernels* kernels_of(Set set);
bool has(Set set);         // this machine
const Kernels& kernels();  // of the best set that it has

}  // namespace poseheir::pixels
