#include "engine/torch/norm.h"

#include <torch/csrc/autograd/custom_function.h>

namespace poseheir::libtorch {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kPixelAxes[] = {0, 2, 3};  // all but the channels'

at::IntArrayRef pixel_axes() { return kPixelAxes; }

Tensor by_channel(const Tensor& values) { return values.view({1, -1, 1, 1}); }

// The rows of `values`, each summed over all parts.
Tensor summed(const Tensor& values, const Trainer::SumOverParts& sum) {
  auto host = values.to(at::kCPU, at::kDouble).contiguous();
  sum({host.data_ptr<double>(), static_cast<std::size_t>(host.numel())});
  return host.to(values.device());
}

struct Moments {
  Tensor mean, variance;
  double count = 0;
};

Moments moments_of(const Tensor& x, const Trainer::SumOverParts& sum) {
  const auto [variance, mean] = at::var_mean(x, pixel_axes(), /*unbiased=*/false);
  const double own = double(x.numel() / x.size(1));
  const auto exact = mean.to(at::kDouble);
  const auto squares = variance.to(at::kDouble) + exact * exact;
  const auto sums = summed(at::stack({exact * own, squares * own, at::full_like(exact, own)}), sum);
  const double count = sums[2][0].item<double>();
  const auto whole = sums[0] / count;
  return {whole.to(at::kFloat), (sums[1] / count - whole * whole).clamp_min(0).to(at::kFloat),
          count};
}

// libtorch's own knows no parts. What goes on down depends on the whole batch, while gamma's and
// beta's gradients are this part's: they are summed with all others.
struct NormOverParts : torch::autograd::Function<NormOverParts> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& gamma,
                        const Tensor& beta, double epsilon, const Moments* moments,
                        const Trainer::SumOverParts* sum) {
    const auto inverse = (moments->variance + epsilon).rsqrt();
    context->save_for_backward({x, gamma, moments->mean, inverse});
    context->saved_data["count"] = moments->count;
    context->saved_data["sum"] = reinterpret_cast<std::int64_t>(sum);
    const auto scale = gamma * inverse;
    return at::addcmul(by_channel(beta - moments->mean * scale), x, by_channel(scale));
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto &x = saved[0], &gamma = saved[1], &mean = saved[2], &inverse = saved[3];
    const double count = context->saved_data["count"].toDouble();
    const auto& sum =
        *reinterpret_cast<const Trainer::SumOverParts*>(context->saved_data["sum"].toInt());
    const auto& dy = gradients[0];
    const auto hat = (x - by_channel(mean)) * by_channel(inverse);
    const auto dbeta = dy.sum(pixel_axes()), dgamma = (dy * hat).sum(pixel_axes());
    const auto whole = (summed(at::stack({dbeta, dgamma}), sum) / count).to(at::kFloat);
    const auto dx =
        (dy - by_channel(whole[0]) - hat * by_channel(whole[1])) * by_channel(gamma * inverse);
    return {dx, dgamma, dbeta, Tensor(), Tensor(), Tensor()};
  }
};

double unbiased(double count) { return count > 1 ? count / (count - 1) : 1.0; }

}  // namespace

Normalised normalise(const Tensor& x, const NormVariables& variables,
                     const Trainer::SumOverParts& sum) {
  const auto channels = x.size(1);
  const auto options = x.options().dtype(at::kFloat);
  const auto gamma = variables.gamma.defined() ? variables.gamma : at::ones({channels}, options);
  const auto beta = variables.beta.defined() ? variables.beta : at::zeros({channels}, options);
  // On processors libtorch 1.13 takes no bf16 beside fp32 variables.
  const auto input = x.is_cuda() && !sum ? x : x.to(at::kFloat);
  if (sum) {
    const auto moments = moments_of(input.detach(), sum);
    auto value =
        NormOverParts::apply(input, gamma, beta, variables.epsilon, &moments, &sum).to(x.dtype());
    return {value, moments.mean, moments.variance * unbiased(moments.count)};
  }
  // Moving statistics that take up all of the batch's are the batch's own.
  auto mean = at::zeros({channels}, options), variance = at::zeros({channels}, options);
  auto value =
      std::get<0>(at::native_batch_norm(input, gamma, beta, mean, variance,
                                        /*training=*/true, /*momentum=*/1.0, variables.epsilon));
  if (x.numel() == channels) variance.zero_();  // of one value: libtorch divides by zero
  return {value.to(x.scalar_type()), mean, variance};
}

}  // namespace poseheir::libtorch
