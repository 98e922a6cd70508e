// What oneDNN says of itself and of the processor.
#pragma once

#include <string>

namespace poseheir::onednn {

std::string version_text();      // "oneDNN 2.6.3"
std::string instruction_text();  // what the engine uses: "AVX-512", "AVX2", "baseline"

}  // namespace poseheir::onednn
