// Kernels of networks with smooth activations and squeeze-excite gates.
#pragma once

#include "engine/kernels/kernels.h"

namespace poseheir::kernels {

enum class Curve { none, swish, sigmoid };

// Activations are void*: float or bf16, by the table. A gate is one value for each image and
// channel, an activation of one pixel.
struct GateKernels {
  void (*curve)(const void* z, std::size_t count, Curve curve, void* y);
  // out = (a + b + c) times the curve's derivative at z; b, c and sums may be null.
  void (*curve_gradient)(const void* a, const void* b, const void* c, const void* z,
                         const View& view, Curve curve, float* workspace, void* out, float* sums);
  // out = (dy * gate + mean / pixels) times swish's derivative at z: back through squeeze-excite.
  void (*gated_gradient)(const void* dy, const void* gate, const void* mean, const void* z,
                         const View& view, float* workspace, void* out, float* sums);
  void (*mean)(const void* x, const View& view, float* workspace, void* gate);
  // dx = dgate / pixels in every pixel; or added to dx.
  void (*mean_backward)(const void* dgate, const View& view, bool accumulate, void* dx);
  void (*scale)(const void* x, const void* gate, const View& view, void* y);
  // Sums of dy * x over the pixels of each image.
  void (*scale_gate)(const void* dy, const void* x, const View& view, float* workspace,
                     void* dgate);
  // y = x * weights + shift, and its curve; z (before the curve) may be null.
  void (*depthwise)(const void* x, const float* weights, const float* shift,
                    const DepthwiseShape& shape, Curve curve, void* z, void* y);
  void (*depthwise_data)(const void* dy, const float* weights, const DepthwiseShape& shape,
                         void* dx);
  void (*depthwise_weights)(const void* x, const void* dy, const DepthwiseShape& shape,
                            float* workspace, float* dweights);
};

const GateKernels& float_gates(Isa isa);
const GateKernels& bf16_gates(Isa isa);

}  // namespace poseheir::kernels
