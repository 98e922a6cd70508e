#include "engine/onednn/convolution.h"

#include <fmt/format.h>

#include "poseheir/error.h"

namespace poseheir::onednn {
namespace {

// The layouts to try: the plan's own, then the plain ones; some shapes (dilated backward passes
// below AVX-512) are fast only there, and two reorders cost less than a reference implementation.
struct Layouts {
  Desc src, dst;
};
std::vector<Layouts> candidates(const Desc& src, const Desc& dst, const ConvolutionShape& shape,
                                Type src_type, Type dst_type) {
  std::vector<Layouts> layouts = {{src, dst}};
  for (const auto tag : {Tag::nhwc, Tag::nchw})
    layouts.push_back({Desc(shape.src, src_type, tag), Desc(shape.dst, dst_type, tag)});
  return layouts;
}

bool is_reference(const std::string& implementation) { return implementation.starts_with("ref"); }

template <class Describe>
auto fastest(const std::vector<Layouts>& layouts, const std::string& name,
             const Describe& describe) {
  decltype(describe(layouts[0])) best;
  for (const auto& layout : layouts) {
    auto found = describe(layout);
    if (!found) continue;
    if (!is_reference(found.impl_info_str())) return found;
    if (!best) best = found;
  }
  if (!best)
    throw Error(ErrorKind::unsupported,
                fmt::format("'{}': this oneDNN cannot compute it in this precision", name));
  return best;
}

}  // namespace

ConvolutionShape shape_of(const Layer& layer, int images, int in_channels, MapSize in,
                          MapSize out) {
  const auto padding = [&](int size, int out_size) {
    const int reach = (layer.kernel - 1) * layer.dilation;
    if (layer.padding == Padding::symmetric) {
      const int begin = reach / 2;
      return std::pair{begin, (out_size - 1) * layer.stride + reach + 1 - size - begin};
    }
    const int total = std::max((out_size - 1) * layer.stride + reach + 1 - size, 0);
    return std::pair{total / 2, total - total / 2};
  };
  const auto [top, bottom] = padding(in.height, out.height);
  const auto [left, right] = padding(in.width, out.width);
  ConvolutionShape shape;
  shape.src = {images, in_channels, in.height, in.width};
  shape.weights = {layer.channels, in_channels, layer.kernel, layer.kernel};
  shape.dst = {images, layer.channels, out.height, out.width};
  shape.strides = {layer.stride, layer.stride};
  shape.dilates = {layer.dilation - 1, layer.dilation - 1};
  shape.padding_begin = {top, left};
  shape.padding_end = {bottom, right};
  return shape;
}

kernels::DepthwiseShape kernel_shape(const Layer& layer, int images, const Value& in,
                                     const Value& out) {
  const auto shape = shape_of(layer, images, in.channels, in.size, out.size);
  return {images,
          in.size.height,
          in.size.width,
          in.channels,
          layer.kernel,
          layer.stride,
          int(shape.padding_begin[0]),
          int(shape.padding_begin[1]),
          out.size.height,
          out.size.width};
}

ConvolutionPasses::ConvolutionPasses(Context& context, std::string name,
                                     const ConvolutionShape& shape, Weights weights)
    : context_(context), name_(std::move(name)), shape_(shape), weights_(weights) {}

ConvolutionDescs ConvolutionPasses::descs(const Desc& src, const Desc& dst, Type weights) const {
  return {src,
          Desc(shape_.weights, weights, Tag::any),
          Desc(),
          dst,
          shape_.strides,
          shape_.dilates,
          shape_.padding_begin,
          shape_.padding_end};
}

void ConvolutionPasses::describe(const Desc& src, const Desc& dst) {
  forward_desc_ = fastest(candidates(src, dst, shape_, context_.type, context_.type), name_,
                          [&](const Layouts& layout) {
                            return describe_forward(context_.engine, kind(),
                                                    descs(layout.src, layout.dst, context_.type),
                                                    with_scratchpad());
                          });
}

void ConvolutionPasses::plan_forward(const Place& src, const Place& dst, const PostOps& post,
                                     int time) {
  dnnl::post_ops ops;
  if (post.sum_in_place) ops.append_sum(1.0F);
  if (post.addend) ops.append_binary(dnnl::algorithm::binary_add, post.addend->desc);
  if (post.clamp == kernels::Clamp::relu)
    append_eltwise(ops, dnnl::algorithm::eltwise_relu, 0.0F, 0.0F);
  if (post.clamp == kernels::Clamp::relu6)
    append_eltwise(ops, dnnl::algorithm::eltwise_clip, 0.0F, 6.0F);
  if (post.curve == kernels::Curve::swish)
    append_eltwise(ops, dnnl::algorithm::eltwise_swish, 1.0F, 0.0F);
  if (post.curve == kernels::Curve::sigmoid)
    append_eltwise(ops, dnnl::algorithm::eltwise_logistic, 0.0F, 0.0F);
  auto attributes = with_scratchpad();
  attributes.set_post_ops(ops);
  const bool dst_is_float = dst.desc == Desc(shape_.dst, Type::f32, context_.layout);
  forward_desc_ = fastest(candidates(src.desc, dst.desc, shape_, context_.type,
                                     dst_is_float ? Type::f32 : context_.type),
                          name_, [&](const Layouts& layout) {
                            auto d = descs(layout.src, layout.dst, context_.type);
                            if (post.bias != kNoBuffer)
                              d.bias = Desc({shape_.weights[0]}, Type::f32, Tag::a);
                            return describe_forward(context_.engine, kind(), d, attributes);
                          });
  implementations_.push_back(fmt::format("{} forward, {}", name_, forward_desc_.impl_info_str()));

  Run run{dnnl::convolution_forward(forward_desc_), {}};
  std::vector<Run> after;
  run.arguments[DNNL_ARG_SRC] =
      context_.input(forward_desc_.src_desc(), src.desc, src.buffer, time, forward_);
  packed_ = packed_for(forward_desc_.weights_desc(), packed_backward_, time);
  run.arguments[DNNL_ARG_WEIGHTS] = packed_;
  if (post.bias != kNoBuffer)
    run.arguments[DNNL_ARG_BIAS] =
        context_.at(Desc({shape_.weights[0]}, Type::f32, Tag::a), post.bias);
  if (post.sum_in_place && forward_desc_.dst_desc() != dst.desc) {
    const auto dst_copy =
        context_.input(forward_desc_.dst_desc(), dst.desc, dst.buffer, time, forward_);
    run.arguments[DNNL_ARG_DST] = dst_copy;
    context_.plan.use(dst.buffer, time);
    after.push_back(context_.reorder(dst_copy, context_.at(dst.desc, dst.buffer)));
  } else {
    run.arguments[DNNL_ARG_DST] =
        context_.output(forward_desc_.dst_desc(), dst.desc, dst.buffer, time, after);
  }
  if (post.addend) {
    context_.plan.use(post.addend->buffer, time);
    run.arguments[DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1] =
        context_.at(post.addend->desc, post.addend->buffer);
  }
  run.arguments[DNNL_ARG_SCRATCHPAD] = context_.scratchpad(forward_desc_, time);
  forward_.push_back(std::move(run));
  for (auto& reorder : after) forward_.push_back(std::move(reorder));
}

dnnl::memory ConvolutionPasses::packed_for(const Desc& desc, const dnnl::memory& other, int time) {
  if (weights_ == Weights::changing)
    return context_.at(desc, context_.plan.add(desc.get_size(), time));
  if (other && other.get_desc() == desc) return other;
  return context_.at(desc, context_.plan.add_lasting(desc.get_size()));
}

void ConvolutionPasses::plan_backward_data(const Place& diff_src, const Place& diff_dst, int time) {
  const auto desc =
      fastest(candidates(diff_src.desc, diff_dst.desc, shape_, context_.type, context_.type), name_,
              [&](const Layouts& layout) {
                return describe_backward_data(
                    context_.engine, descs(layout.src, layout.dst, context_.type), forward_desc_);
              });
  implementations_.push_back(fmt::format("{} backward data, {}", name_, desc.impl_info_str()));
  packed_backward_ = packed_for(desc.weights_desc(), packed_, time);
  Run run{dnnl::convolution_backward_data(desc), {}};
  std::vector<Run> after;
  run.arguments[DNNL_ARG_DIFF_DST] =
      context_.input(desc.diff_dst_desc(), diff_dst.desc, diff_dst.buffer, time, backward_data_);
  run.arguments[DNNL_ARG_WEIGHTS] = packed_backward_;
  run.arguments[DNNL_ARG_DIFF_SRC] =
      context_.output(desc.diff_src_desc(), diff_src.desc, diff_src.buffer, time, after);
  run.arguments[DNNL_ARG_SCRATCHPAD] = context_.scratchpad(desc, time);
  backward_data_.push_back(std::move(run));
  for (auto& reorder : after) backward_data_.push_back(std::move(reorder));
}

void ConvolutionPasses::plan_backward_weights(const Place& src, const Place& diff_dst,
                                              const Desc& plain, int time) {
  const auto desc =
      fastest(candidates(src.desc, diff_dst.desc, shape_, context_.type, context_.type), name_,
              [&](const Layouts& layout) {
                return describe_backward_weights(
                    context_.engine, descs(layout.src, layout.dst, Type::f32), forward_desc_);
              });
  implementations_.push_back(fmt::format("{} backward weights, {}", name_, desc.impl_info_str()));
  weight_gradient_ = context_.at(desc.diff_weights_desc(),
                                 context_.plan.add(desc.diff_weights_desc().get_size(), time));
  plain_gradient_ = plain;
  unpack_ = dnnl::reorder(weight_gradient_, dnnl::memory(plain, context_.engine, DNNL_MEMORY_NONE));
  Run run{dnnl::convolution_backward_weights(desc), {}};
  run.arguments[DNNL_ARG_SRC] =
      context_.input(desc.src_desc(), src.desc, src.buffer, time, backward_weights_);
  run.arguments[DNNL_ARG_DIFF_DST] =
      context_.input(desc.diff_dst_desc(), diff_dst.desc, diff_dst.buffer, time, backward_weights_);
  run.arguments[DNNL_ARG_DIFF_WEIGHTS] = weight_gradient_;
  run.arguments[DNNL_ARG_SCRATCHPAD] = context_.scratchpad(desc, time);
  backward_weights_.push_back(std::move(run));
}

void ConvolutionPasses::pack(const Desc& plain, const float* weights) {
  pack_forward(plain, weights);
  if (packed_backward_.get(true) != packed_.get(true)) pack_backward(plain, weights);
}

void ConvolutionPasses::pack_forward(const Desc& plain, const float* weights) {
  pack_into(packed_, plain, weights);
}

void ConvolutionPasses::pack_backward(const Desc& plain, const float* weights) {
  pack_into(packed_backward_, plain, weights);
}

void ConvolutionPasses::pack_into(dnnl::memory& packed, const Desc& plain, const float* weights) {
  if (!packed) return;
  // oneDNN reads only; its interface knows no const.
  dnnl::memory from(plain, context_.engine, const_cast<float*>(weights));
  dnnl::reorder(from, packed).execute(context_.stream, from, packed);
}

void ConvolutionPasses::backward_weights(float* gradient) {
  context_.execute(backward_weights_);
  dnnl::memory to(plain_gradient_, context_.engine, gradient);
  unpack_.execute(context_.stream, weight_gradient_, to);
}

void ConvolutionPasses::list(std::vector<std::string>& implementations) const {
  implementations.insert(implementations.end(), implementations_.begin(), implementations_.end());
}

}  // namespace poseheir::onednn
