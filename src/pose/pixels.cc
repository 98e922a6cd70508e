#include "pose/pixels.h"

namespace poseheir::pixels {

namespace baseline {
extern const Kernels kernels;
}
#ifdef POSEHEIR_X86
namespace avx2 {
extern const Kernels kernels;
}
namespace avx512 {
extern const Kernels kernels;
}
#endif

const Kernels* kernels_of(Set set) {
  switch (set) {
#ifdef POSEHEIR_X86
    case Set::avx2:
      return &avx2::kernels;
    case Set::avx512:
      return &avx512::kernels;
#else
    case Set::avx2:
    case Set::avx512:
      return nullptr;
#endif
    case Set::baseline:
      break;
  }
  return &baseline::kernels;
}

bool has(Set set) {
#ifdef POSEHEIR_X86
  const bool fma = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (set == Set::avx2) return fma;
  if (set == Set::avx512)
    return fma && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#endif
  return set == Set::baseline;
}

const Kernels& kernels() {
  static const Set best = has(Set::avx512) ? Set::avx512
                          : has(Set::avx2) ? Set::avx2
                                           : Set::baseline;
  return *kernels_of(best);
}

}  // namespace poseheir::pixels
