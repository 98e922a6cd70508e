// What the machine at hand can do, and how much of it this process may use.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace poseheir {

struct Machine {
  std::string processor;                      // "Intel(R) Xeon(R) …"
  std::vector<std::string> instruction_sets;  // those that the engine has code for
  std::string used;                           // the one that it uses: "AVX-512", "AVX2", "baseline"
  bool bf16 = false;                          // multiplies bfloat16 in hardware

  int processors = 0;    // of the machine
  int allowed = 0;       // in this process' affinity
  double cpu_limit = 0;  // processors' worth of time that its control groups allow; 0: no limit
  int threads = 0;       // what the engine takes unless told otherwise

  std::uint64_t memory = 0, available = 0;  // bytes of the machine
  std::uint64_t memory_limit = 0;           // of its control groups; 0: no limit

  std::string engine;  // "oneDNN 2.6.3"
  std::string torch;   // "libtorch 1.13.1, no GPU that it can use"; empty: not built with it
};

Machine describe_machine();

}  // namespace poseheir
