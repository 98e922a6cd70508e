// What the benchmarks of the engine share: a network, its images, its training step, and the clock.
#pragma once

#include <algorithm>
#include <ctime>
#include <string>
#include <vector>

#include "poseheir/engine.h"

namespace poseheir::bench {

// With one thread, processor time: what else the machine does then counts for nothing.
extern bool one_thread;

double seconds_of(clockid_t clock);
double now();

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

struct Job {
  std::string network;
  int count, height, width;
};

Network network_of(const std::string& type);
std::vector<std::uint8_t> noise(const Job& job);

// Floating-point operations of one forward pass, two a multiplication; convolutions only. A
// transposed convolution counts its kernel for every input cell, as it is defined.
double layer_flops(const Network& network, const std::vector<MapSize>& sizes, std::size_t layer);
double forward_flops(const Network& network, MapSize image, int count);

// A trainer with one batch and gradients of the right shapes; a step changes the weights hardly.
class TrainingJob {
 public:
  TrainingJob(const Job& job, const EngineOptions& options);
  void forward() { trainer.forward(batch_); }
  void backward() { trainer.backward(gradients_); }
  void update() { trainer.step(1e-6F); }
  void step() {
    forward();
    backward();
    update();
  }

  const Network network;
  Trainer trainer;

 private:
  std::vector<std::uint8_t> pixels_;
  ImageBatch batch_;
  FeatureMaps gradients_;
};

// What the library makes of this machine: a plain large convolution, operations a second.
double measure_limit(const EngineOptions& options);

// Time per kind of operation of training steps, and per shape of layer where asked, beside what
// arithmetic and memory allow.
void profile(const Job& job, const EngineOptions& options, double limit, bool by_layer);

}  // namespace poseheir::bench
