// Batch norm with the batch's own statistics, fused with activation and residual sum.
#include <algorithm>
#include <cmath>

#include "engine/onednn/fusion.h"
#include "engine/onednn/nodes.h"

namespace poseheir::onednn {

NormNode::NormNode(Context& context, int op)
    : context_(context),
      op_(context.graph.ops[op]),
      layer_(context.layer(op_)),
      channels_(layer_.channels) {
  const auto& in = context.values[op_.inputs[0]];
  auto& out = context.values[op_.output];
  in_ = in.buffer;
  context.plan.use(in_, op);
  if (op_.residual >= 0) {
    residual_ = context.values[op_.residual].buffer;
    context.plan.use(residual_, op);
  }
  moments_ = in.moments;
  if (moments_.pieces > 0)
    context.plan.use(moments_.buffer, op);
  else
    workspace_ = context.floats(kernels::workspace_floats(in.view), op);
  // Forward only, the result may replace what nobody reads again.
  const bool in_place = !context.training() && context.graph.last_use[op_.inputs[0]] == op &&
                        !context.graph.is_output[op_.inputs[0]];
  deferred_ = is_deferred(context, op);
  out.buffer = in_place || deferred_ ? in_ : context.plan.add(out.desc.get_size(), op);
  out_ = out.buffer;
  for (auto* vector : {&gamma_, &beta_, &mean_, &variance_, &scale_, &shift_})
    vector->assign(channels_, 0.0F);
  norm_ = {scale_.data(), shift_.data(), mean_.data(), nullptr, nullptr, clamp_of(op_)};
  if (deferred_) out.norm = &norm_;
  out.needs_gradient = context.is_trained(layer_.gamma) || context.is_trained(layer_.beta) ||
                       in.needs_gradient ||
                       (op_.residual >= 0 && context.values[op_.residual].needs_gradient);
}

void NormNode::plan_backward(int time) {
  auto& out = context_.values[op_.output];
  if (!out.needs_gradient || out.gradients.empty()) return;
  has_backward_ = true;
  auto& in = context_.values[op_.inputs[0]];
  // With an activation the residual's gradient would need a pass of its own; no network has both.
  const auto merge = out.gradients.size() > 2 || (op_.residual >= 0 && op_.activated)
                         ? plan_merge(context_, op_.output, clamp_of(op_), kNoBuffer, time)
                         : Merge{};
  first_merge_ = merge;
  if (merge.writes) out.gradients = {{merge.out, merge.writable}};
  Gradient result = out.gradients[0];
  terms_[0] = result.buffer;
  context_.plan.use(terms_[0], time);
  merges_ = out.gradients.size() == 2;
  if (merges_) {
    terms_[1] = out.gradients[1].buffer;
    context_.plan.use(terms_[1], time);
    if (!result.writable) result = out.gradients[1];
    if (!result.writable) result = {context_.plan.add(out.desc.get_size(), time), true};
  }
  merged_ = result.buffer;
  context_.plan.use(in_, time);
  const bool shares = op_.residual >= 0 && context_.values[op_.residual].needs_gradient;
  hands_on_ = hands_gradient_on(context_, op_);
  if (hands_on_) {
    in.gradients.push_back({merged_, false, &norm_, {}});
  } else {
    dx_ = shares || !result.writable ? context_.plan.add(in.desc.get_size(), time) : merged_;
    if (in.needs_gradient) in.gradients.push_back({dx_, true});
  }
  if (shares) context_.values[op_.residual].gradients.push_back({result.buffer, result.writable});
  sums_ = merges_ || merge.writes ? Sums{} : out.gradients[0].sums;
  if (sums_.pieces > 0)
    context_.plan.use(sums_.buffer, time);
  else
    back_workspace_ = context_.floats(kernels::workspace_floats(in.view), time);
  for (auto* vector : {&sum_, &product_, &down_, &projected_}) vector->assign(channels_, 0.0F);
  norm_.mean_gradient = down_.data();
  norm_.projected = projected_.data();
  for (const int variable : {layer_.gamma, layer_.beta})
    if (variable >= 0) context_.gradients[variable].assign(channels_, 0.0F);
}

void NormNode::pack(const Parameters& parameters) {
  for (int c = 0; c < channels_; ++c) {
    gamma_[c] = layer_.gamma >= 0 ? parameters[layer_.gamma][c] : 1.0F;
    beta_[c] = layer_.beta >= 0 ? parameters[layer_.beta][c] : 0.0F;
  }
}

void NormNode::forward() {
  const auto& view = context_.values[op_.inputs[0]].view;
  if (moments_.pieces > 0)
    kernels::finish_moments(context_.floats_at(moments_.buffer), moments_.pieces, channels_,
                            mean_.data(), variance_.data());
  else
    context_.kernels.moments(context_.address(in_), view, context_.floats_at(workspace_),
                             mean_.data(), variance_.data());
  join_moments();
  for (int c = 0; c < channels_; ++c) {
    scale_[c] = gamma_[c] / std::sqrt(variance_[c] + layer_.epsilon);
    shift_[c] = beta_[c] - mean_[c] * scale_[c];
  }
  if (deferred_) return;
  context_.kernels.normalise(context_.address(in_), context_.address(residual_), view,
                             scale_.data(), shift_.data(), clamp_of(op_), context_.address(out_));
}

// Where other trainers have other pictures of the batch: the moments of all of them.
void NormNode::join_moments() {
  count_ = own_count();
  const auto& sum = context_.request.sum_over_parts;
  if (!sum) return;
  std::vector<double> sums(2 * std::size_t(channels_) + 1, count_);
  for (int c = 0; c < channels_; ++c) {
    const double mean = mean_[c];
    sums[c] = count_ * mean;
    sums[channels_ + c] = count_ * (variance_[c] + mean * mean);
  }
  sum(sums);
  count_ = sums.back();
  for (int c = 0; c < channels_; ++c) {
    const double mean = sums[c] / count_;
    mean_[c] = float(mean);
    variance_[c] = float(std::max(0.0, sums[channels_ + c] / count_ - mean * mean));
  }
}

void NormNode::join_sums(std::vector<float>& sum, std::vector<float>& product) const {
  const auto& over_parts = context_.request.sum_over_parts;
  if (!over_parts) return;
  std::vector<double> both(sum.begin(), sum.end());
  both.insert(both.end(), product.begin(), product.end());
  over_parts(both);
  for (int c = 0; c < channels_; ++c) {
    sum[c] = float(both[c]);
    product[c] = float(both[channels_ + c]);
  }
}

void NormNode::finish_sums() {
  const auto count = static_cast<float>(count_);
  for (int c = 0; c < channels_; ++c) {
    const float inverse = 1.0F / std::sqrt(variance_[c] + layer_.epsilon);
    if (layer_.gamma >= 0) context_.gradients[layer_.gamma][c] = product_[c] * inverse;
    if (layer_.beta >= 0) context_.gradients[layer_.beta][c] = sum_[c];
  }
  // Those gradients are this part's; what goes on down depends on the whole batch.
  join_sums(sum_, product_);
  for (int c = 0; c < channels_; ++c) {
    const float inverse = 1.0F / std::sqrt(variance_[c] + layer_.epsilon);
    down_[c] = sum_[c] / count;
    projected_[c] = product_[c] / count * inverse * inverse;
  }
}

void NormNode::backward() {
  if (!has_backward_) return;
  if (first_merge_.writes) first_merge_.run(context_);
  auto norm = norm_;
  if (first_merge_.writes) norm.clamp = kernels::Clamp::none;
  const auto& view = context_.values[op_.inputs[0]].view;
  if (sums_.pieces > 0)
    kernels::finish_gradient_sums(context_.floats_at(sums_.buffer), sums_.pieces, channels_,
                                  sum_.data(), product_.data());
  else
    context_.kernels.normalise_sums(
        context_.address(terms_[0]), context_.address(terms_[1]), context_.address(in_), view, norm,
        context_.floats_at(back_workspace_), merges_ ? context_.address(merged_) : nullptr,
        sum_.data(), product_.data());
  finish_sums();
  if (!hands_on_ && context_.values[op_.inputs[0]].needs_gradient)
    context_.kernels.normalise_backward(context_.address(merged_), context_.address(in_), view,
                                        norm, context_.address(dx_));
}

double NormNode::own_count() const {
  const auto& view = context_.values[op_.inputs[0]].view;
  return double(view.groups / view.blocks) * view.pixels;
}

BatchStatistics NormNode::statistics() const {
  return {&layer_, mean_.data(), variance_.data(), count_};
}

}  // namespace poseheir::onednn
