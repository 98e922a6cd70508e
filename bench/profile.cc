// Where a training step's time goes.
#include <cstdio>
#include <fmt/format.h>
#include <map>
#include <thread>

#include "job.h"

namespace poseheir::bench {
namespace {

// Bytes a second that a copy reads and writes, from memory that no cache holds.
double memory_bandwidth(int threads) {
  constexpr std::size_t kFloats = 48 << 20;
  std::vector<float> from(kFloats, 1.0F), to(kFloats, 0.0F);
  const double seconds = median_seconds(5, [&] {
    std::vector<std::thread> workers;
    for (int t = 0; t < threads; ++t)
      workers.emplace_back([&, t] {
        const auto each = kFloats / static_cast<std::size_t>(threads);
        const auto first = each * static_cast<std::size_t>(t);
        for (std::size_t i = first; i < first + each; ++i) to[i] = from[i] * 0.5F;
      });
    for (auto& worker : workers) worker.join();
  });
  return 2 * 4.0 * kFloats / seconds;
}

struct Cost {
  double forward = 0, backward = 0, flops = 0, elements = 0;
  int operations = 0;
};

}  // namespace

void profile(const Job& job, const EngineOptions& options, double limit) {
  TrainingJob training(job, options);
  const auto& layers = training.network.layers;
  const auto sizes = map_sizes(training.network, {job.height, job.width});
  std::map<std::string, std::size_t> layer_of;
  for (std::size_t i = 0; i < layers.size(); ++i) layer_of[layers[i].name] = i;
  const auto elements = [&](std::size_t i) {
    const int channels = layers[i].kind == LayerKind::image ? 3 : layers[i].channels;
    return double(sizes[i].height) * sizes[i].width * channels * job.count;
  };
  // The least of several steps: what else the machine does then counts for little.
  std::vector<OperationTime> least;
  double step_seconds = 0;
  for (int step = -1; step < 10; ++step) {
    const double start = now();
    training.step();
    const double seconds = now() - start;
    const auto times = training.trainer.times();
    step_seconds = step <= 0 ? seconds : std::min(step_seconds, seconds);
    if (step <= 0) least = times;
    for (std::size_t i = 0; i < times.size(); ++i) {
      least[i].forward = std::min(least[i].forward, times[i].forward);
      least[i].backward = std::min(least[i].backward, times[i].backward);
    }
  }
  std::map<std::string, Cost> costs;
  for (const auto& time : least) {
    const auto layer = layer_of.at(time.layer);
    auto kind = time.kind;
    if (kind == "convolution") kind = fmt::format("convolution {0}x{0}", layers[layer].kernel);
    auto& cost = costs[kind];
    ++cost.operations;
    cost.forward += time.forward;
    cost.backward += time.backward;
    cost.flops += layer_flops(training.network, sizes, layer) * job.count;
    cost.elements += elements(layer);
    for (const int input : layers[layer].inputs)
      cost.elements += elements(static_cast<std::size_t>(input));
  }
  const double bandwidth = memory_bandwidth(options.threads == 1 ? 1 : 2);
  const double width = options.precision == Precision::bf16 ? 2 : 4;
  std::printf("%s %dx%dx%d: %.1f ms a step; memory copies at %.0f GB/s\n", job.network.c_str(),
              job.width, job.height, job.count, 1e3 * step_seconds, bandwidth / 1e9);
  std::printf("%-16s %5s %10s %10s %8s %8s %12s %12s %10s\n", "kind", "ops", "forward ms",
              "backw. ms", "GFLOP", "MB", "arithmetic", "memory", "roofline");
  double rest = step_seconds;
  for (const auto& [kind, cost] : costs) {
    const double spent = cost.forward + cost.backward;
    // Forward each operand once; backward each and its gradient once.
    const double arithmetic = 3 * cost.flops / limit;
    const double memory = 3 * cost.elements * width / bandwidth;
    rest -= spent;
    std::printf("%-16s %5d %10.2f %10.2f %8.2f %8.1f %9.2f ms %9.2f ms %8.0f %%\n", kind.c_str(),
                cost.operations, 1e3 * cost.forward, 1e3 * cost.backward, 3 * cost.flops / 1e9,
                3 * cost.elements * width / 1e6, 1e3 * arithmetic, 1e3 * memory,
                100 * std::max(arithmetic, memory) / spent);
  }
  // One thread's step is counted in processor time, its operations by the clock.
  if (!one_thread) std::printf("%-16s %5s %10.2f\n", "update, packing", "", 1e3 * rest);
}

}  // namespace poseheir::bench
