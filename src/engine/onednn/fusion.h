// Which operations our fused kernels run, and which batch norms are then no passes of their own.
#pragma once

#include "engine/onednn/context.h"

namespace poseheir::onednn {

// A 1x1 convolution before a batch norm, channels last.
bool is_pointwise(const Context& context, const Op& op);
// The batch norm with batch statistics that alone reads the result of `op`; null if none.
const Op* norm_after(const Context& context, const Op& op);
// The product of heads, with columns in multiples of 8; ours where it has parts, channels last.
kernels::PointwiseShape heads_shape(const Context& context, const Op& heads);
bool has_own_product(const Context& context, const Op& heads);
// True where every reader of a norm's result normalises as it reads.
bool is_deferred(const Context& context, int norm);
// True where the operation before a norm passes the gradient through it as it reads.
bool hands_gradient_on(const Context& context, const Op& norm);

// One side of a fused operation's backward pass: what it reads of its result's gradient.
struct FusedGradient {
  Merge merge;
  const kernels::Normalisation* norm = nullptr;

  kernels::GradientOperand operand(const Context& context, const Value& value) const;
  void run(const Context& context) const {
    if (norm == nullptr) merge.run(context);
  }
};
FusedGradient plan_fused_gradient(Context& context, int value, int time);

// Room for the sums that the norm after an operation asks for; `pieces` of them.
void plan_moments(Context& context, int op, long pieces);
// Room for the gradient of an operand, with the sums that its norm asks for.
Gradient plan_operand_gradient(Context& context, Value& in, long pieces, int time);
inline kernels::Operand operand_of(const Context& context, const Value& value) {
  return {context.address(value.buffer), value.norm};
}

}  // namespace poseheir::onednn
