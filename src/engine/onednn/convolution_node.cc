// A convolution with what was folded into it: batch norm with fixed statistics, bias, residual,
// activation. Swish's derivative needs the value before it, so training keeps that too.
#include "engine/onednn/convolution.h"
#include "engine/onednn/folded_norm.h"
#include "engine/onednn/nodes.h"

namespace poseheir::onednn {
namespace {

class ConvolutionNode final : public Node {
 public:
  ConvolutionNode(Context& context, int op)
      : context_(context),
        op_(context.graph.ops[op]),
        layer_(context.layer(op_)),
        in_(context.values[op_.inputs[0]]),
        out_(context.values[op_.output]),
        rows_(std::size_t(layer_.kernel) * layer_.kernel * in_.channels),
        plain_({layer_.channels, in_.channels, layer_.kernel, layer_.kernel}, Type::f32, Tag::hwio),
        norm_(context, layer_, norm_of(context, op_), rows_),
        passes_(context, layer_.name,
                shape_of(layer_, context.request.images, in_.channels, in_.size, out_.size),
                norm_.trains_weights() ? ConvolutionPasses::Weights::changing
                                       : ConvolutionPasses::Weights::lasting) {
    out_.needs_gradient = norm_.trains_weights() || norm_.trains_bias() || in_.needs_gradient ||
                          (op_.residual >= 0 && context.values[op_.residual].needs_gradient);
    keeps_z_ = out_.needs_gradient && curve_of(op_) != kernels::Curve::none;
    ConvolutionPasses::PostOps post;
    post.clamp = clamp_of(op_);
    if (!keeps_z_) post.curve = curve_of(op_);
    if (norm_.has_bias()) post.bias = bias_ = context.lasting_floats(layer_.channels);
    if (op_.fixed_norm >= 0) folded_ = context.shared_scratch(4 * rows_ * layer_.channels);
    // Scores and fields come unrounded.
    if (context.graph.is_output[op_.output] && context.graph.last_use[op_.output] < 0 &&
        !op_.activated)
      out_.desc = context.desc_of(out_.channels, out_.size, Type::f32);
    if (op_.residual >= 0) add_residual(op, post);
    if (out_.buffer == kNoBuffer) out_.buffer = context.plan.add(out_.desc.get_size(), op);
    context.plan.use(out_.buffer, op);
    z_ = keeps_z_ ? context.plan.add(out_.desc.get_size(), op) : out_.buffer;
    passes_.plan_forward({in_.desc, in_.buffer}, {out_.desc, z_}, post, op);
  }

  void plan_backward(int time) override {
    if (!out_.needs_gradient || out_.gradients.empty()) return;
    has_backward_ = true;
    if (norm_.trains_bias()) bias_gradient_ = context_.floats(out_.view.channels(), time);
    merge_ = plan_merge(context_, op_.output, clamp_of(op_), bias_gradient_, time,
                        keeps_z_ ? curve_of(op_) : kernels::Curve::none, z_);
    const ConvolutionPasses::Place dz{context_.desc_of(out_.channels, out_.size, context_.type),
                                      merge_.out};
    if (norm_.trains_weights())
      passes_.plan_backward_weights({in_.desc, in_.buffer}, dz, plain_, time);
    norm_.plan_gradients();
    if (in_.needs_gradient) {
      const auto dx = context_.plan.add(in_.desc.get_size(), time);
      passes_.plan_backward_data({in_.desc, dx}, dz, time);
      in_.gradients.push_back({dx, true});
    }
    if (op_.residual >= 0 && context_.values[op_.residual].needs_gradient)
      context_.values[op_.residual].gradients.push_back({merge_.out, merge_.writable});
  }

  void pack(const Parameters& parameters) override {
    parameters_ = &parameters;
    if (!norm_.trains_weights()) passes_.pack(plain_, folded_weights());
  }

  void forward() override {
    if (norm_.trains_weights()) passes_.pack_forward(plain_, folded_weights());
    passes_.forward();
    if (keeps_z_)
      context_.gates.curve(context_.address(z_), out_.view.size(), curve_of(op_),
                           context_.address(out_.buffer));
  }

  void backward() override {
    if (!has_backward_) return;
    merge_.run(context_);
    if (in_.needs_gradient) {
      if (norm_.trains_weights()) passes_.pack_backward(plain_, folded_weights());
      passes_.backward_data();
    }
    if (norm_.trains_weights()) passes_.backward_weights(context_.gradients[layer_.weights].data());
    norm_.unfold(context_.floats_at(bias_gradient_));
  }

  void list(std::vector<std::string>& implementations) const override {
    passes_.list(implementations);
  }

 private:
  // In memory that all operations share, with the bias at its place.
  const float* folded_weights() {
    return norm_.pack(*parameters_, context_.floats_at(bias_), context_.floats_at(folded_));
  }

  void add_residual(int op, ConvolutionPasses::PostOps& post) {
    const auto& residual = context_.values[op_.residual];
    const bool dies = context_.graph.last_use[op_.residual] == op &&
                      !context_.graph.is_output[op_.residual] && op_.residual != op_.inputs[0];
    if (dies && !context_.training()) {
      out_.buffer = residual.buffer;
      post.sum_in_place = true;
    } else {
      post.addend = {residual.desc, residual.buffer};
    }
  }

  Context& context_;
  const Op& op_;
  const Layer& layer_;
  Value &in_, &out_;
  std::size_t rows_;  // of the weights as a matrix with a column for each output
  Desc plain_;
  const Parameters* parameters_ = nullptr;
  FoldedNorm norm_;
  ConvolutionPasses passes_;
  BufferId bias_ = kNoBuffer, folded_ = kNoBuffer, z_ = kNoBuffer, bias_gradient_ = kNoBuffer;
  Merge merge_;
  bool keeps_z_ = false, has_backward_ = false;
};

}  // namespace

std::unique_ptr<Node> make_convolution(Context& context, int op) {
  return std::make_unique<ConvolutionNode>(context, op);
}

}  // namespace poseheir::onednn
