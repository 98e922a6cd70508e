// The engine torch: its module's entry, devices, prediction.
#include <charconv>
#include <fmt/format.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include "engine/engines.h"
#include "engine/torch/guard.h"
#include "engine/torch/network.h"
#include "engine/torch/trainer.h"
#include "poseheir/error.h"

namespace poseheir::libtorch {
namespace {

class TorchPredictor final : public PredictorEngine {
 public:
  TorchPredictor(const Network& network, const Parameters& parameters, at::Device device,
                 const EngineOptions& options)
      : network_(network),
        parameters_(parameters),
        device_(device),
        options_(options),
        computed_(network, parameters, device, options.precision, Use::prediction) {}

  FeatureMaps run(const ImageBatch& images) override {
    return guarded(options_, [&] { return maps_of(network_, computed_, images); });
  }

  FeatureMap run_to_layer(const ImageBatch& images, int layer) override {
    return guarded(options_, [&] {
      auto part = network_;
      part.layers.resize(static_cast<std::size_t>(layer) + 1);
      part.outputs = {{"layer", layer}};
      TorchNetwork computed(part, parameters_, device_, options_.precision, Use::prediction);
      return maps_of(part, computed, images).at("layer");
    });
  }

 private:
  static FeatureMaps maps_of(const Network& network, TorchNetwork& computed,
                             const ImageBatch& images) {
    const c10::InferenceMode inference;
    const auto outputs = computed.forward(images);
    FeatureMaps maps;
    for (std::size_t i = 0; i < outputs.size(); ++i)
      copy_map(outputs[i], maps[network.outputs[i].name]);
    return maps;
  }

  const Network& network_;
  const Parameters parameters_;
  const at::Device device_;
  const EngineOptions options_;
  TorchNetwork computed_;
};

std::string about_text() {
  const auto gpus = torch::cuda::is_available() ? torch::cuda::device_count() : 0;
  return fmt::format("libtorch {}, {}", TORCH_VERSION,
                     gpus == 0   ? std::string("no GPU that it can use")
                     : gpus == 1 ? std::string("1 GPU")
                                 : fmt::format("{} GPUs", gpus));
}

// "cuda:N"; none for other words.
std::optional<int> gpu_index(const std::string& device) {
  constexpr std::string_view kPrefix = "cuda:";
  if (!device.starts_with(kPrefix)) return {};
  int index = 0;
  const auto* end = device.data() + device.size();
  const auto parsed = std::from_chars(device.data() + kPrefix.size(), end, index);
  if (parsed.ec != std::errc() || parsed.ptr != end || index < 0) return {};
  return index;
}

at::Device choose(const std::string& device) {
  if (device == "cpu") return {at::kCPU};
  const int gpus = torch::cuda::is_available() ? static_cast<int>(torch::cuda::device_count()) : 0;
  if (device == "auto") return gpus > 0 ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
  const auto index = device == "cuda" ? 0 : gpu_index(device);
  if (!index)
    throw Error(ErrorKind::usage,
                fmt::format("--device {}: expected auto, cpu, cuda or cuda:N", device));
  if (gpus == 0)
    throw Error(ErrorKind::unsupported,
                fmt::format("--device {}: libtorch {} finds no GPU: it was built without CUDA, or "
                            "the driver or the device is missing (nvidia-smi tells); --device cpu "
                            "does without",
                            device, TORCH_VERSION));
  if (*index >= gpus)
    throw Error(ErrorKind::usage, fmt::format("--device {}: there {} {}, counted from 0", device,
                                              gpus == 1 ? "is" : "are", gpus));
  return {at::kCUDA, static_cast<at::DeviceIndex>(*index)};
}

class TorchEngine final : public Engine {
 public:
  // The numbers count here, not the last tenth of speed: no TF32, and the same each time.
  TorchEngine() {
    auto& context = at::globalContext();
    context.setAllowTF32CuDNN(false);
    context.setAllowTF32CuBLAS(false);
    context.setBenchmarkCuDNN(false);
    context.setDeterministicCuDNN(true);
  }

  std::string about() const override { return about_text(); }

  std::string device_of(const EngineOptions& options) const override {
    return choose(options.device).is_cuda() ? "cuda" : "cpu";
  }

  std::unique_ptr<PredictorEngine> predictor(const Network& network, const Parameters& parameters,
                                             const EngineOptions& options) override {
    return guarded(options, [&] {
      return std::make_unique<TorchPredictor>(network, parameters, choose(options.device), options);
    });
  }

  std::unique_ptr<TrainerEngine> trainer(const Network& network, Parameters parameters,
                                         const OptimizerOptions& optimizer,
                                         const EngineOptions& options) override {
    return guarded(options, [&] {
      return make_trainer(network, std::move(parameters), optimizer, choose(options.device),
                          options);
    });
  }
};

}  // namespace
}  // namespace poseheir::libtorch

extern "C" poseheir::Engine* poseheir_torch_engine() {
  static poseheir::libtorch::TorchEngine engine;
  return &engine;
}
