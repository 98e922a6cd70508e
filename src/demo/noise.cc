#include "demo/random.h"

namespace poseheir {
namespace {

float lattice(int x, int y, std::uint32_t seed) {
  auto hash = static_cast<std::uint32_t>(x) * 0x8DA6B343U ^
              static_cast<std::uint32_t>(y) * 0xD8163841U ^ seed * 0xCB1AB31FU;
  hash = (hash ^ (hash >> 16U)) * 0x7FEB352DU;
  hash = (hash ^ (hash >> 15U)) * 0x846CA68BU;
  return static_cast<float>((hash ^ (hash >> 16U)) >> 8U) / 16777216.0F;
}

}  // namespace

float noise(float x, float y, std::uint32_t seed) {
  const float column = std::floor(x), row = std::floor(y);
  const int i = static_cast<int>(column), j = static_cast<int>(row);
  const auto fade = [](float t) { return t * t * (3.0F - 2.0F * t); };
  const float u = fade(x - column), v = fade(y - row);
  const float top = lattice(i, j, seed) * (1 - u) + lattice(i + 1, j, seed) * u;
  const float bottom = lattice(i, j + 1, seed) * (1 - u) + lattice(i + 1, j + 1, seed) * u;
  return top * (1 - v) + bottom * v;
}

float cloud_noise(float x, float y, int octaves, std::uint32_t seed) {
  float sum = 0, weight = 0.5F, total = 0;
  for (int octave = 0; octave < octaves; ++octave) {
    sum += weight * noise(x, y, seed + static_cast<std::uint32_t>(octave) * 101U);
    total += weight;
    weight *= 0.5F;
    x = x * 2.03F + 17.1F;
    y = y * 2.03F - 9.7F;
  }
  return sum / total;
}

}  // namespace poseheir
