// EfficientNet's training against the real DeepLabCut (tests/oracle/efficientnet_training.py), and
// what its gates and swishes must keep.
#include <gmock/gmock.h>

#include "engine/reference.h"
#include "engine/tested.h"
#include "engine/training_values.h"
#include "pose/losses.h"
#include "pose/schedule.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

class EfficientNet : public testing::Test {
 protected:
  static std::filesystem::path values_folder() {
    return std::filesystem::path(POSEHEIR_TEST_DATA) / "efficientnet-b0-training";
  }
  static std::vector<float> batch_array(const std::string& name) {
    return read_npy<float>(shared_folder() / "reference/training/batch" / (name + ".npy")).values;
  }
  LossValues forward_backward(Trainer& trainer) {
    const auto inputs =
        read_npy<std::uint8_t>(shared_folder() / "reference/training/batch/inputs.npy");
    Targets targets(2, 10, 12, 4);
    targets.part_score = batch_array("part_score_targets");
    targets.part_weights = batch_array("part_score_weights");
    targets.locref = batch_array("locref_targets");
    targets.locref_mask = batch_array("locref_mask");
    const auto losses = compute_losses(trainer.forward(image_batch(inputs)), targets, nullptr,
                                       {.locref_weight = 0.05}, gradients_);
    trainer.backward(gradients_);
    return losses;
  }
  void expect_values(const Trainer& trainer, const std::string& file, double tolerance) const {
    const auto rows = read_rows(values_folder() / file);
    ASSERT_EQ(rows.size(), network_.variables.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto& name = network_.variables[i].info.name;
      const auto& row = rows.at(name);
      const auto& values = trainer.parameters()[i];
      EXPECT_EQ(values != start_[i], row.flag) << file << ' ' << name;
      for (const auto& [index, expected] : row.elements)
        EXPECT_NEAR(values[index], expected, tolerance * largest_of(values))
            << file << ' ' << name << ' ' << index;
    }
  }

  Network network_ = reference_network("efficientnet-b0");
  Parameters start_ = reference_parameters("efficientnet-b0", network_);
  FeatureMaps gradients_;
};

TEST_F(EfficientNet, HasDeepLabCutsLossesAndGradients) {
  NEEDS_SHARED("reference/training");
  Trainer trainer(network_, start_, {}, tested());
  const auto losses = forward_backward(trainer);
  const auto expected = read_json(values_folder() / "adam.json")["losses"];
  const std::map<std::string, double> actual_losses = {{"part_loss", losses.part},
                                                       {"locref_loss", losses.locref.value()},
                                                       {"total_loss", losses.total}};
  for (const auto& [key, actual] : actual_losses)
    EXPECT_NEAR(actual, double(expected[key]), 1e-5 * double(expected[key])) << key;
  const auto rows = read_rows(values_folder() / "gradients.csv");
  ASSERT_EQ(rows.size(), network_.variables.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& name = network_.variables[i].info.name;
    const auto& row = rows.at(name);
    const auto gradient = trainer.gradient(static_cast<int>(i));
    EXPECT_EQ(!gradient.empty(), row.flag) << name;
    if (!row.flag) continue;
    EXPECT_NEAR(norm_of(gradient), row.norm, 1e-4 * row.norm) << name;
    for (const auto& [index, value] : row.elements)
      EXPECT_NEAR(gradient[index], value, 2e-4 * largest_of(gradient)) << name << ' ' << index;
  }
}

TEST_F(EfficientNet, MakesDeepLabCutsAdamStepsAlongTheCosine) {
  NEEDS_SHARED("reference/training");
  Trainer trainer(network_, start_, {.kind = OptimizerKind::adam}, tested());
  const auto expected = read_json(values_folder() / "adam.json");
  const auto& schedule = expected["schedule"];
  const CosineDecay decay{schedule["lr_init"], schedule["decay_steps"], schedule["alpha_r"]};
  int done = 0;
  for (const auto& step : expected["steps"]) {
    const double wanted = step["total_loss_before_update"];
    EXPECT_NEAR(forward_backward(trainer).total, wanted, 1e-5 * wanted) << done;
    const auto rate = static_cast<float>(cosine_rate(decay, done));
    EXPECT_FLOAT_EQ(rate, float(step["learning_rate"]));
    trainer.step(rate);
    if (++done == 1) expect_values(trainer, "adam_after_step_1.csv", 1e-3);
  }
  expect_values(trainer, "adam_after_step_3.csv", 5e-3);
}

TEST_F(EfficientNet, GivesEachPictureOfABatchWhatItGivesItAlone) {
  constexpr int kHeight = 77, kWidth = 107, kBytes = kHeight * kWidth * 3;
  std::vector<std::uint8_t> pixels(3 * kBytes);
  for (std::size_t i = 0; i < pixels.size(); ++i)
    pixels[i] = static_cast<std::uint8_t>((i * i * 31 + i * 17) % 251);
  std::copy_n(pixels.begin(), kBytes, pixels.begin() + 2 * kBytes);  // the first once more
  Predictor predictor(network_, start_, tested());
  const auto together = predictor.run({3, kHeight, kWidth, pixels});
  for (const int image : {0, 1, 2}) {
    const auto first = pixels.begin() + image * kBytes;
    const std::vector<std::uint8_t> own(first, first + kBytes);
    for (const auto& [name, map] : predictor.run({1, kHeight, kWidth, own})) {
      const auto from = together.at(name).values.begin() + image * long(map.values.size());
      EXPECT_LE(difference({from, from + long(map.values.size())}, map.values), 5e-6) << name;
    }
  }
}

TEST_F(EfficientNet, RunsToALayerInsideAGate) {
  const int mean = network_.find_layer("efficientnet/efficientnet-b0/blocks_1/se/mean");
  const int scaled = network_.find_layer("efficientnet/efficientnet-b0/blocks_1/se");
  ASSERT_GE(mean, 0);
  ASSERT_GE(scaled, 0);
  Predictor predictor(network_, start_, tested());
  const std::vector<std::uint8_t> pixels(64 * 64 * 3, 50);
  const auto before = predictor.run_to_layer({1, 64, 64, pixels}, network_.layers[mean].inputs[0]);
  const auto gate = predictor.run_to_layer({1, 64, 64, pixels}, network_.layers[scaled].inputs[1]);
  const auto after = predictor.run_to_layer({1, 64, 64, pixels}, scaled);
  const auto means = predictor.run_to_layer({1, 64, 64, pixels}, mean);
  ASSERT_EQ(gate.values.size(), 96U);
  for (std::size_t c = 0; c < 96; ++c) {
    double sum = 0;
    for (std::size_t i = c; i < before.values.size(); i += 96) {
      sum += double(before.values[i]);
      EXPECT_NEAR(after.values[i], before.values[i] * gate.values[c], 1e-6);
    }
    EXPECT_NEAR(means.values[c], sum / double(before.values.size() / 96), 1e-5);
  }
}

}  // namespace
}  // namespace poseheir
