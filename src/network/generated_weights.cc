#include <cmath>

#include "poseheir/reference.h"

namespace poseheir {

std::uint64_t generated_hash(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

std::uint64_t generated_bits(std::uint64_t hash, std::uint64_t index) {
  std::uint64_t z = hash + index + 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

float generated_value(std::uint64_t hash, std::uint64_t index, GeneratedScale scale) {
  const auto top = static_cast<std::int32_t>(generated_bits(hash, index) >> 40);
  const float u = static_cast<float>(top) * 0x1p-23F - 1.0F;
  return scale.around_one ? scale.scale * (1.0F + 0.5F * u) : scale.scale * u;
}

std::vector<float> generated_values(const TensorInfo& info, GeneratedScale scale) {
  std::vector<float> values(element_count(info.shape));
  const auto hash = generated_hash(info.name);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = generated_value(hash, i, scale);
  return values;
}

namespace {

// Whether this gamma ends a residual branch: those are a quarter, so that sums stay near 1.
bool ends_a_residual(const Network& network, int variable) {
  const auto& name = network.variables[static_cast<std::size_t>(variable)].info.name;
  if (name.starts_with("resnet")) return name.ends_with("conv3/BatchNorm/gamma");
  if (!name.starts_with("efficientnet")) return false;
  for (const auto& layer : network.layers) {
    // inputs[1] is the shortcut, which may end in a gamma too.
    if (layer.kind == LayerKind::add &&
        network.layers[static_cast<std::size_t>(layer.inputs[0])].gamma == variable)
      return true;
  }
  return false;
}

}  // namespace

GeneratedScale generated_scale(const Network& network, int variable) {
  const auto& info = network.variables[static_cast<std::size_t>(variable)].info;
  const auto last = info.name.substr(info.name.rfind('/') + 1);
  if (last == "moving_variance") return {1.0F, true};
  if (last == "gamma") return {ends_a_residual(network, variable) ? 0.25F : 1.0F, true};
  if (info.shape.size() == 1) return {0.1F, false};
  const bool depthwise = last.starts_with("depthwise");
  bool transposed = false;
  for (const auto& layer : network.layers)
    transposed |= layer.weights == variable && layer.kind == LayerKind::transposed_convolution;
  const auto in = depthwise ? 1 : info.shape[transposed ? 3 : 2];
  const bool sees_the_image = info.name == "MobilenetV2/Conv/weights" ||
                              (info.name.starts_with("resnet_v1_") && info.shape[0] == 7);
  const double fan_in = static_cast<double>(info.shape[0] * info.shape[1] * in);
  return {static_cast<float>(std::sqrt(6.0 / fan_in) * (sees_the_image ? 0x1p-6 : 1.0)), false};
}

std::vector<float> generated_values(const Network& network, int variable) {
  return generated_values(network.variables[static_cast<std::size_t>(variable)].info,
                          generated_scale(network, variable));
}

}  // namespace poseheir
