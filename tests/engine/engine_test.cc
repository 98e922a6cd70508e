// The engine's contract on a network of our own.
#include <cmath>
#include <gmock/gmock.h>

#include "engine/tested.h"
#include "engine/tiny_network.h"
#include "expect_error.h"

namespace poseheir {
namespace {

struct Tiny {
  explicit Tiny(bool batch_statistics, OptimizerKind kind = OptimizerKind::sgd_momentum)
      : network(TinyNetwork(batch_statistics).network), parameters(initial_parameters(network, 3)) {
    for (std::size_t i = 0; i < parameters.size(); ++i)
      for (std::size_t k = 0; k < parameters[i].size(); ++k)
        if (network.variables[i].info.shape.size() == 1)
          parameters[i][k] += 0.3F * std::sin(static_cast<float>(7 * i + 3 * k));
    for (std::size_t i = 0; i < pixels.size(); ++i)
      pixels[i] = static_cast<std::uint8_t>((i * i * 31 + i * 17) % 251);
    options.kind = kind;
  }

  ImageBatch batch() const { return {2, 19, 21, pixels}; }

  // A loss whose gradient is known: sum of coefficient * output.
  static FeatureMaps coefficients(const FeatureMaps& outputs) {
    auto maps = outputs;
    for (auto& [name, map] : maps)
      for (std::size_t i = 0; i < map.values.size(); ++i)
        map.values[i] = std::cos(static_cast<float>(i)) * 0.5F;
    return maps;
  }
  double loss(const Parameters& at, int threads = 1) const {
    Predictor predictor(network, at, tested({.threads = threads}));
    const auto outputs = predictor.run(batch());
    const auto weights = coefficients(outputs);
    double sum = 0;
    for (const auto& [name, map] : outputs)
      for (std::size_t i = 0; i < map.values.size(); ++i)
        sum += double(map.values[i]) * double(weights.at(name).values[i]);
    return sum;
  }

  Network network;
  Parameters parameters;
  OptimizerOptions options;
  std::vector<std::uint8_t> pixels = std::vector<std::uint8_t>(2 * 19 * 21 * 3);
};

class Gradients : public testing::TestWithParam<bool> {};

TEST_P(Gradients, AreTheDifferenceQuotientsOfEveryVariable) {
  const Tiny tiny(GetParam());
  Trainer trainer(tiny.network, tiny.parameters, tiny.options, tested({.threads = 1}));
  trainer.backward(Tiny::coefficients(trainer.forward(tiny.batch())));
  for (std::size_t v = 0; v < tiny.parameters.size(); ++v) {
    if (!tiny.network.variables[v].trainable) continue;
    const auto gradient = trainer.gradient(static_cast<int>(v));
    ASSERT_EQ(gradient.size(), tiny.parameters[v].size());
    double largest = 0;
    for (const float g : gradient) largest = std::max(largest, std::abs(double(g)));
    // ReLU and pooling have kinks, so a few quotients are off: most must be right.
    int right = 0, tried = 0;
    for (std::size_t k = 0; k < gradient.size();
         k += std::max<std::size_t>(gradient.size() / 6, 1)) {
      auto shifted = tiny.parameters;
      const float step = 2e-3F;
      shifted[v][k] += step;
      const double above = tiny.loss(shifted);
      shifted[v][k] -= 2 * step;
      const double quotient = (above - tiny.loss(shifted)) / (2 * double(step));
      right += std::abs(quotient - double(gradient[k])) < 0.02 * largest + 1e-3;
      ++tried;
    }
    EXPECT_GE(right, tried - 2) << tiny.network.variables[v].info.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Norms, Gradients, testing::Bool(), [](const auto& info) {
  return info.param ? "BatchStatistics" : "FixedStatistics";
});

TEST(Trainer, RepeatsItselfBitForBit) {
  for (const bool statistics : {false, true}) {
    const Tiny tiny(statistics, OptimizerKind::adam);
    std::vector<Parameters> results;
    for (int run = 0; run < 2; ++run) {
      Trainer trainer(tiny.network, tiny.parameters, tiny.options, tested({.threads = 2}));
      for (int step = 0; step < 4; ++step) {
        trainer.backward(Tiny::coefficients(trainer.forward(tiny.batch())));
        trainer.step(1e-3F);
      }
      results.push_back(trainer.parameters());
    }
    EXPECT_EQ(results[0], results[1]);
  }
}

TEST(Trainer, GoesOnExactlyFromARestoredState) {
  const Tiny tiny(true, OptimizerKind::adam);
  Trainer first(tiny.network, tiny.parameters, tiny.options, tested({.threads = 1}));
  const auto step = [&](Trainer& trainer) {
    trainer.backward(Tiny::coefficients(trainer.forward(tiny.batch())));
    trainer.step(1e-3F);
  };
  step(first);
  step(first);
  Trainer second(tiny.network, first.parameters(), tiny.options, tested({.threads = 1}));
  second.restore(first.optimizer_state());
  step(first);
  step(second);
  EXPECT_EQ(first.parameters(), second.parameters());
}

// Plans of several sizes share their memory; here each step is also made by a trainer of its own.
TEST(Trainer, StepsOverPicturesOfManySizesAsIfEachWereTheOnlyOne) {
  for (const bool frozen : {false, true}) {
    const Tiny tiny(false, OptimizerKind::adam);
    std::vector<bool> trained(tiny.network.variables.size(), true);
    if (frozen)
      for (std::size_t i = 0; i < trained.size() / 2; ++i) trained[i] = false;
    Trainer trainer(tiny.network, tiny.parameters, tiny.options, tested({.threads = 2}));
    trainer.set_trained(trained);
    auto parameters = tiny.parameters;
    OptimizerState state = trainer.optimizer_state();
    const std::vector<std::pair<int, int>> sizes = {{19, 21}, {12, 9}, {19, 21}, {12, 9},
                                                    {8, 17},  {9, 9},  {19, 21}};
    for (const auto [height, width] : sizes) {
      const ImageBatch batch{1, height, width,
                             std::span(tiny.pixels).first(std::size_t(3) * height * width)};
      Trainer fresh(tiny.network, parameters, tiny.options, tested({.threads = 2}));
      fresh.set_trained(trained);
      fresh.restore(state);
      for (auto* each : {&trainer, &fresh}) {
        each->backward(Tiny::coefficients(each->forward(batch)));
        each->step(1e-2F);
      }
      parameters = fresh.parameters();
      state = fresh.optimizer_state();
      ASSERT_EQ(trainer.parameters(), parameters) << height << " x " << width;
    }
    EXPECT_NE(parameters, tiny.parameters);
  }
}

TEST(Trainer, ChangesNothingBelowTheLowestTrainedLayer) {
  const Tiny tiny(false);
  Trainer trainer(tiny.network, tiny.parameters, tiny.options, tested());
  std::vector<bool> trained(tiny.network.variables.size(), false);
  const int head = tiny.network.find_variable("head/weights");
  trained[head] = true;
  trainer.set_trained(trained);
  trainer.backward(Tiny::coefficients(trainer.forward(tiny.batch())));
  trainer.step(0.1F);
  for (std::size_t i = 0; i < trained.size(); ++i)
    EXPECT_EQ(trainer.parameters()[i] != tiny.parameters[i], trained[i]);
  EXPECT_THAT(trainer.gradient(0), testing::IsEmpty());
  for (const auto& line : trainer.implementations())
    if (!line.starts_with("head")) EXPECT_THAT(line, testing::Not(testing::HasSubstr("backward")));
}

TEST(Trainer, ScalesTheRateOfEachVariableByItsFactor) {
  const Tiny tiny(false);
  Trainer plain(tiny.network, tiny.parameters, tiny.options, tested({.threads = 1}));
  Trainer scaled(tiny.network, tiny.parameters, tiny.options, tested({.threads = 1}));
  std::vector<float> factors(tiny.parameters.size(), 1.0F);
  const int head = tiny.network.find_variable("head/weights");
  factors[head] = 0.0F;
  for (auto* trainer : {&plain, &scaled})
    trainer->backward(Tiny::coefficients(trainer->forward(tiny.batch())));
  plain.step(1e-3F);
  scaled.step(1e-3F, factors);
  EXPECT_EQ(scaled.parameters()[head], tiny.parameters[head]);
  EXPECT_EQ(scaled.parameters()[0], plain.parameters()[0]);
}

TEST(Predictor, GivesTheSameForAnyNumberOfThreads) {
  if (tests_torch()) GTEST_SKIP() << "libtorch's order of summation depends on the threads";
  const Tiny tiny(true);
  EXPECT_EQ(tiny.loss(tiny.parameters, 1), tiny.loss(tiny.parameters, 2));
}

TEST(Predictor, ComesNearInBf16) {
  const Tiny tiny(true);
  Predictor exact(tiny.network, tiny.parameters, tested());
  Predictor half(tiny.network, tiny.parameters, tested({.precision = Precision::bf16}));
  FeatureMaps rough;
  try {
    rough = half.run(tiny.batch());
  } catch (const Error& error) {
    GTEST_SKIP() << error.what();
  }
  const auto maps = exact.run(tiny.batch());
  double largest = 0, worst = 0;
  for (std::size_t i = 0; i < maps.at("head").values.size(); ++i) {
    const double value = maps.at("head").values[i];
    largest = std::max(largest, std::abs(value));
    worst = std::max(worst, std::abs(value - double(rough.at("head").values[i])));
  }
  EXPECT_LT(worst, 0.03 * largest);
  EXPECT_GT(worst, 0);
}

TEST(Predictor, RefusesPixelsThatAreNotTheBatch) {
  const Tiny tiny(false);
  Predictor predictor(tiny.network, tiny.parameters, tested());
  EXPECT_ERROR(predictor.run({2, 19, 20, tiny.pixels}), ErrorKind::mismatch,
               "2 images of 20 x 19 RGB pixels are 2280 bytes, but 2394 were given");
}

TEST(Predictor, NamesTheLayerItCannotRun) {
  NetworkSpec spec;
  spec.net_type = "efficientnet-b0";
  spec.keypoints = 4;
  auto network = build_network(spec);
  network.layers[network.outputs[0].layer].stride = 4;
  const std::vector<std::uint8_t> pixels(64 * 64 * 3);
  const auto run = [&] {
    return Predictor(network, initial_parameters(network, 1), tested()).run({1, 64, 64, pixels});
  };
  EXPECT_ERROR(run(), ErrorKind::unsupported,
               "efficientnet-b0 (layer 'pose/part_pred/block4'): the engine cannot run");
}

TEST(LoadParameters, NamesBothShapesOfAHeadForOtherKeypoints) {
  NetworkSpec spec;
  spec.net_type = "mobilenet_v2_0.35";
  spec.keypoints = 4;
  const auto stored = build_network(spec);
  Checkpoint checkpoint;
  checkpoint.path = "model/snapshot-5";
  const auto parameters = initial_parameters(stored, 1);
  checkpoint.tensors = stored_parameters(stored, parameters);
  spec.keypoints = 7;
  EXPECT_ERROR(load_parameters(build_network(spec), checkpoint), ErrorKind::mismatch,
               "model/snapshot-5: does not fit mobilenet_v2_0.35 with 7 keypoints: "
               "'pose/part_pred/block4/biases' has the shape [4], but the network needs [7]");
}

}  // namespace
}  // namespace poseheir
