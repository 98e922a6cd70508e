// Which engine computes. libtorch's lies in a module that is opened only when it is asked for.
#include "engine/engines.h"

#include <dlfcn.h>
#include <filesystem>
#include <fmt/format.h>

#include "poseheir/error.h"

namespace poseheir {
namespace {

// Beside the module or program that holds this function.
std::filesystem::path torch_module() {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(&torch_module), &info) == 0) return {};
  auto path = std::filesystem::canonical(info.dli_fname).parent_path() / "libposeheir_torch.so";
  return std::filesystem::exists(path) ? path : std::filesystem::path();
}

Engine* open_torch() {
  const auto path = torch_module();
  if (path.empty()) return nullptr;
  void* module = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr)
    throw Error(ErrorKind::io, fmt::format("{}: {}", path.string(), ::dlerror()));
  auto* engine = reinterpret_cast<Engine* (*)()>(::dlsym(module, "poseheir_torch_engine"));
  if (engine == nullptr)
    throw Error(ErrorKind::corrupt, path.string() + ": not a module of this program");
  return engine();
}

}  // namespace

Engine* torch_engine() {
  static Engine* const engine = open_torch();
  return engine;
}

Engine& engine_of(const EngineOptions& options) {
  if (options.engine == EngineKind::onednn) return onednn_engine();
  if (auto* engine = torch_engine(); engine != nullptr) return *engine;
  throw Error(ErrorKind::unsupported,
              "--engine torch: this Poseheir was built without libtorch; build it with "
              "-DPOSEHEIR_TORCH=ON (docs/gpu.md), or take --engine onednn");
}

EngineOptions with_threads(EngineOptions options) {
  options.threads = thread_count(options);
  return options;
}

std::string engine_text(const EngineOptions& options) {
  const auto device = engine_of(options).device_of(options);
  return options.engine == EngineKind::onednn ? "onednn" : "torch on " + device;
}

}  // namespace poseheir
