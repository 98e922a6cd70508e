// Weights and optimizers: flat fp32 vectors.
#pragma once

#include "engine/kernels/lanes.h"

namespace {

using namespace poseheir::kernels;

void fold(const float* w, const float* scale, std::size_t rows, int outputs, float* folded) {
#pragma omp parallel for schedule(static)
  for (std::size_t row = 0; row < rows; ++row)
    for (int o = 0; o < outputs; ++o) folded[row * outputs + o] = w[row * outputs + o] * scale[o];
}

void unfold(float* g, const float* w, const float* scale, std::size_t rows, int outputs,
            float* workspace, float* sums) {
  const std::size_t each = (rows + kFoldPieces - 1) / kFoldPieces;
#pragma omp parallel for schedule(static)
  for (std::size_t piece = 0; piece < kFoldPieces; ++piece) {
    float* sum = workspace + piece * outputs;
    for (int o = 0; o < outputs; ++o) sum[o] = 0.0F;
    const std::size_t end = (piece + 1) * each < rows ? (piece + 1) * each : rows;
    for (std::size_t row = piece * each; row < end; ++row)
      for (int o = 0; o < outputs; ++o) {
        const std::size_t i = row * outputs + o;
        sum[o] += g[i] * w[i];
        g[i] *= scale[o];
      }
  }
  for (int o = 0; o < outputs; ++o) {
    double total = 0;
    for (std::size_t piece = 0; piece < kFoldPieces; ++piece)
      total += double(workspace[piece * outputs + o]);
    sums[o] = float(total);
  }
}

// Most variables are a few channels long: not worth waking the other threads.
inline constexpr std::size_t kWorthSharing = 1 << 13;

void momentum(float* w, float* m, const float* g, std::size_t count, float rate, float momentum) {
#pragma omp parallel for schedule(static) if (count > kWorthSharing)
  for (std::size_t i = 0; i < count; ++i) {
    m[i] = momentum * m[i] + g[i];
    w[i] -= rate * m[i];
  }
}

void adam(float* w, float* m, float* v, const float* g, std::size_t count, float rate, float beta1,
          float beta2, float epsilon) {
#pragma omp parallel for schedule(static) if (count > kWorthSharing)
  for (std::size_t i = 0; i < count; ++i) {
    m[i] = beta1 * m[i] + (1.0F - beta1) * g[i];
    v[i] = beta2 * v[i] + (1.0F - beta2) * g[i] * g[i];
    w[i] -= rate * m[i] / (__builtin_sqrtf(v[i]) + epsilon);
  }
}

}  // namespace
