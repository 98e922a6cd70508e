// No layer may fall to oneDNN's reference implementation, in any precision, pass or odd size.
#include <gmock/gmock.h>

#include "engine/reference.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

struct Case {
  std::string network;
  Precision precision;
  int count, height, width;
};

void PrintTo(const Case& value, std::ostream* stream) { *stream << value.network; }

std::string case_name(const testing::TestParamInfo<Case>& info) {
  auto name = info.param.network + (info.param.precision == Precision::bf16 ? "_bf16_" : "_fp32_") +
              std::to_string(info.param.height) + "x" + std::to_string(info.param.width);
  std::replace(name.begin(), name.end(), '.', '_');
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const std::string network :
       {"resnet_50_superquadruped", "mobilenet_v2_0.35", "mobilenet_v2_1.0", "efficientnet-b0"})
    for (const auto precision : {Precision::fp32, Precision::bf16})
      for (const auto& [height, width] : {std::pair{128, 160}, std::pair{33, 47}})
        all.push_back({network, precision, 2, height, width});
  for (const std::string network :
       {"resnet_50_multi_stage_stride4", "mobilenet_v2_0.35_dual_fusion"})
    for (const auto precision : {Precision::fp32, Precision::bf16})
      all.push_back({network, precision, 2, 33, 47});
  return all;
}

class Implementations : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    network_ = build_network(reference_spec(GetParam().network));
    parameters_ = initial_parameters(network_, 1);
    pixels_.assign(std::size_t(GetParam().count) * GetParam().height * GetParam().width * 3, 99);
  }
  ImageBatch batch() const {
    return {GetParam().count, GetParam().height, GetParam().width, pixels_};
  }
  void expect_fast(const std::vector<std::string>& implementations) const {
    ASSERT_GT(implementations.size(), 30U);
    for (const auto& line : implementations) {
      EXPECT_THAT(line, testing::Not(testing::HasSubstr(", ref"))) << line;
      if (GetParam().height == 128) std::printf("%s\n", line.c_str());
    }
  }

  Network network_;
  Parameters parameters_;
  std::vector<std::uint8_t> pixels_;
};

TEST_P(Implementations, AreNeverTheReference) {
  Predictor predictor(network_, parameters_, {.precision = GetParam().precision});
  try {
    predictor.run(batch());
  } catch (const Error& error) {
    ASSERT_EQ(GetParam().precision, Precision::bf16) << error.what();
    GTEST_SKIP() << error.what();
  }
  expect_fast(predictor.implementations());
  Trainer trainer(network_, parameters_, {}, {.precision = GetParam().precision});
  auto gradients = trainer.forward(batch());
  trainer.backward(gradients);
  trainer.step(1e-6F);
  expect_fast(trainer.implementations());
}

INSTANTIATE_TEST_SUITE_P(Plain, Implementations, testing::ValuesIn(cases()), case_name);

}  // namespace
}  // namespace poseheir
