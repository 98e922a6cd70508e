#include "poseheir/machine.h"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <omp.h>
#include <thread>

#include "engine/engines.h"
#include "engine/onednn/about.h"
#include "engine/threads.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

// The rest of the first line "key : value" of a file of the kernel's; empty where there is none.
std::string value_in(const char* path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    const auto begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return "";
}

std::uint64_t kilobytes_in(const char* path, const std::string& key) {
  return 1024 * std::strtoull(value_in(path, key).c_str(), nullptr, 10);
}

// The kernel's words for what the engine and oneDNN have code for.
std::vector<std::string> instruction_sets() {
  const auto flags = fmt::format(" {} ", value_in("/proc/cpuinfo", "flags"));
  std::vector<std::string> found;
  for (const std::string set : {"sse4_1", "avx", "avx2", "fma", "avx512f", "avx512bw",
                                "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8"})
    if (flags.find(fmt::format(" {} ", set)) != std::string::npos) found.push_back(set);
  return found;
}

std::uint64_t memory_limit() {
  std::uint64_t least = 0;
  for (const auto& folder : control_groups()) {
    std::ifstream file(folder + "/memory.max");
    std::uint64_t limit = 0;  // the word "max" leaves it 0
    if (file >> limit && (least == 0 || limit < least)) least = limit;
  }
  return least;
}

// A module whose libraries are gone is no reason not to describe the machine.
std::string about_torch() try {
  const auto* engine = torch_engine();
  return engine == nullptr ? "" : engine->about();
} catch (const Error& error) {
  return error.what();
}

}  // namespace

Machine describe_machine() {
  Machine machine;
  machine.processor = value_in("/proc/cpuinfo", "model name");
  machine.instruction_sets = instruction_sets();
  machine.used = onednn::instruction_text();
  machine.bf16 = std::any_of(machine.instruction_sets.begin(), machine.instruction_sets.end(),
                             [](const auto& set) { return set.ends_with("bf16"); });
  machine.processors = static_cast<int>(std::thread::hardware_concurrency());
  machine.allowed = omp_get_num_procs();
  machine.cpu_limit = cpu_limit();
  machine.threads = available_threads();
  machine.memory = kilobytes_in("/proc/meminfo", "MemTotal");
  machine.available = kilobytes_in("/proc/meminfo", "MemAvailable");
  machine.memory_limit = memory_limit();
  machine.engine = onednn_engine().about();
  machine.torch = about_torch();
  return machine;
}

}  // namespace poseheir
