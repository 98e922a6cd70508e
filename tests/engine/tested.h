// The engine that is under test: the same tests are run with each that there is.
#pragma once

#include <cstdlib>
#include <string_view>

#include "poseheir/engine.h"

namespace poseheir {

inline bool tests_torch() {
  const char* name = std::getenv("POSEHEIR_TEST_ENGINE");
  return name != nullptr && std::string_view(name) == "torch";
}

inline EngineOptions tested(EngineOptions options = {}) {
  if (tests_torch()) options.engine = EngineKind::torch;
  return options;
}

}  // namespace poseheir
