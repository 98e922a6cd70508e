// Starting values: each depends on the seed, the variable's name and the index, and on nothing
// else.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "poseheir/network.h"

namespace poseheir {
namespace {

std::uint64_t hash_of(std::string_view name) {  // FNV-1a
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

class Random {  // splitmix64
 public:
  explicit Random(std::uint64_t state) : state_(state) {}

  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }  // [0, 1)

  double normal() {  // Box and Muller
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
  }

  double truncated_normal() {  // within two standard deviations, as TensorFlow's
    double value = normal();
    while (std::abs(value) > 2.0) value = normal();
    return value;
  }

 private:
  std::uint64_t state_;
};

// Elements of the kernel that meet one cell of the input or the output.
double field(const std::vector<std::int64_t>& shape) {
  return static_cast<double>(shape[0] * shape[1]);
}

void fill_xavier(std::vector<float>& values, const std::vector<std::int64_t>& shape,
                 Random& random) {
  const double limit = std::sqrt(6.0 / (field(shape) * static_cast<double>(shape[2] + shape[3])));
  for (auto& value : values) value = static_cast<float>(limit * (2.0 * random.uniform() - 1.0));
}

void fill_he(std::vector<float>& values, const Variable& variable, Random& random) {
  const auto& shape = variable.info.shape;
  const bool depthwise = variable.info.name.find("depthwise") != std::string::npos;
  const double fan_in = field(shape) * (depthwise ? 1.0 : static_cast<double>(shape[2]));
  // 1.3: what cutting the tails takes from the variance, slim's figure.
  const double deviation = std::sqrt(1.3 * 2.0 / fan_in);
  for (auto& value : values) value = static_cast<float>(deviation * random.truncated_normal());
}

}  // namespace

std::vector<float> initial_values(const Variable& variable, std::uint64_t seed) {
  std::vector<float> values(element_count(variable.info.shape), 0.0F);
  Random random(hash_of(variable.info.name) ^ Random(seed).next());
  switch (variable.initializer) {
    case Initializer::zeros:
      break;
    case Initializer::ones:
      std::fill(values.begin(), values.end(), 1.0F);
      break;
    case Initializer::xavier_uniform:
      fill_xavier(values, variable.info.shape, random);
      break;
    case Initializer::he_truncated_normal:
      fill_he(values, variable, random);
      break;
  }
  return values;
}

}  // namespace poseheir
