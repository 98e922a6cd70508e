#include "engine/onednn/about.h"

#include <fmt/format.h>

#include "engine/onednn/context.h"

namespace poseheir::onednn {

std::string version_text() {
  const auto* version = dnnl::version();
  return fmt::format("oneDNN {}.{}.{}", version->major, version->minor, version->patch);
}

std::string instruction_text() {
  switch (effective_isa()) {
    case kernels::Isa::avx512_bf16:
    case kernels::Isa::avx512:
      return "AVX-512";
    case kernels::Isa::avx2:
      return "AVX2";
    case kernels::Isa::baseline:
      break;
  }
  return "baseline";
}

}  // namespace poseheir::onednn
