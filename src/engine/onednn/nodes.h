// The operations a plan is made of.
#pragma once

#include <memory>
#include <span>

#include "engine/onednn/context.h"

namespace poseheir::onednn {

// `op` is the index in Graph::ops. Each claims its buffers as it is made.
class ImageNode final : public Node {
 public:
  ImageNode(Context& context, int op);
  void set_pixels(const std::uint8_t* pixels) { pixels_ = pixels; }
  void forward() override;

 private:
  Context& context_;
  const Layer& layer_;
  Value& value_;
  const std::uint8_t* pixels_ = nullptr;
};

// What step() needs of a batch norm with batch statistics.
struct BatchStatistics {
  const Layer* layer = nullptr;
  const float *mean = nullptr, *variance = nullptr;  // biased
  double count = 0;
};

class NormNode final : public Node {
 public:
  NormNode(Context& context, int op);
  void plan_backward(int time) override;
  void pack(const Parameters& parameters) override;
  void forward() override;
  void backward() override;
  BatchStatistics statistics() const;

 private:
  double own_count() const;
  void join_moments();
  void join_sums(std::vector<float>& sum, std::vector<float>& product) const;
  void finish_sums();

  Context& context_;
  const Op& op_;
  const Layer& layer_;
  int channels_;
  double count_ = 0;  // of the values that mean and variance are of
  BufferId workspace_ = kNoBuffer, in_, residual_ = kNoBuffer, out_;
  std::vector<float> gamma_, beta_, mean_, variance_, scale_, shift_;
  kernels::Normalisation norm_;
  Sums moments_;
  bool deferred_;  // its reader normalises
  // backward
  bool has_backward_ = false;
  BufferId terms_[2] = {kNoBuffer, kNoBuffer}, merged_ = kNoBuffer, dx_ = kNoBuffer,
           back_workspace_ = kNoBuffer;
  bool merges_ = false, hands_on_ = false;  // the operation before passes the gradient through it
  Sums sums_;
  Merge first_merge_;
  std::vector<float> sum_, product_, down_, projected_;
};

std::unique_ptr<Node> make_convolution(Context& context, int op);
std::unique_ptr<Node> make_pointwise(Context& context, int op);
std::unique_ptr<Node> make_depthwise(Context& context, int op);
std::unique_ptr<Node> make_fixed_depthwise(Context& context, int op);
std::unique_ptr<Node> make_curve(Context& context, int op);
std::unique_ptr<Node> make_global_mean(Context& context, int op);
std::unique_ptr<Node> make_scale_channels(Context& context, int op);
std::unique_ptr<Node> make_max_pool(Context& context, int op);
std::unique_ptr<Node> make_subsample(Context& context, int op);
std::unique_ptr<Node> make_add(Context& context, int op);
std::unique_ptr<Node> make_concat(Context& context, int op);
std::unique_ptr<Node> make_resize(Context& context, int op);
std::unique_ptr<Node> make_upsample(Context& context, int op);

// A gradient of the value to which more may be added; kNoBuffer if there is none yet.
BufferId writable_gradient(const Value& value);

// The transposed convolutions of one value, as one matrix product: their outputs lie in maps of
// the caller, and so do their gradients.
class HeadsNode final : public Node {
 public:
  HeadsNode(Context& context, int op);
  ~HeadsNode() override;
  void set_maps(int head, float* output) { outputs_[head] = output; }
  void set_gradient(int head, const float* gradient) { output_gradients_[head] = gradient; }
  void plan_backward(int time) override;
  void pack(const Parameters& parameters) override;
  void forward() override;
  void backward() override;
  void list(std::vector<std::string>& implementations) const override;

 private:
  struct Parts;
  Context& context_;
  const Op& op_;
  std::unique_ptr<Parts> parts_;
  std::vector<float*> outputs_;
  std::vector<const float*> output_gradients_;
};

}  // namespace poseheir::onednn
