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

void add(Cost& sum, const Cost& cost) {
  sum.forward += cost.forward;
  sum.backward += cost.backward;
  sum.flops += cost.flops;
  sum.elements += cost.elements;
  sum.operations += cost.operations;
}

// Heads on one value are one operation, which bears the name of the first.
std::vector<std::size_t> layers_of(const std::vector<Layer>& layers, const OperationTime& time,
                                   std::size_t first) {
  if (time.kind != "heads") return {first};
  std::vector<std::size_t> heads;
  for (std::size_t i = 0; i < layers.size(); ++i)
    if (layers[i].kind == LayerKind::transposed_convolution &&
        layers[i].inputs == layers[first].inputs)
      heads.push_back(i);
  return heads;
}

// What a training step spends besides its operations.
struct Between {
  double packing = 0, update = 0;
};

void print(const std::string& title, const std::map<std::string, Cost>& costs, double limit,
           double bandwidth, double width) {
  std::size_t longest = title.size();
  for (const auto& [name, cost] : costs) longest = std::max(longest, name.size());
  const int column = static_cast<int>(longest);
  std::printf("%-*s %5s %10s %10s %8s %8s %12s %12s %10s %7s\n", column, title.c_str(), "ops",
              "forward ms", "backw. ms", "GFLOP", "MB", "arithmetic", "memory", "roofline",
              "FLOP/B");
  for (const auto& [name, cost] : costs) {
    const double spent = cost.forward + cost.backward;
    // Forward each operand once; backward each and its gradient once.
    const double flops = 3 * cost.flops, bytes = 3 * cost.elements * width;
    const double arithmetic = flops / limit, memory = bytes / bandwidth;
    std::printf("%-*s %5d %10.2f %10.2f %8.2f %8.1f %9.2f ms %9.2f ms %8.0f %% %7.1f\n", column,
                name.c_str(), cost.operations, 1e3 * cost.forward, 1e3 * cost.backward, flops / 1e9,
                bytes / 1e6, 1e3 * arithmetic, 1e3 * memory,
                100 * std::max(arithmetic, memory) / spent, flops / bytes);
  }
}

}  // namespace

void profile(const Job& job, const EngineOptions& options, double limit, bool by_layer) {
  TrainingJob training(job, options);
  const auto& layers = training.network.layers;
  const auto sizes = map_sizes(training.network, {job.height, job.width});
  std::map<std::string, std::size_t> layer_of;
  for (std::size_t i = 0; i < layers.size(); ++i) layer_of[layers[i].name] = i;
  const auto channels_of = [&](std::size_t i) {
    return layers[i].kind == LayerKind::image ? 3 : layers[i].channels;
  };
  const auto elements = [&](std::size_t i) {
    return double(sizes[i].height) * sizes[i].width * channels_of(i) * job.count;
  };
  // The least of several steps: what else the machine does then counts for little.
  std::vector<OperationTime> least;
  double step_seconds = 0;
  Between between;
  for (int step = -1; step < 10; ++step) {
    const double start = now();
    training.forward();
    const double forward = now() - start;
    training.backward();
    const double before_update = now();
    training.update();
    const double end = now();
    const auto times = training.trainer.times();
    double operations = 0;
    for (const auto& time : times) operations += time.forward;
    const Between here = {forward - operations, end - before_update};
    if (step <= 0) {
      step_seconds = end - start;
      between = here;
      least = times;
    }
    step_seconds = std::min(step_seconds, end - start);
    between = {std::min(between.packing, here.packing), std::min(between.update, here.update)};
    for (std::size_t i = 0; i < times.size(); ++i) {
      least[i].forward = std::min(least[i].forward, times[i].forward);
      least[i].backward = std::min(least[i].backward, times[i].backward);
    }
  }
  std::map<std::string, Cost> kinds, shapes;
  for (const auto& time : least) {
    const auto layer = layer_of.at(time.layer);
    auto kind = time.kind;
    if (kind == "convolution") kind = fmt::format("convolution {0}x{0}", layers[layer].kernel);
    Cost cost{time.forward, time.backward, 0, 0, 1};
    int channels = 0;
    for (const auto computed : layers_of(layers, time, layer)) {
      channels += channels_of(computed);
      cost.flops += layer_flops(training.network, sizes, computed) * job.count;
      cost.elements += elements(computed);
    }
    for (const int input : layers[layer].inputs)
      cost.elements += elements(static_cast<std::size_t>(input));
    add(kinds[kind], cost);
    if (layers[layer].inputs.empty()) continue;
    const auto input = static_cast<std::size_t>(layers[layer].inputs[0]);
    add(shapes[fmt::format("{} {:4} to {:4}, {:3}x{:3} to {:3}x{:3}", kind, channels_of(input),
                           channels, sizes[input].width, sizes[input].height, sizes[layer].width,
                           sizes[layer].height)],
        cost);
  }
  const double bandwidth = memory_bandwidth(options.threads == 1 ? 1 : 2);
  const double width = options.precision == Precision::bf16 ? 2 : 4;
  const double speed =
      3 * forward_flops(training.network, {job.height, job.width}, job.count) / step_seconds;
  std::printf("%s %dx%dx%d: %.1f ms a step, %.1f %% of %.0f GFLOP/s; memory copies at %.0f GB/s\n",
              job.network.c_str(), job.width, job.height, job.count, 1e3 * step_seconds,
              100 * speed / limit, limit / 1e9, bandwidth / 1e9);
  double least_seconds = 0;  // each layer at the larger of its limits; norms are no passes
  for (const auto& [name, cost] : shapes)
    if (!name.starts_with("batch norm"))
      least_seconds += 3 * std::max(cost.flops / limit, cost.elements * width / bandwidth);
  std::printf("its layers at their limits: %.1f ms, %.0f %% of the step\n", 1e3 * least_seconds,
              100 * least_seconds / step_seconds);
  print("kind", kinds, limit, bandwidth, width);
  // One thread's step is counted in processor time, its operations by the clock.
  if (!one_thread)
    std::printf("packing %.2f ms, update %.2f ms\n", 1e3 * between.packing, 1e3 * between.update);
  if (by_layer) print("layers of one shape", shapes, limit, bandwidth, width);
}

}  // namespace poseheir::bench
