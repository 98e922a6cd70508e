// One set of tables an instruction set; see kernels.cc for the choice.
#pragma once

#include "engine/kernels/gates.h"
#include "engine/kernels/kernels.h"

namespace poseheir::kernels {
namespace baseline {
extern const Kernels floats, bf16s;
extern const GateKernels float_gates, bf16_gates;
extern const VectorKernels vectors;
}  // namespace baseline
namespace avx2 {
extern const Kernels floats, bf16s;
extern const GateKernels float_gates, bf16_gates;
extern const VectorKernels vectors;
}  // namespace avx2
namespace avx512 {
extern const Kernels floats, bf16s;
extern const GateKernels float_gates, bf16_gates;
extern const VectorKernels vectors;
}  // namespace avx512
namespace avx512_bf16 {
extern const Kernels floats, bf16s;
extern const GateKernels float_gates, bf16_gates;
extern const VectorKernels vectors;
}  // namespace avx512_bf16
}  // namespace poseheir::kernels
