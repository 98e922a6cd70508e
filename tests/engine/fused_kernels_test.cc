// The fused kernels against plain sums, on maps wider than a strip and of odd sizes.
#include <algorithm>
#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <new>
#include <random>
#include <vector>

#include "engine/kernels/kernels.h"
#include "engine/onednn/context.h"

namespace poseheir::kernels {
namespace {

// Begins with a line of the caches, as an engine's buffers do: such results can be streamed.
template <class T>
struct Lines {
  using value_type = T;
  static constexpr std::align_val_t kLine{64};
  T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), kLine)); }
  void deallocate(T* p, std::size_t) { ::operator delete(p, kLine); }
  bool operator==(const Lines&) const = default;
};
using Values = std::vector<float, Lines<float>>;

Values random_values(std::size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  Values values(count);
  for (auto& v : values) v = normal(generator);
  return values;
}

void expect_near(const Values& found, const Values& wanted) {
  ASSERT_EQ(found.size(), wanted.size());
  double largest = 0, difference = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    largest = std::max(largest, std::abs(double(wanted[i])));
    difference = std::max(difference, std::abs(double(found[i]) - double(wanted[i])));
  }
  EXPECT_LE(difference, 1e-4 * largest);
}

// A norm of `channels`, and what it does to a value and to a gradient.
struct Norm {
  Values scale, shift, mean, down, projected;
  Normalisation kernel;

  Norm(int channels, unsigned seed)
      : scale(random_values(channels, seed)),
        shift(random_values(channels, seed + 1)),
        mean(random_values(channels, seed + 2)),
        down(random_values(channels, seed + 3)),
        projected(random_values(channels, seed + 4)),
        kernel{scale.data(), shift.data(),     mean.data(),
               down.data(),  projected.data(), Clamp::relu6} {}
  float normal(float x, std::size_t c) const { return x * scale[c] + shift[c]; }
  float value(float x, std::size_t c) const { return std::min(std::max(normal(x, c), 0.0F), 6.0F); }
  float masked(float dy, float x, std::size_t c) const {
    return normal(x, c) > 0 && normal(x, c) < 6 ? dy : 0.0F;
  }
  float gradient(float dy, float x, std::size_t c) const {
    return scale[c] * (masked(dy, x, c) - down[c] - (x - mean[c]) * projected[c]);
  }
};

void expect_moments(const Values& pieces, long count, const Values& y, std::size_t channels) {
  Values mean(channels), variance(channels), plain_mean(channels), plain_variance(channels);
  finish_moments(pieces.data(), count, int(channels), mean.data(), variance.data());
  for (std::size_t c = 0; c < channels; ++c) {
    double sum = 0, square = 0;
    const double n = double(y.size()) / double(channels);
    for (std::size_t i = c; i < y.size(); i += channels) sum += double(y[i]) / n;
    for (std::size_t i = c; i < y.size(); i += channels)
      square += (double(y[i]) - sum) * (double(y[i]) - sum) / n;
    plain_mean[c] = float(sum);
    plain_variance[c] = float(square);
  }
  expect_near(mean, plain_mean);
  expect_near(variance, plain_variance);
}

void expect_sums(const Values& pieces, long count, const Values& dx, const Values& x,
                 const Norm& norm) {
  const auto channels = norm.scale.size();
  Values sum(channels), product(channels), plain_sum(channels), plain_product(channels);
  finish_gradient_sums(pieces.data(), count, int(channels), sum.data(), product.data());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto c = i % channels;
    const float kept = norm.masked(dx[i], x[i], c);
    plain_sum[c] += kept;
    plain_product[c] += kept * (x[i] - norm.mean[c]);
  }
  expect_near(sum, plain_sum);
  expect_near(product, plain_product);
}

const Kernels& best_kernels() { return float_kernels(onednn::effective_isa()); }

class DepthwiseKernel : public testing::TestWithParam<DepthwiseShape> {
 protected:
  std::size_t in_at(int n, int y, int x, int c) const {
    return ((std::size_t(n) * s.height + y) * s.width + x) * s.channels + c;
  }
  std::size_t out_at(int n, int y, int x, int c) const {
    return ((std::size_t(n) * s.out_height + y) * s.out_width + x) * s.channels + c;
  }
  // body(input, output, weight, channel) for every product of the convolution.
  template <class Body>
  void for_products(const Body& body) const {
    for (int n = 0; n < s.images; ++n)
      for (int oy = 0; oy < s.out_height; ++oy)
        for (int ox = 0; ox < s.out_width; ++ox)
          for (int ky = 0; ky < s.kernel; ++ky)
            for (int kx = 0; kx < s.kernel; ++kx) {
              const int iy = oy * s.stride - s.pad_top + ky, ix = ox * s.stride - s.pad_left + kx;
              if (iy < 0 || iy >= s.height || ix < 0 || ix >= s.width) continue;
              for (int c = 0; c < s.channels; ++c)
                body(in_at(n, iy, ix, c), out_at(n, oy, ox, c),
                     std::size_t(ky * s.kernel + kx) * s.channels + c, std::size_t(c));
            }
  }

  const DepthwiseShape s = GetParam();
  const std::size_t inputs = in_at(s.images, 0, 0, 0), outputs = out_at(s.images, 0, 0, 0),
                    taps = std::size_t(s.kernel) * s.kernel * s.channels;
  const Values x = random_values(inputs, 1), w = random_values(taps, 2);
  const Norm before{s.channels, 10}, after{s.channels, 20};
};

TEST_P(DepthwiseKernel, EqualsPlainSumsForward) {
  Values wanted(outputs), y(outputs);
  for_products(
      [&](auto in, auto out, auto tap, auto c) { wanted[out] += before.value(x[in], c) * w[tap]; });
  const long strips = strips_of(s.images, s.out_height, s.out_width);
  Values moments(std::size_t(strips) * kMomentRows * s.channels);
  for (const bool streams : {false, true}) {
    best_kernels().depthwise({x.data(), &before.kernel}, w.data(), s,
                             {y.data(), moments.data(), streams});
    expect_near(y, wanted);
    expect_moments(moments, strips, wanted, s.channels);
    std::fill(y.begin(), y.end(), 7.0F);
  }
}

// In the middle of a line.
TEST_P(DepthwiseKernel, StreamsWholeLinesOnly) {
  Values y(outputs), moved(outputs + 8);
  const Operand in = {x.data(), &before.kernel};
  best_kernels().depthwise(in, w.data(), s, {y.data()});
  best_kernels().depthwise(in, w.data(), s, {moved.data() + 8, nullptr, true});
  EXPECT_EQ(y, Values(moved.begin() + 8, moved.end()));
}

TEST_P(DepthwiseKernel, EqualsPlainSumsBackward) {
  const auto y = random_values(outputs, 3), dy = random_values(outputs, 4);
  Values wanted(inputs), wanted_weights(taps), dx(inputs), weights(taps);
  for_products([&](auto in, auto out, auto tap, auto c) {
    const float dz = after.gradient(dy[out], y[out], c);
    wanted[in] += dz * w[tap];
    wanted_weights[tap] += dz * before.value(x[in], c);
  });
  const long strips = strips_of(s.images, s.height, s.width);
  Values sums(std::size_t(strips) * kGradientRows * s.channels),
      workspace(std::size_t(strips) * taps);
  for (const bool streams : {false, true}) {
    best_kernels().depthwise_backward(
        {dy.data(), y.data(), &after.kernel}, {x.data(), &before.kernel}, w.data(), s,
        {dx.data(), streams, sums.data(), weights.data(), workspace.data()});
    expect_near(dx, wanted);
    expect_near(weights, wanted_weights);
    expect_sums(sums, strips, wanted, x, before);
    std::fill(dx.begin(), dx.end(), 7.0F);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, DepthwiseKernel,
                         testing::Values(DepthwiseShape{2, 5, 7, 24, 3, 1, 1, 1, 5, 7},
                                         DepthwiseShape{1, 19, 300, 40, 3, 1, 1, 1, 19, 300},
                                         DepthwiseShape{1, 36, 530, 8, 3, 2, 0, 0, 18, 265},
                                         DepthwiseShape{1, 35, 529, 16, 3, 2, 1, 1, 18, 265},
                                         DepthwiseShape{2, 17, 301, 16, 5, 1, 2, 2, 17, 301},
                                         DepthwiseShape{1, 34, 601, 8, 5, 2, 1, 2, 17, 301}));

PointwiseShape shape_of(long pixels, int inputs, int outputs) {
  return pointwise_shape(pixels, inputs, outputs, best_kernels().tile_values);
}

class PointwiseKernel : public testing::TestWithParam<PointwiseShape> {};

TEST_P(PointwiseKernel, EqualsPlainSums) {
  const auto s = GetParam();
  ASSERT_GT(s.parts, 0);
  const auto pixels = std::size_t(s.pixels), in = std::size_t(s.inputs),
             out = std::size_t(s.outputs);
  const Norm before(s.inputs, 10), after(s.outputs, 20);
  const auto x = random_values(pixels * in, 1), w = random_values(in * out, 2);
  const auto raw = random_values(pixels * out, 3), dy = random_values(pixels * out, 4);
  Values packed(in * out), transposed(in * out), wanted(pixels * out), wanted_dx(pixels * in),
      wanted_dw(in * out);
  for (std::size_t p = 0; p < pixels; ++p)
    for (std::size_t k = 0; k < in; ++k)
      for (std::size_t o = 0; o < out; ++o) {
        const float a = before.value(x[p * in + k], k);
        const float dz = after.gradient(dy[p * out + o], raw[p * out + o], o);
        wanted[p * out + o] += a * w[k * out + o];
        wanted_dx[p * in + k] += dz * w[k * out + o];
        wanted_dw[k * out + o] += a * dz;
      }
  const auto parts = std::size_t(s.parts);
  Values y(pixels * out), dx(pixels * in), dw(in * out), workspace(workspace_floats(s));
  Values moments(parts * kMomentRows * out), sums(parts * kGradientRows * in);
  best_kernels().pack_pointwise(w.data(), s.inputs, s.outputs, packed.data(), transposed.data());
  for (const bool streams : {false, true}) {
    best_kernels().pointwise({x.data(), &before.kernel}, packed.data(), s,
                             {y.data(), moments.data(), streams});
    expect_near(y, wanted);
    expect_moments(moments, s.parts, wanted, out);
    best_kernels().pointwise_backward(
        {dy.data(), raw.data(), &after.kernel}, {x.data(), &before.kernel}, transposed.data(), s,
        {dx.data(), streams, sums.data(), dw.data(), workspace.data()});
    expect_near(dx, wanted_dx);
    expect_near(dw, wanted_dw);
    expect_sums(sums, s.parts, wanted_dx, x, before);
    std::fill(y.begin(), y.end(), 7.0F);
    std::fill(dx.begin(), dx.end(), 7.0F);
  }
}

// Of -1, 0 and 1, bf16 holds all values and short sums exactly.
std::vector<bf16> small_values(std::size_t count, unsigned step) {
  constexpr std::uint16_t kBits[] = {0, 0x3f80, 0xbf80};
  std::vector<bf16> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = {kBits[i * step / 7 % 3]};
  return values;
}

float value_of(bf16 value) { return value.bits == 0 ? 0.0F : value.bits == 0x3f80 ? 1.0F : -1.0F; }

Values wide(const std::vector<bf16>& values) {
  Values all;
  for (const auto v : values) all.push_back(std::bit_cast<float>(std::uint32_t(v.bits) << 16));
  return all;
}

TEST_P(PointwiseKernel, MultipliesBf16Exactly) {
  const auto& kernels = bf16_kernels(onednn::effective_isa());
  const auto s = pointwise_shape(std::min(GetParam().pixels, 101L), GetParam().inputs,
                                 std::min(GetParam().outputs, 136), kernels.tile_values);
  ASSERT_GT(s.parts, 0);
  const auto pixels = std::size_t(s.pixels), in = std::size_t(s.inputs),
             out = std::size_t(s.outputs);
  const auto x = small_values(pixels * in, 11), dy = small_values(pixels * out, 13);
  Values w(in * out), wanted(pixels * out), wanted_dx(pixels * in), wanted_dw(in * out);
  for (std::size_t i = 0; i < w.size(); ++i) w[i] = float(int(i * i / 5 % 3) - 1);
  for (std::size_t p = 0; p < pixels; ++p)
    for (std::size_t k = 0; k < in; ++k)
      for (std::size_t o = 0; o < out; ++o) {
        wanted[p * out + o] += value_of(x[p * in + k]) * w[k * out + o];
        wanted_dx[p * in + k] += value_of(dy[p * out + o]) * w[k * out + o];
        wanted_dw[k * out + o] += value_of(x[p * in + k]) * value_of(dy[p * out + o]);
      }
  const auto parts = std::size_t(s.parts);
  Values packed(in * out), transposed(in * out), dw(in * out), workspace(workspace_floats(s));
  Values moments(parts * kMomentRows * out), matrix(pixels * out);
  std::vector<bf16> y(pixels * out), dx(pixels * in);
  kernels.pack_pointwise(w.data(), s.inputs, s.outputs, packed.data(), transposed.data());
  kernels.pointwise({x.data(), nullptr}, packed.data(), s, {y.data(), moments.data()});
  kernels.head_product({x.data(), nullptr}, packed.data(), s, {matrix.data()});
  kernels.pointwise_backward({dy.data(), nullptr, nullptr}, {x.data(), nullptr}, transposed.data(),
                             s, {dx.data(), false, nullptr, dw.data(), workspace.data()});
  EXPECT_EQ(wide(y), wanted);
  EXPECT_EQ(matrix, wanted);
  EXPECT_EQ(wide(dx), wanted_dx);
  EXPECT_EQ(dw, wanted_dw);
}

INSTANTIATE_TEST_SUITE_P(Shapes, PointwiseKernel,
                         testing::Values(shape_of(1, 8, 48), shape_of(1001, 48, 8),
                                         shape_of(770, 56, 136), shape_of(99, 112, 1280),
                                         shape_of(2051, 248, 136)));

}  // namespace
}  // namespace poseheir::kernels
