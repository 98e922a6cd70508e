// A batch computed in parts by several trainers that add up what they must: as one trainer does.
#include <barrier>
#include <cmath>
#include <gmock/gmock.h>
#include <mutex>
#include <thread>

#include "engine/tested.h"
#include "poseheir/engine.h"
#include "poseheir/reference.h"

namespace poseheir {
namespace {

constexpr int kPictures = 4, kSide = 64;
constexpr std::size_t kPictureBytes = std::size_t(kSide) * kSide * 3;

// Adds up values of two threads that both wait for the other.
class SumOfTwo {
 public:
  void operator()(std::span<double> values) {
    {
      const std::scoped_lock lock(mutex_);
      total_.resize(values.size());
      for (std::size_t i = 0; i < values.size(); ++i) total_[i] += values[i];
    }
    barrier_.arrive_and_wait();
    std::copy(total_.begin(), total_.end(), values.begin());
    barrier_.arrive_and_wait();
    total_.clear();
    barrier_.arrive_and_wait();
  }

 private:
  std::mutex mutex_;
  std::vector<double> total_;
  std::barrier<> barrier_{2};
};

class Parts : public testing::TestWithParam<const char*> {
 protected:
  Parts() {
    NetworkSpec spec;
    spec.net_type = GetParam();
    spec.keypoints = 2;
    spec.location_refinement = true;
    network_ = build_network(spec);
    for (int i = 0; i < static_cast<int>(network_.variables.size()); ++i)
      parameters_.push_back(generated_values(network_, i));
    stay_between_clamps();
    for (std::size_t i = 0; i < pixels_.size(); ++i)
      pixels_[i] = static_cast<std::uint8_t>((i * i * 31 + i * 17) % 251);
  }

  // Rounding makes a ReLU6 behind batch statistics choose otherwise now and then, and then a
  // gradient jumps. Normalised values around 3 with a deviation of 0.25 meet neither end: all is
  // smooth, and sums over parts are to give the whole batch's gradients to rounding.
  void stay_between_clamps() {
    for (const auto& layer : network_.layers) {
      if (layer.kind != LayerKind::activation || layer.activation != Activation::relu6) continue;
      const auto& norm = network_.layers[layer.inputs[0]];
      if (norm.kind != LayerKind::batch_norm || !norm.batch_statistics) continue;
      for (auto& gamma : parameters_[norm.gamma]) gamma = std::copysign(0.25F, gamma);
      for (auto& beta : parameters_[norm.beta]) beta = 3;
    }
  }

  Trainer trainer() const { return {network_, parameters_, {}, tested({.threads = 1})}; }

  // Gradients that depend on output and picture.
  void run(Trainer& trainer, int first, int end, const Trainer::GradientReady& ready) const {
    auto maps = trainer.forward(
        {end - first, kSide, kSide,
         std::span(pixels_).subspan(first * kPictureBytes, (end - first) * kPictureBytes)});
    for (auto& [name, map] : maps) {
      const auto of_picture = map.values.size() / map.count;
      for (std::size_t i = 0; i < map.values.size(); ++i)
        map.values[i] = 0.01F * std::sin(0.7F * static_cast<float>(i + first * of_picture)) +
                        0.001F * std::tanh(map.values[i]);
    }
    trainer.backward(maps, ready);
  }

  Network network_;
  Parameters parameters_;
  std::vector<std::uint8_t> pixels_ = std::vector<std::uint8_t>(kPictures * kPictureBytes);
};

TEST_P(Parts, AddUpToTheGradientsOfTheWholeBatch) {
  auto whole = trainer();
  run(whole, 0, kPictures, {});
  SumOfTwo sum;
  std::vector<Trainer> parts;
  for (int i = 0; i < 2; ++i) {
    parts.push_back(trainer());
    parts.back().set_sum_over_parts(std::ref(sum));
  }
  std::thread other([&] { run(parts[1], 1, kPictures, {}); });
  run(parts[0], 0, 1, {});
  other.join();
  for (int v = 0; v < static_cast<int>(network_.variables.size()); ++v) {
    const auto expected = whole.gradient(v);
    const auto first = parts[0].gradient(v), second = parts[1].gradient(v);
    ASSERT_EQ(first.size(), expected.size());
    double largest = 0, worst = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      largest = std::max(largest, std::abs(double(expected[i])));
      worst = std::max(worst, std::abs(double(first[i]) + double(second[i]) - double(expected[i])));
    }
    // The next layer's batch statistics remove any constant: this gradient is rounding noise.
    if (network_.variables[v].info.name.ends_with("project/BatchNorm/beta")) continue;
    EXPECT_LE(worst, 1e-3 * largest + 1e-7) << network_.variables[v].info.name;
  }
  whole.step(0.01F);
  parts[0].step(0.01F);
  for (std::size_t v = 0; v < network_.variables.size(); ++v) {
    if (network_.variables[v].trainable) continue;  // moving statistics
    const auto &expected = whole.parameters()[v], &actual = parts[0].parameters()[v];
    for (std::size_t i = 0; i < expected.size(); ++i)
      ASSERT_NEAR(actual[i], expected[i], 1e-4 * std::abs(expected[i]) + 1e-5)
          << network_.variables[v].info.name;
  }
}

TEST_P(Parts, AreToldOfEachGradientOnceAndWhenItIsComplete) {
  auto one = trainer();
  std::vector<std::vector<float>> told(network_.variables.size());
  std::vector<int> order, again;
  run(one, 0, 1, [&](int variable, std::vector<float>& gradient) {
    EXPECT_TRUE(told[variable].empty());
    told[variable] = gradient;
    order.push_back(variable);
  });
  for (int v = 0; v < static_cast<int>(network_.variables.size()); ++v)
    EXPECT_EQ(told[v], one.gradient(v)) << network_.variables[v].info.name;
  run(one, 0, 3, [&](int variable, std::vector<float>&) { again.push_back(variable); });
  EXPECT_EQ(order, again);
}

INSTANTIATE_TEST_SUITE_P(Networks, Parts,
                         testing::Values("resnet_50", "mobilenet_v2_0.35", "efficientnet-b0"));

}  // namespace
}  // namespace poseheir
