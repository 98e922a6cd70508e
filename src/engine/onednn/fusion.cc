#include "engine/onednn/fusion.h"

namespace poseheir::onednn {
namespace {

bool reads(const Op& op, int value) {
  if (op.residual == value) return true;
  for (const int input : op.inputs)
    if (input == value) return true;
  return false;
}

bool clamps(const Op& op) {
  return !op.activated || op.activation == Activation::relu || op.activation == Activation::relu6;
}

bool is_fused(const Context& context, const Op& op) {
  return op.kind == OpKind::depthwise || is_pointwise(context, op) ||
         (op.kind == OpKind::heads && has_own_product(context, op));
}

}  // namespace

const Op* norm_after(const Context& context, const Op& op) {
  const Op* norm = nullptr;
  if (context.graph.is_output[op.output]) return nullptr;
  for (const auto& other : context.graph.ops) {
    if (!reads(other, op.output)) continue;
    if (norm != nullptr || other.kind != OpKind::batch_norm || other.residual == op.output)
      return nullptr;
    norm = &other;
  }
  return norm;
}

bool is_pointwise(const Context& context, const Op& op) {
  if (op.kind != OpKind::convolution || context.block != 0) return false;
  const auto& layer = context.layer(op);
  const auto& in = context.values[op.inputs[0]];
  const auto pixels = long(context.request.images) * in.view.pixels;
  return layer.kernel == 1 && layer.stride == 1 && layer.bias < 0 && op.fixed_norm < 0 &&
         op.residual < 0 && !op.activated && norm_after(context, op) != nullptr &&
         kernels::pointwise_shape(pixels, in.channels, layer.channels, context.kernels.tile_values)
                 .parts > 0;
}

kernels::PointwiseShape heads_shape(const Context& context, const Op& heads) {
  const auto& in = context.values[heads.inputs[0]];
  int columns = 0;
  for (const int head : heads.heads) columns += 9 * context.network.layers[head].channels;
  return kernels::pointwise_shape(long(context.request.images) * in.view.pixels, in.channels,
                                  (columns + 7) / 8 * 8, context.kernels.tile_values);
}

bool has_own_product(const Context& context, const Op& heads) {
  return context.block == 0 && heads_shape(context, heads).parts > 0;
}

bool is_deferred(const Context& context, int norm) {
  const auto& op = context.graph.ops[norm];
  if (op.residual >= 0 || !clamps(op) || context.graph.is_output[op.output]) return false;
  int readers = 0;
  for (const auto& other : context.graph.ops) {
    if (!reads(other, op.output)) continue;
    if (other.residual == op.output || !is_fused(context, other)) return false;
    ++readers;
  }
  return readers == 1;
}

bool hands_gradient_on(const Context& context, const Op& norm) {
  if (!clamps(norm) || (norm.residual >= 0 && norm.activated)) return false;
  for (const auto& op : context.graph.ops)
    if (op.output == norm.inputs[0])
      return is_fused(context, op) && norm_after(context, op) == &norm;
  return false;
}

kernels::GradientOperand FusedGradient::operand(const Context& context, const Value& value) const {
  return {context.address(merge.out), context.address(norm != nullptr ? value.buffer : kNoBuffer),
          norm};
}

FusedGradient plan_fused_gradient(Context& context, int index, int time) {
  const auto& value = context.values[index];
  FusedGradient gradient;
  if (value.gradients.size() == 1 && value.gradients[0].norm != nullptr) {
    gradient.norm = value.gradients[0].norm;
    gradient.merge.out = value.gradients[0].buffer;
    context.plan.use(gradient.merge.out, time);
    context.plan.use(value.buffer, time);
  } else {
    gradient.merge = plan_merge(context, index, kernels::Clamp::none, kNoBuffer, time);
  }
  return gradient;
}

void plan_moments(Context& context, int op, long pieces) {
  if (norm_after(context, context.graph.ops[op]) == nullptr) return;
  auto& out = context.values[context.graph.ops[op].output];
  const auto floats = std::size_t(pieces) * kernels::kMomentRows * out.channels;
  out.moments = {context.floats(floats, op), pieces};
}

Gradient plan_operand_gradient(Context& context, Value& in, long pieces, int time) {
  Gradient gradient{context.plan.add(in.desc.get_size(), time), true, nullptr, {}};
  if (in.norm != nullptr) {
    const auto floats = std::size_t(pieces) * kernels::kGradientRows * in.channels;
    gradient.sums = {context.floats(floats, time), pieces};
    context.plan.use(in.buffer, time);
  }
  in.gradients.push_back(gradient);
  return gradient;
}

}  // namespace poseheir::onednn
