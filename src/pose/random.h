// Random numbers that depend on nothing but their key: the same batch for the same seed and
// iteration, whatever thread draws it and whatever was drawn before.
#pragma once

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <numbers>
#include <span>

namespace poseheir {

class Random {
 public:
  explicit Random(std::initializer_list<std::uint64_t> key) {
    for (const auto part : key) key_ = mixed(key_ + kGolden + part);
  }

  std::uint64_t bits() { return mixed(key_ + kGolden * ++counter_); }
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }  // in [0, 1)
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  bool chance(double probability) { return uniform() < probability; }
  // One of 0 … count - 1; count well below 2^53.
  int below(int count) { return static_cast<int>(uniform() * count); }
  int between(int low, int high) { return low + below(high - low + 1); }  // both included
  double normal(double deviation) {
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return deviation * radius * std::cos(2 * std::numbers::pi * uniform());
  }

  // The next `count` numbers, to be made elsewhere: number first of the key's stream and so on.
  struct Stream {
    std::uint64_t key, first;
  };
  Stream take(std::uint64_t count) {
    counter_ += count;
    return {key_, counter_ - count + 1};
  }

 private:
  static constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15U;  // 2^64 / golden ratio

  // SplitMix64's finaliser: every bit of the input changes half of the output's.
  static std::uint64_t mixed(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
    return x ^ (x >> 31);
  }

  std::uint64_t key_ = 0, counter_ = 0;
};

}  // namespace poseheir
