// A convolution's three passes, each by the fastest implementation the library has.
#pragma once

#include <optional>

#include "engine/onednn/context.h"

namespace poseheir::onednn {

struct ConvolutionShape {
  Dims src, weights, dst;  // NCHW, OIHW, NCHW
  Dims strides, dilates, padding_begin, padding_end;
};
ConvolutionShape shape_of(const Layer& layer, int images, int in_channels, MapSize in, MapSize out);
// The same for our own depthwise kernels.
kernels::DepthwiseShape kernel_shape(const Layer& layer, int images, const Value& in,
                                     const Value& out);

// Forward, by need also both backward passes, of one convolution between two given places.
class ConvolutionPasses {
 public:
  struct Place {
    Desc desc;
    BufferId buffer = kNoBuffer;
  };
  struct PostOps {
    BufferId bias = kNoBuffer;
    bool sum_in_place = false;    // dst holds the residual already
    std::optional<Place> addend;  // else, a residual that is read from elsewhere
    kernels::Clamp clamp = kernels::Clamp::none;
    kernels::Curve curve = kernels::Curve::none;
  };

  // Of weights that last for many passes, or (`changing`) that are packed anew before each pass
  // that reads them and take no room in between.
  enum class Weights { lasting, changing };
  ConvolutionPasses(Context& context, std::string name, const ConvolutionShape& shape,
                    Weights weights = Weights::lasting);

  // For a plan without a forward pass: the library wants it as a hint for the others.
  void describe(const Desc& src, const Desc& dst);
  void plan_forward(const Place& src, const Place& dst, const PostOps& post, int time);
  void plan_backward_data(const Place& diff_src, const Place& diff_dst, int time);
  // The gradient comes as plain fp32 in `plain`'s layout, at the address given later.
  void plan_backward_weights(const Place& src, const Place& diff_dst, const Desc& plain, int time);

  // Repacks weights that lie plainly, fp32, at `weights`: for all passes, or for one direction.
  void pack(const Desc& plain, const float* weights);
  void pack_forward(const Desc& plain, const float* weights);
  void pack_backward(const Desc& plain, const float* weights);
  void forward() { context_.execute(forward_); }
  void backward_data() { context_.execute(backward_data_); }
  void backward_weights(float* gradient);
  void list(std::vector<std::string>& implementations) const;

 private:
  dnnl::prop_kind kind() const {
    return context_.training() ? dnnl::prop_kind::forward_training
                               : dnnl::prop_kind::forward_inference;
  }
  // The weights in this layout: those of the other direction where they lie so already.
  dnnl::memory packed_for(const Desc& desc, const dnnl::memory& other, int time);
  void pack_into(dnnl::memory& packed, const Desc& plain, const float* weights);
  ConvolutionDescs descs(const Desc& src, const Desc& dst, Type weights) const;

  Context& context_;
  std::string name_;
  ConvolutionShape shape_;
  Weights weights_;
  dnnl::convolution_forward::primitive_desc forward_desc_;
  dnnl::memory packed_, packed_backward_, weight_gradient_;
  Desc plain_gradient_;
  dnnl::reorder unpack_;
  std::vector<Run> forward_, backward_data_, backward_weights_;
  std::vector<std::string> implementations_;
};

}  // namespace poseheir::onednn
