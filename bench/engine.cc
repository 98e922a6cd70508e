// Inference and training steps of the engine, beside what the machine can do: a plain large
// convolution by the same library in the same run. Medians; MAC counts from the network itself.
#include "poseheir/engine.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "poseheir/error.h"

namespace poseheir {

// With one thread, processor time: what else the machine does then counts for nothing.
bool one_thread = false;

namespace {

double seconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return double(time.tv_sec) + 1e-9 * double(time.tv_nsec);
}

double now() { return seconds_of(one_thread ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC); }

template <class Body>
double median_seconds(int runs, const Body& body) {
  std::vector<double> times;
  body();
  for (int i = 0; i < runs; ++i) {
    const double start = now();
    body();
    times.push_back(now() - start);
  }
  std::nth_element(times.begin(), times.begin() + runs / 2, times.end());
  return times[runs / 2];
}

double resident_megabytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::stod(line.substr(6)) / 1024;
  return 0;
}

// Floating-point operations of one forward pass, two a multiplication; convolutions only. A
// transposed convolution counts its kernel for every input cell, as it is defined.
double forward_flops(const Network& network, MapSize image, int count) {
  const auto sizes = map_sizes(network, image);
  double total = 0;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const auto& layer = network.layers[i];
    if (layer.inputs.empty()) continue;
    const auto& input = network.layers[layer.inputs[0]];
    const double in = input.kind == LayerKind::image ? 3 : input.channels;
    const double taps = double(layer.kernel) * layer.kernel;
    const auto cells = [&](std::size_t k) { return double(sizes[k].height) * sizes[k].width; };
    if (layer.kind == LayerKind::convolution)
      total += 2 * cells(i) * layer.channels * in * taps;
    else if (layer.kind == LayerKind::depthwise_convolution)
      total += 2 * cells(i) * layer.channels * taps;
    else if (layer.kind == LayerKind::transposed_convolution)
      total += 2 * cells(layer.inputs[0]) * layer.channels * in * taps;
  }
  return total * count;
}

Network network_of(const std::string& type) {
  NetworkSpec spec;
  spec.net_type = type;
  spec.keypoints = 4;
  spec.location_refinement = true;
  return build_network(spec);
}

// One 3x3 convolution of 256 channels on 48 x 64 cells, twenty times over: what the library makes
// of this machine.
Network plain_convolutions() {
  Network network;
  network.spec.net_type = "plain convolutions";
  network.layers.push_back({});
  network.layers[0].channels = 3;
  const auto add = [&](int kernel, int in, int channels) {
    Variable variable;
    const auto name = fmt::format("w{}", 10 + network.variables.size());
    variable.info = {name, DType::f32, {kernel, kernel, in, channels}};
    variable.initializer = Initializer::he_truncated_normal;
    Layer layer;
    layer.kind = LayerKind::convolution;
    layer.name = name;
    layer.inputs = {static_cast<int>(network.layers.size()) - 1};
    layer.channels = channels;
    layer.kernel = kernel;
    layer.weights = static_cast<int>(network.variables.size());
    network.variables.push_back(variable);
    network.layers.push_back(layer);
  };
  add(1, 3, 256);
  for (int i = 0; i < 20; ++i) add(3, 256, 256);
  network.outputs = {{"out", static_cast<int>(network.layers.size()) - 1}};
  return network;
}

struct Job {
  std::string network;
  int count, height, width;
};

std::vector<std::uint8_t> noise(const Job& job) {
  std::vector<std::uint8_t> pixels(std::size_t(job.count) * job.height * job.width * 3);
  std::uint32_t state = 1;
  for (auto& p : pixels)
    p = static_cast<std::uint8_t>((state = state * 1664525 + 1013904223) >> 24);
  return pixels;
}

double measure_limit(Precision precision, int threads) {
  const auto network = plain_convolutions();
  Predictor predictor(network, initial_parameters(network, 1), {threads, precision});
  const Job job{"", 1, 48, 64};
  const auto pixels = noise(job);
  const double seconds = median_seconds(9, [&] {
    predictor.run({1, job.height, job.width, pixels});
  });
  return forward_flops(network, {job.height, job.width}, 1) / seconds;
}

void infer(const Job& job, const EngineOptions& options, double limit) {
  const auto network = network_of(job.network);
  Predictor predictor(network, initial_parameters(network, 1), options);
  const auto pixels = noise(job);
  const ImageBatch batch{job.count, job.height, job.width, pixels};
  const double seconds = median_seconds(9, [&] { predictor.run(batch); });
  const double speed = forward_flops(network, {job.height, job.width}, job.count) / seconds;
  std::printf("inference  %-18s %dx%dx%-2d %9.1f ms  %5.0f GFLOP/s  %3.0f %% of limit  %5.0f MB\n",
              job.network.c_str(), job.width, job.height, job.count, seconds * 1e3, speed / 1e9,
              100 * speed / limit, resident_megabytes());
  std::fflush(stdout);
}

void train(const Job& job, const EngineOptions& options, double limit) {
  const auto network = network_of(job.network);
  Trainer trainer(network, initial_parameters(network, 1), {}, options);
  const auto pixels = noise(job);
  const ImageBatch batch{job.count, job.height, job.width, pixels};
  auto gradients = trainer.forward(batch);
  for (auto& [name, map] : gradients)
    for (auto& v : map.values) v *= 1e-6F;
  double parts[3] = {};
  const double seconds = median_seconds(5, [&] {
    const double a = now();
    trainer.forward(batch);
    const double b = now();
    trainer.backward(gradients);
    const double c = now();
    trainer.step(1e-6F);
    const double d = now();
    parts[0] = b - a;
    parts[1] = c - b;
    parts[2] = d - c;
  });
  const double speed = 3 * forward_flops(network, {job.height, job.width}, job.count) / seconds;
  std::printf(
      "train step %-18s %dx%dx%-2d %9.1f ms  %5.0f GFLOP/s  %3.0f %% of limit  %5.0f MB  "
      "(last: forward %.0f, backward %.0f, step %.0f ms)\n",
      job.network.c_str(), job.width, job.height, job.count, seconds * 1e3, speed / 1e9,
      100 * speed / limit, resident_megabytes(), parts[0] * 1e3, parts[1] * 1e3, parts[2] * 1e3);
  std::fflush(stdout);
}

// One training step for each line on stdin, and its seconds by the clock and by the processor: for
// bench/torch.sh, which lets another program's step follow.
void steps_on_request(const Job& job, const EngineOptions& options) {
  const auto network = network_of(job.network);
  Trainer trainer(network, initial_parameters(network, 1), {}, options);
  const auto pixels = noise(job);
  const ImageBatch batch{job.count, job.height, job.width, pixels};
  auto gradients = trainer.forward(batch);
  for (auto& [name, map] : gradients)
    for (auto& v : map.values) v *= 1e-6F;
  std::size_t values = 0;
  for (const auto& variable : network.variables)
    if (variable.trainable) values += element_count(variable.info.shape);
  const auto step = [&] {
    trainer.forward(batch);
    trainer.backward(gradients);
    trainer.step(1e-6F);
  };
  step();
  std::printf("ready: %zu trained values\n", values);
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    const double clock = seconds_of(CLOCK_MONOTONIC), work = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    step();
    std::printf("%.4f %.4f\n", seconds_of(CLOCK_MONOTONIC) - clock,
                seconds_of(CLOCK_PROCESS_CPUTIME_ID) - work);
    std::fflush(stdout);
  }
}

void run(Precision precision, int threads, bool quick) {
  const EngineOptions options{threads, precision};
  const double limit = measure_limit(precision, threads);
  std::printf("%s: a plain large convolution makes %.0f GFLOP/s here\n",
              precision == Precision::bf16 ? "bf16" : "fp32", limit / 1e9);
  infer({"resnet_50", 1, 384, 512}, options, limit);
  infer({"mobilenet_v2_0.35", 1, 384, 512}, options, limit);
  infer({"mobilenet_v2_0.35", 8, 384, 512}, options, limit);
  train({"mobilenet_v2_0.35", 1, 384, 512}, options, limit);
  if (quick) return;
  train({"mobilenet_v2_0.35", 8, 384, 512}, options, limit);
  train({"mobilenet_v2_1.0", 1, 384, 512}, options, limit);
  train({"resnet_50", 1, 384, 512}, options, limit);
  train({"resnet_50", 8, 400, 400}, options, limit);
}

}  // namespace
}  // namespace poseheir

// engine_bench [--quick | --steps] [--bf16] [--one-thread]; DNNL_MAX_CPU_ISA=AVX2 imitates machines
// without AVX-512.
int main(int argc, char** argv) try {
  bool quick = false, steps = false, bf16 = false;
  for (int i = 1; i < argc; ++i) {
    quick |= std::strcmp(argv[i], "--quick") == 0;
    steps |= std::strcmp(argv[i], "--steps") == 0;
    bf16 |= std::strcmp(argv[i], "--bf16") == 0;
    poseheir::one_thread |= std::strcmp(argv[i], "--one-thread") == 0;
  }
  const auto precision = bf16 ? poseheir::Precision::bf16 : poseheir::Precision::fp32;
  const int threads = poseheir::one_thread ? 1 : 0;
  if (steps)
    poseheir::steps_on_request({"resnet_50", 8, 400, 400}, {threads, precision});
  else
    poseheir::run(precision, threads, quick);
  return 0;
} catch (const poseheir::Error& error) {
  std::fprintf(stderr, "engine_bench: %s\n", error.what());
  return 1;
}
