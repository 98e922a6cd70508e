#include "engine/kernels/kernels.h"

#include <algorithm>

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

#ifdef POSEHEIR_X86
#define POSEHEIR_CHOOSE(table) \
  (isa == Isa::avx512 ? avx512::table : isa == Isa::avx2 ? avx2::table : baseline::table)
#else
#define POSEHEIR_CHOOSE(table) (static_cast<void>(isa), baseline::table)
#endif

const Kernels& float_kernels(Isa isa) { return POSEHEIR_CHOOSE(floats); }
const Kernels& bf16_kernels(Isa isa) { return POSEHEIR_CHOOSE(bf16s); }
const GateKernels& float_gates(Isa isa) { return POSEHEIR_CHOOSE(float_gates); }
const GateKernels& bf16_gates(Isa isa) { return POSEHEIR_CHOOSE(bf16_gates); }
const VectorKernels& vector_kernels(Isa isa) { return POSEHEIR_CHOOSE(vectors); }

}  // namespace poseheir::kernels
