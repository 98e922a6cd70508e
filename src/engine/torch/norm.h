// Batch norm with the batch's own statistics, of a whole batch or of a part of one.
#pragma once

#include <ATen/ATen.h>

#include "poseheir/engine.h"

namespace poseheir::libtorch {

struct NormVariables {
  at::Tensor gamma, beta;  // undefined: ones, zeros
  double epsilon = 0;
};

struct Normalised {
  at::Tensor value;
  at::Tensor mean, variance;  // of the whole batch; the variance divided by one less than its count
};

// `sum`: as Trainer::set_sum_over_parts; empty: the batch is whole.
Normalised normalise(const at::Tensor& x, const NormVariables& variables,
                     const Trainer::SumOverParts& sum);

}  // namespace poseheir::libtorch
