// What oneDNN 2.x and 3.x spell differently. Every function returns an empty descriptor where the
// library has no implementation.
#pragma once

#include <dnnl.hpp>
#include <string>

namespace poseheir::onednn {

using Tag = dnnl::memory::format_tag;
using Type = dnnl::memory::data_type;
using Dims = dnnl::memory::dims;
using Desc = dnnl::memory::desc;

struct ConvolutionDescs {
  Desc src, weights, bias, dst;  // bias: empty for none
  Dims strides, dilates, padding_begin, padding_end;
};

struct PoolDescs {
  Desc src, dst;
  Dims strides, kernel, padding_begin, padding_end;
};

inline dnnl::primitive_attr with_scratchpad(dnnl::primitive_attr attributes = {}) {
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

inline bool is_empty(const Desc& desc) { return desc.get_size() == 0; }

#if DNNL_VERSION_MAJOR >= 3

inline void append_eltwise(dnnl::post_ops& ops, dnnl::algorithm algorithm, float a, float b) {
  ops.append_eltwise(algorithm, a, b);
}

inline auto describe_forward(const dnnl::engine& engine, dnnl::prop_kind kind,
                             const ConvolutionDescs& d, const dnnl::primitive_attr& attributes) {
  using Primitive = dnnl::convolution_forward::primitive_desc;
  constexpr auto direct = dnnl::algorithm::convolution_direct;
  if (is_empty(d.bias))
    return Primitive(engine, kind, direct, d.src, d.weights, d.dst, d.strides, d.dilates,
                     d.padding_begin, d.padding_end, attributes, true);
  return Primitive(engine, kind, direct, d.src, d.weights, d.bias, d.dst, d.strides, d.dilates,
                   d.padding_begin, d.padding_end, attributes, true);
}

inline auto describe_backward_data(const dnnl::engine& engine, const ConvolutionDescs& d,
                                   const dnnl::convolution_forward::primitive_desc& forward) {
  return dnnl::convolution_backward_data::primitive_desc(
      engine, dnnl::algorithm::convolution_direct, d.src, d.weights, d.dst, d.strides, d.dilates,
      d.padding_begin, d.padding_end, forward, with_scratchpad(), true);
}

inline auto describe_backward_weights(const dnnl::engine& engine, const ConvolutionDescs& d,
                                      const dnnl::convolution_forward::primitive_desc& forward) {
  return dnnl::convolution_backward_weights::primitive_desc(
      engine, dnnl::algorithm::convolution_direct, d.src, d.weights, d.dst, d.strides, d.dilates,
      d.padding_begin, d.padding_end, forward, with_scratchpad(), true);
}

inline auto describe_pool(const dnnl::engine& engine, dnnl::prop_kind kind, const PoolDescs& d) {
  return dnnl::pooling_forward::primitive_desc(engine, kind, dnnl::algorithm::pooling_max, d.src,
                                               d.dst, d.strides, d.kernel, Dims{0, 0},
                                               d.padding_begin, d.padding_end, with_scratchpad());
}

inline auto describe_pool_backward(const dnnl::engine& engine, const PoolDescs& d,
                                   const dnnl::pooling_forward::primitive_desc& forward) {
  return dnnl::pooling_backward::primitive_desc(engine, dnnl::algorithm::pooling_max, d.src, d.dst,
                                                d.strides, d.kernel, Dims{0, 0}, d.padding_begin,
                                                d.padding_end, forward, with_scratchpad());
}

#else

inline void append_eltwise(dnnl::post_ops& ops, dnnl::algorithm algorithm, float a, float b) {
  ops.append_eltwise(1.0F, algorithm, a, b);
}

inline auto describe_forward(const dnnl::engine& engine, dnnl::prop_kind kind,
                             const ConvolutionDescs& d, const dnnl::primitive_attr& attributes) {
  using Operation = dnnl::convolution_forward::desc;
  constexpr auto direct = dnnl::algorithm::convolution_direct;
  const auto operation = is_empty(d.bias)
                             ? Operation(kind, direct, d.src, d.weights, d.dst, d.strides,
                                         d.dilates, d.padding_begin, d.padding_end)
                             : Operation(kind, direct, d.src, d.weights, d.bias, d.dst, d.strides,
                                         d.dilates, d.padding_begin, d.padding_end);
  return dnnl::convolution_forward::primitive_desc(operation, attributes, engine, true);
}

inline auto describe_backward_data(const dnnl::engine& engine, const ConvolutionDescs& d,
                                   const dnnl::convolution_forward::primitive_desc& forward) {
  const dnnl::convolution_backward_data::desc operation(dnnl::algorithm::convolution_direct, d.src,
                                                        d.weights, d.dst, d.strides, d.dilates,
                                                        d.padding_begin, d.padding_end);
  return dnnl::convolution_backward_data::primitive_desc(operation, with_scratchpad(), engine,
                                                         forward, true);
}

inline auto describe_backward_weights(const dnnl::engine& engine, const ConvolutionDescs& d,
                                      const dnnl::convolution_forward::primitive_desc& forward) {
  const dnnl::convolution_backward_weights::desc operation(
      dnnl::algorithm::convolution_direct, d.src, d.weights, d.dst, d.strides, d.dilates,
      d.padding_begin, d.padding_end);
  return dnnl::convolution_backward_weights::primitive_desc(operation, with_scratchpad(), engine,
                                                            forward, true);
}

inline auto describe_pool(const dnnl::engine& engine, dnnl::prop_kind kind, const PoolDescs& d) {
  const dnnl::pooling_forward::desc operation(kind, dnnl::algorithm::pooling_max, d.src, d.dst,
                                              d.strides, d.kernel, d.padding_begin, d.padding_end);
  return dnnl::pooling_forward::primitive_desc(operation, with_scratchpad(), engine);
}

inline auto describe_pool_backward(const dnnl::engine& engine, const PoolDescs& d,
                                   const dnnl::pooling_forward::primitive_desc& forward) {
  const dnnl::pooling_backward::desc operation(dnnl::algorithm::pooling_max, d.src, d.dst,
                                               d.strides, d.kernel, d.padding_begin, d.padding_end);
  return dnnl::pooling_backward::primitive_desc(operation, with_scratchpad(), engine, forward);
}

#endif

}  // namespace poseheir::onednn
