// Checks against the real DeepLabCut: run where POSEHEIR_ORACLE names a Python that has it.
#pragma once

#include <cstdlib>
#include <gtest/gtest.h>
#include <string>

namespace poseheir {

#define NEEDS_ORACLE()                           \
  if (std::getenv("POSEHEIR_ORACLE") == nullptr) \
  GTEST_SKIP() << "set POSEHEIR_ORACLE to a Python with deeplabcut[tf]==3.0.2 to run this check"

// Runs a script of tests/ with that Python; its exit code.
inline int run_oracle(const std::string& script, const std::string& arguments) {
  const std::string command = std::string(std::getenv("POSEHEIR_ORACLE")) + " " +
                              POSEHEIR_TEST_DATA "/../" + script + " " + arguments;
  return std::system(command.c_str());
}

}  // namespace poseheir
