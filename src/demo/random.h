// Random numbers that are the same on every machine and standard library, and noise made of them.
#pragma once

#include <cmath>
#include <cstdint>

namespace poseheir {

inline std::uint64_t mix_bits(std::uint64_t value) {  // splitmix64's finaliser
  value += 0x9E3779B97F4A7C15ULL;
  value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  value = (value ^ (value >> 27U)) * 0x94D049BB133111EBULL;
  return value ^ (value >> 31U);
}

class Dice {
 public:
  explicit Dice(std::uint64_t seed, std::uint64_t stream = 0)
      : state_(mix_bits(seed * 0x2545F4914F6CDD1DULL + mix_bits(stream))) {}

  float uniform(float low, float high) {
    state_ += 0x9E3779B97F4A7C15ULL;
    const auto bits = static_cast<float>(mix_bits(state_) >> 40U);
    return low + (high - low) * bits / 16777216.0F;
  }
  int below(int count) {
    return static_cast<int>(uniform(0.0F, 1.0F) * static_cast<float>(count)) % count;
  }
  bool chance(float probability) { return uniform(0.0F, 1.0F) < probability; }
  // A proportion around `value`, at most `spread` (0.1: ten per cent) off.
  float about(float value, float spread) {
    return value * (1.0F + spread * (uniform(-1.0F, 1.0F) + uniform(-1.0F, 1.0F)) * 0.5F);
  }

 private:
  std::uint64_t state_;
};

// Smooth noise in [0, 1] with one feature a unit, and a sum of octaves of it.
float noise(float x, float y, std::uint32_t seed);
float cloud_noise(float x, float y, int octaves, std::uint32_t seed);

}  // namespace poseheir
