#include "engine/kernels/kernels.h"

#include <algorithm>
#include <bit>
#include <vector>

#include "engine/kernels/tables.h"

namespace poseheir::kernels {

std::size_t workspace_floats(const View& view) {
  const int each = std::clamp(8192 / std::max(view.inner, 1), 16, 1024);
  const auto pieces = std::size_t(view.groups) * ((view.pixels + each - 1) / each);
  return pieces * 2 * view.inner;
}

std::size_t workspace_floats(const DepthwiseShape& shape) {
  const auto pieces = std::size_t(shape.images) * ((shape.out_height + 7) / 8);
  return pieces * shape.kernel * shape.kernel * shape.channels;
}

long strips_of(int images, int height, int width) {
  return long(images) * ((height + kStripRows - 1) / kStripRows) *
         ((width + kStripColumns - 1) / kStripColumns);
}

PointwiseShape pointwise_shape(long pixels, int inputs, int outputs, long tile_values) {
  constexpr long kBlock = 8;  // rows of a product
  // Parts leave sums and gradients of the weights: not too many, and none too small for its sums.
  constexpr long kMostParts = 64, kLeastPixels = 96, kMostPixels = 256;
  // From so many weights on, adding up the gradients of parts costs more than sharing factors.
  constexpr long kManyWeights = 1 << 15, kPixelsTogether = 1024;
  PointwiseShape shape{pixels, inputs, outputs};
  const bool apart = long(inputs) * outputs >= kManyWeights;
  // A tile of inputs, and one of gradients in two orders; or one of these.
  const long values = apart ? std::max(inputs, outputs) : inputs + 2L * outputs;
  const long fitting = tile_values / values / kBlock * kBlock;
  if (fitting == 0 || inputs % 8 != 0 || outputs % 8 != 0) return shape;
  // A power of two of them, so that threads get as many each.
  const auto parts = static_cast<long>(std::bit_floor(
      static_cast<unsigned long>(std::clamp<long>(pixels / kLeastPixels, 2, kMostParts))));
  const long share = ((pixels + parts - 1) / parts + kBlock - 1) / kBlock * kBlock;
  // Tiles of about one size in each part.
  const long most = std::min(fitting, kMostPixels), tiles = (share + most - 1) / most;
  shape.tile_pixels = ((share + tiles - 1) / tiles + kBlock - 1) / kBlock * kBlock;
  shape.part_pixels = share;
  shape.parts = (pixels + share - 1) / share;
  if (apart) shape.parts_together = std::clamp<long>(kPixelsTogether / share, 1, shape.parts);
  return shape;
}

std::size_t workspace_floats(const PointwiseShape& shape) {
  if (shape.parts_together == 0) return std::size_t(shape.parts) * shape.inputs * shape.outputs;
  return std::size_t(shape.parts_together) * shape.part_pixels * (shape.inputs + shape.outputs);
}

void finish_moments(const float* pieces, long count, int channels, float* mean, float* variance) {
  std::vector<double> total(channels, 0.0), mean_of(channels, 0.0), squares(channels, 0.0);
  const auto each = [&](const auto& body) {
    for (long k = 0; k < count; ++k)
      for (int c = 0; c < channels; ++c) {
        const float* piece = pieces + k * kMomentRows * channels + c;
        body(c, double(piece[0]), double(piece[channels]), double(piece[2 * channels]));
      }
  };
  each([&](int c, double m, double, double n) { mean_of[c] += m * n, total[c] += n; });
  for (int c = 0; c < channels; ++c) mean_of[c] /= total[c];
  each([&](int c, double m, double square, double n) {
    squares[c] += square + n * (m - mean_of[c]) * (m - mean_of[c]);
  });
  for (int c = 0; c < channels; ++c) {
    mean[c] = float(mean_of[c]);
    variance[c] = float(std::max(squares[c] / total[c], 0.0));
  }
}

void finish_gradient_sums(const float* pieces, long count, int channels, float* sum,
                          float* product) {
  std::vector<double> sums(channels, 0.0), products(channels, 0.0);
  for (long k = 0; k < count; ++k)
    for (int c = 0; c < channels; ++c) {
      const float* piece = pieces + k * kGradientRows * channels + c;
      sums[c] += double(piece[0]);
      products[c] += double(piece[channels]);
    }
  for (int c = 0; c < channels; ++c) {
    sum[c] = float(sums[c]);
    product[c] = float(products[c]);
  }
}

#ifdef POSEHEIR_X86
#define POSEHEIR_CHOOSE(table)                  \
  (isa == Isa::avx512_bf16 ? avx512_bf16::table \
   : isa == Isa::avx512    ? avx512::table      \
   : isa == Isa::avx2      ? avx2::table        \
                           : baseline::table)
#else
#define POSEHEIR_CHOOSE(table) (static_cast<void>(isa), baseline::table)
#endif

const Kernels& float_kernels(Isa isa) { return POSEHEIR_CHOOSE(floats); }
const Kernels& bf16_kernels(Isa isa) { return POSEHEIR_CHOOSE(bf16s); }
const GateKernels& float_gates(Isa isa) { return POSEHEIR_CHOOSE(float_gates); }
const GateKernels& bf16_gates(Isa isa) { return POSEHEIR_CHOOSE(bf16_gates); }
const VectorKernels& vector_kernels(Isa isa) { return POSEHEIR_CHOOSE(vectors); }

}  // namespace poseheir::kernels
