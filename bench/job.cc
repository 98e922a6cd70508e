#include "job.h"

#include <fmt/format.h>

namespace poseheir::bench {

bool one_thread = false;

double seconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return double(time.tv_sec) + 1e-9 * double(time.tv_nsec);
}

double now() { return seconds_of(one_thread ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC); }

double layer_flops(const Network& network, const std::vector<MapSize>& sizes, std::size_t i) {
  const auto& layer = network.layers[i];
  if (layer.inputs.empty()) return 0;
  const auto& input = network.layers[layer.inputs[0]];
  const double in = input.kind == LayerKind::image ? 3 : input.channels;
  const double taps = double(layer.kernel) * layer.kernel;
  const auto cells = [&](std::size_t k) { return double(sizes[k].height) * sizes[k].width; };
  if (layer.kind == LayerKind::convolution) return 2 * cells(i) * layer.channels * in * taps;
  if (layer.kind == LayerKind::depthwise_convolution) return 2 * cells(i) * layer.channels * taps;
  if (layer.kind == LayerKind::transposed_convolution)
    return 2 * cells(layer.inputs[0]) * layer.channels * in * taps;
  return 0;
}

double forward_flops(const Network& network, MapSize image, int count) {
  const auto sizes = map_sizes(network, image);
  double total = 0;
  for (std::size_t i = 0; i < network.layers.size(); ++i) total += layer_flops(network, sizes, i);
  return total * count;
}

Network network_of(const std::string& type) {
  NetworkSpec spec;
  spec.net_type = type;
  spec.keypoints = 4;
  spec.location_refinement = true;
  // DeepLabCut's name of the multi-stage ResNet-50: its decoder at stride 4, six limbs.
  if (type == "dlcrnet_ms5") {
    spec.net_type = "resnet_50";
    spec.stride = 4;
    spec.multi_stage = spec.multi_animal = spec.paf_predict = true;
    spec.limbs = 6;
  }
  return build_network(spec);
}

std::vector<std::uint8_t> noise(const Job& job) {
  std::vector<std::uint8_t> pixels(std::size_t(job.count) * job.height * job.width * 3);
  std::uint32_t state = 1;
  for (auto& p : pixels)
    p = static_cast<std::uint8_t>((state = state * 1664525 + 1013904223) >> 24);
  return pixels;
}

TrainingJob::TrainingJob(const Job& job, const EngineOptions& options)
    : network(network_of(job.network)),
      trainer(network, initial_parameters(network, 1), {}, options),
      pixels_(noise(job)),
      batch_{job.count, job.height, job.width, pixels_},
      gradients_(trainer.forward(batch_)) {
  for (auto& [name, map] : gradients_)
    for (auto& v : map.values) v *= 1e-6F;
}

namespace {

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

}  // namespace

double measure_limit(const EngineOptions& options) {
  const auto network = plain_convolutions();
  Predictor predictor(network, initial_parameters(network, 1), options);
  const Job job{"", 1, 48, 64};
  const auto pixels = noise(job);
  const double seconds = median_seconds(9, [&] {
    predictor.run({1, job.height, job.width, pixels});
  });
  return forward_flops(network, {job.height, job.width}, 1) / seconds;
}

}  // namespace poseheir::bench
