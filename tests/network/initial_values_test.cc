#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <numeric>

#include "poseheir/network.h"

namespace poseheir {
namespace {

Variable kernel(Initializer initializer, const std::string& name) {
  Variable variable;
  variable.info = {name, DType::f32, {3, 3, 64, 100}};
  variable.initializer = initializer;
  return variable;
}

double deviation(const std::vector<float>& values) {
  const double squares = std::inner_product(values.begin(), values.end(), values.begin(), 0.0);
  return std::sqrt(squares / static_cast<double>(values.size()));
}

TEST(InitialValues, DependOnSeedAndNameAlone) {
  const auto variable = kernel(Initializer::xavier_uniform, "pose/part_pred/block4/weights");
  const auto other = kernel(Initializer::xavier_uniform, "pose/locref_pred/block4/weights");
  EXPECT_EQ(initial_values(variable, 7), initial_values(variable, 7));
  EXPECT_NE(initial_values(variable, 7), initial_values(variable, 8));
  EXPECT_NE(initial_values(variable, 7), initial_values(other, 7));
}

TEST(InitialValues, AreXavierUniformForHeads) {
  const auto values = initial_values(kernel(Initializer::xavier_uniform, "head"), 1);
  const float limit = 0.06376F;  // sqrt(6 / (9 * (64 + 100)))
  EXPECT_LT(*std::max_element(values.begin(), values.end()), limit);
  EXPECT_GT(*std::max_element(values.begin(), values.end()), 0.999F * limit);
  EXPECT_GT(*std::min_element(values.begin(), values.end()), -limit);
  EXPECT_NEAR(deviation(values), 0.06376 / std::sqrt(3.0), 0.0004);
}

TEST(InitialValues, AreATruncatedNormalOfHesVarianceForConvolutions) {
  const auto values = initial_values(kernel(Initializer::he_truncated_normal, "conv"), 1);
  const double he = std::sqrt(2.0 / 576);
  EXPECT_NEAR(deviation(values), he, 0.01 * he);
  EXPECT_LE(*std::max_element(values.begin(), values.end()), 2.0 * std::sqrt(1.3) * he * 1.000001);
}

TEST(InitialValues, AreZerosOrOnesWhereAskedFor) {
  Variable variable;
  variable.info = {"gamma", DType::f32, {3}};
  variable.initializer = Initializer::ones;
  EXPECT_EQ(initial_values(variable, 1), (std::vector<float>{1, 1, 1}));
  variable.initializer = Initializer::zeros;
  EXPECT_EQ(initial_values(variable, 1), (std::vector<float>{0, 0, 0}));
}

}  // namespace
}  // namespace poseheir
