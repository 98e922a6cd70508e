// Training in bf16 beside fp32, from the same start. A bf16 value keeps 8 bits: rounding to the
// nearest errs by at most 2^-9 = 0.2 %. After the handful of roundings before each of the tiny
// network's layers, values are off by some 0.5 % of their deviation, and so about 0.4 * 0.5 % = 0.2
// % of the choices of each ReLU and of the pooling turn out differently. Such a choice is an error
// as large as the value itself: over the four layers that choose, sqrt(4 * 0.2 %) = 9 % of a
// gradient's norm. These errors have no direction: along the exact gradient there is much less of
// them.
#include <cmath>
#include <gmock/gmock.h>

#include "engine/tested.h"
#include "engine/tiny_network.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

constexpr double kGradientTolerance = 0.12;  // of a variable's gradient, in norm
constexpr double kAlongTolerance = 0.04;     // of its part along the exact gradient
constexpr double kLossTolerance = 0.02;      // rounding errors mostly cancel in a sum
constexpr float kRate = 0.02F;

class Bf16Training : public testing::TestWithParam<bool> {
 protected:
  Bf16Training()
      : network_(TinyNetwork(GetParam()).network), parameters_(initial_parameters(network_, 3)) {
    for (std::size_t i = 0; i < pixels_.size(); ++i)
      pixels_[i] = static_cast<std::uint8_t>((i * i * 31 + i * 17) % 251);
  }

  Trainer trainer(Precision precision) const {
    return {network_, parameters_, {}, tested({.threads = 1, .precision = precision})};
  }

  // Half the mean of squared distances from a wave; the gradient goes back.
  double forward_backward(Trainer& trainer) const {
    auto maps = trainer.forward({2, 19, 21, pixels_});
    double sum = 0;
    auto& values = maps.at("head").values;
    const auto count = static_cast<double>(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double distance = double(values[i]) - std::sin(0.7 * double(i));
      sum += distance * distance / (2 * count);
      values[i] = static_cast<float>(distance / count);
    }
    trainer.backward(maps);
    return sum;
  }

  Network network_;
  Parameters parameters_;
  std::vector<std::uint8_t> pixels_ = std::vector<std::uint8_t>(2 * 19 * 21 * 3);
};

double norm(const std::vector<float>& values) {
  double sum = 0;
  for (const float v : values) sum += double(v) * double(v);
  return std::sqrt(sum);
}

TEST_P(Bf16Training, FollowsFp32InGradientsAndLosses) {
  auto exact = trainer(Precision::fp32), rough = trainer(Precision::bf16);
  const double start = forward_backward(exact);
  try {
    EXPECT_NEAR(forward_backward(rough), start, kLossTolerance * start);
  } catch (const Error& error) {
    GTEST_SKIP() << error.what();
  }
  bool differs = false;
  for (int v = 0; v < static_cast<int>(network_.variables.size()); ++v) {
    if (!network_.variables[v].trainable) continue;
    const auto expected = exact.gradient(v);
    auto error = rough.gradient(v);
    ASSERT_EQ(error.size(), expected.size());
    double along = 0;
    for (std::size_t i = 0; i < error.size(); ++i) {
      error[i] -= expected[i];
      along += double(error[i]) * double(expected[i]);
    }
    const auto& name = network_.variables[v].info.name;
    EXPECT_LT(norm(error), kGradientTolerance * norm(expected)) << name;
    EXPECT_NEAR(along / std::pow(norm(expected), 2), 0, kAlongTolerance) << name;
    differs |= norm(error) > 0;
  }
  EXPECT_TRUE(differs) << "the same to the last bit: this was not bf16";
  double loss = start;
  for (int step = 0; step < 30; ++step) {
    exact.step(kRate);
    rough.step(kRate);
    loss = forward_backward(exact);
    EXPECT_NEAR(forward_backward(rough), loss, kLossTolerance * start) << step;
  }
  EXPECT_LT(loss, 0.9 * start);
}

// bf16 cannot hold a step of 1e-4 of a weight; the master weights in fp32 must.
TEST_P(Bf16Training, LosesNoSmallStep) {
  auto rough = trainer(Precision::bf16);
  try {
    forward_backward(rough);
  } catch (const Error& error) {
    GTEST_SKIP() << error.what();
  }
  const int head = network_.find_variable("head/weights");
  const auto before = rough.parameters()[head];
  const auto gradient = rough.gradient(head);
  rough.step(1e-3F);
  for (std::size_t i = 0; i < before.size(); ++i)
    EXPECT_FLOAT_EQ(rough.parameters()[head][i], before[i] - 1e-3F * gradient[i]);
}

INSTANTIATE_TEST_SUITE_P(Norms, Bf16Training, testing::Bool(), [](const auto& info) {
  return info.param ? "BatchStatistics" : "FixedStatistics";
});

}  // namespace
}  // namespace poseheir
