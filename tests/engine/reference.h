// The networks of reference/networks with their weights, and comparison by their tolerances.
#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>

#include "poseheir/engine.h"
#include "poseheir/reference.h"
#include "shared.h"

namespace poseheir {

inline constexpr const char* kImagenetMobilenet = "mobilenet_v2_0.35_imagenet";

inline Network reference_network(const std::string& name) {
  return build_network(reference_spec(name == kImagenetMobilenet ? "mobilenet_v2_0.35" : name));
}

// Generated weights; for the ImageNet MobileNet a real backbone.
inline Parameters reference_parameters(const std::string& name, const Network& network) {
  Parameters parameters;
  for (int i = 0; i < static_cast<int>(network.variables.size()); ++i)
    parameters.push_back(generated_values(network, i));
  if (name != kImagenetMobilenet) return parameters;
  const auto start = read_checkpoint(
      shared_folder() / "data/weights/mobilenet_v2_0.35_224/mobilenet_v2_0.35_imagenet.ckpt");
  for (std::size_t i = 0; i < parameters.size(); ++i)
    if (const auto& key = network.variables[i].imagenet_key; !key.empty())
      parameters[i] = read_floats(*start.find(key));
  return parameters;
}

inline ImageBatch image_batch(const Array<std::uint8_t>& images) {
  const auto dims = images.shape.size();
  return {dims == 4 ? int(images.shape[0]) : 1, int(images.shape[dims - 3]),
          int(images.shape[dims - 2]), images.values};
}

// Largest difference as a fraction of the largest expected value.
inline double difference(const std::vector<float>& actual, const std::vector<float>& expected) {
  double largest = 0, worst = 0;
  if (actual.size() != expected.size()) return INFINITY;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    largest = std::max(largest, std::abs(double(expected[i])));
    const double d = std::abs(double(actual[i]) - double(expected[i]));
    worst = std::isnan(d) ? INFINITY : std::max(worst, d);
  }
  return worst / largest;
}

}  // namespace poseheir
