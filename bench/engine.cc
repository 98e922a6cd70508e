// Inference and training steps of the engine, beside what the machine can do: a plain large
// convolution by the same library in the same run. Medians; MAC counts from the network itself.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <string>

#include "job.h"
#include "poseheir/error.h"

namespace poseheir::bench {
namespace {

double resident_megabytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::stod(line.substr(6)) / 1024;
  return 0;
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
  TrainingJob training(job, options);
  double parts[3] = {};
  const double seconds = median_seconds(5, [&] {
    const double a = now();
    training.forward();
    const double b = now();
    training.backward();
    const double c = now();
    training.update();
    const double d = now();
    parts[0] = b - a;
    parts[1] = c - b;
    parts[2] = d - c;
  });
  const double speed =
      3 * forward_flops(training.network, {job.height, job.width}, job.count) / seconds;
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
  TrainingJob training(job, options);
  std::size_t values = 0;
  for (const auto& variable : training.network.variables)
    if (variable.trainable) values += element_count(variable.info.shape);
  training.step();
  std::printf("ready: %zu trained values\n", values);
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    const double clock = seconds_of(CLOCK_MONOTONIC), work = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    training.step();
    std::printf("%.4f %.4f\n", seconds_of(CLOCK_MONOTONIC) - clock,
                seconds_of(CLOCK_PROCESS_CPUTIME_ID) - work);
    std::fflush(stdout);
  }
}

void run(const EngineOptions& options, bool quick) {
  const double limit = measure_limit({options.threads, options.precision});
  std::printf("%s on %s: a plain large convolution of oneDNN makes %.0f GFLOP/s here\n",
              options.precision == Precision::bf16 ? "bf16" : "fp32", engine_text(options).c_str(),
              limit / 1e9);
  infer({"resnet_50", 1, 384, 512}, options, limit);
  infer({"mobilenet_v2_0.35", 1, 384, 512}, options, limit);
  infer({"mobilenet_v2_0.35", 8, 384, 512}, options, limit);
  train({"mobilenet_v2_0.35", 1, 384, 512}, options, limit);
  infer({"efficientnet-b0", 1, 384, 512}, options, limit);
  train({"efficientnet-b0", 1, 384, 512}, options, limit);
  if (quick) return;
  infer({"efficientnet-b3", 1, 384, 512}, options, limit);
  train({"efficientnet-b3", 1, 384, 512}, options, limit);
  train({"efficientnet-b0", 8, 400, 400}, options, limit);
  train({"mobilenet_v2_0.35", 8, 384, 512}, options, limit);
  train({"mobilenet_v2_1.0", 1, 384, 512}, options, limit);
  train({"resnet_50", 1, 384, 512}, options, limit);
  infer({"dlcrnet_ms5", 1, 384, 512}, options, limit);
  train({"dlcrnet_ms5", 1, 384, 512}, options, limit);
  train({"resnet_50", 8, 400, 400}, options, limit);
}

}  // namespace
}  // namespace poseheir::bench

// engine_bench [--quick | --steps | --profile NETWORK [--batch N] [--layers]] [--bf16] [--torch]
// [--one-thread]; DNNL_MAX_CPU_ISA=AVX2 imitates machines without AVX-512.
int main(int argc, char** argv) try {
  bool quick = false, steps = false, layers = false;
  poseheir::EngineOptions options;
  poseheir::bench::Job profiled{"", 1, 384, 512};
  for (int i = 1; i < argc; ++i) {
    quick |= std::strcmp(argv[i], "--quick") == 0;
    steps |= std::strcmp(argv[i], "--steps") == 0;
    layers |= std::strcmp(argv[i], "--layers") == 0;
    if (std::strcmp(argv[i], "--bf16") == 0) options.precision = poseheir::Precision::bf16;
    if (std::strcmp(argv[i], "--torch") == 0) options.engine = poseheir::EngineKind::torch;
    if (std::strcmp(argv[i], "--profile") == 0 && i + 1 < argc) profiled.network = argv[i + 1];
    if (std::strcmp(argv[i], "--batch") == 0 && i + 1 < argc)
      profiled.count = std::atoi(argv[i + 1]);
    poseheir::bench::one_thread |= std::strcmp(argv[i], "--one-thread") == 0;
  }
  options.threads = poseheir::bench::one_thread ? 1 : 0;
  if (steps)
    poseheir::bench::steps_on_request({"resnet_50", 8, 400, 400}, options);
  else if (!profiled.network.empty())
    profile(profiled, options, poseheir::bench::measure_limit(options), layers);
  else
    poseheir::bench::run(options, quick);
  return 0;
} catch (const poseheir::Error& error) {
  std::fprintf(stderr, "engine_bench: %s\n", error.what());
  return 1;
}
