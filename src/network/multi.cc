// The multi-scale networks of stride 4 and 2: DLCRNet's multi-stage decoder and the dual fusion of
// two depths.
#include <fmt/format.h>

#include "network/families.h"

namespace poseheir {
namespace {

// slim's defaults, which this decoder was left with: no gamma, and the batch's own statistics.
constexpr Norm kDecoderNorm = {0.001F, 0.999F, true, false};
constexpr int kSideChannels = 128;
constexpr int kStages = 4;

int decoder_filter(Graph& graph, int input, int number, const Kernel& kernel) {
  const auto scope = fmt::format("decoder_filters/decoder_parallel_{}", number);
  int net = graph.convolution(input, scope + "/Conv2D", scope + "/weights", kernel,
                              Initializer::xavier_uniform);
  net = graph.batch_norm(net, scope + "/BatchNorm", scope + "/BatchNorm", kDecoderNorm);
  return graph.activation(net, scope, Activation::relu);
}

int upsampled(Graph& graph, int input, const std::string& scope, int channels) {
  const int net = graph.transposed(input, scope, channels);
  graph.rename(net, scope + "/conv2d_transpose");
  return graph.activation(net, scope, Activation::relu);
}

int stage_head(Graph& graph, int input, const std::string& name, int channels) {
  const auto scope = "pose/" + name + "/Conv";
  const int net = graph.convolution(input, scope, scope + "/weights", {channels, 3},
                                    Initializer::xavier_uniform);
  graph.bias(net, scope + "/biases");
  return net;
}

// Score maps and limbs, refined stage by stage from what the stage before found.
void add_stages(Graph& graph, int features) {
  const auto& spec = graph.spec();
  const int score_channels = spec.keypoints + spec.identity_channels;
  const auto head = [&](const std::string& name, int channels) {
    return graph.transposed(features, "pose/" + name + "/Conv2d_transpose", channels);
  };
  int scores = head("part_pred_s1", score_channels);
  if (spec.location_refinement) graph.output("locref", head("locref_pred", 2 * spec.keypoints));
  const int fine = upsampled(graph, features, "pose/Conv2d_transpose", spec.bank3);
  const int limbs = head("pairwise_pred_s1", 2 * spec.limbs);
  int input = graph.concat({scores, limbs, fine}, "pose/concat_s1");
  for (int stage = 2; stage <= kStages; ++stage) {
    const int stage_limbs =
        stage_head(graph, input, fmt::format("pairwise_pred_s{}", stage), 2 * spec.limbs);
    int stage_scores =
        stage_head(graph, input, fmt::format("part_pred_s{}", stage), score_channels);
    if (stage > 2)
      stage_scores = graph.add(stage_scores, scores, fmt::format("pose/part_pred_s{}", stage));
    scores = stage_scores;
    input = graph.concat({scores, stage_limbs, fine}, fmt::format("pose/concat_s{}", stage));
  }
  graph.output("part_pred", stage_head(graph, input, "part_pred", score_channels));
  graph.output("pairwise_pred", stage_head(graph, input, "pairwise_pred", 2 * spec.limbs));
}

}  // namespace

void add_multi_stage(Graph& graph, const Backbone& backbone) {
  const auto& spec = graph.spec();
  graph.enter(NetworkPart::decoder);
  const int fine = graph.resize(backbone.fine, backbone.features, "decoder_filters/resize_fine",
                                ResizeRule::tf1, 2);
  const int finer = graph.resize(backbone.finer, backbone.features, "decoder_filters/resize_finer",
                                 ResizeRule::tf1, 4);
  int second = decoder_filter(graph, fine, 1, {512, 3, 2});
  second = decoder_filter(graph, second, 2, {kSideChannels});
  int first = decoder_filter(graph, finer, 3, {256, 3, 2});
  first = decoder_filter(graph, first, 4, {256, 3, 2});
  first = decoder_filter(graph, first, 5, {kSideChannels});
  int net = graph.concat({first, second, backbone.features}, "decoder_filters/concat");
  net = upsampled(graph, net, "upsampled_features/block3", spec.bank3);
  if (spec.stride < 4) net = upsampled(graph, net, "upsampled_features/block4", spec.bank5);
  graph.enter(NetworkPart::head);
  add_stages(graph, net);
}

void add_dual_fusion(Graph& graph, const Backbone& backbone) {
  graph.enter(NetworkPart::decoder);
  const int fine = graph.resize(backbone.fine, backbone.features, "decoder_filters/resize",
                                ResizeRule::half_pixel, 2);
  const std::string scope = "decoder_filters/decoder_parallel_1";
  const int side = graph.convolution(fine, scope + "/Conv2D", scope + "/weights",
                                     {graph.spec().bank3}, Initializer::xavier_uniform);
  graph.bias(side, scope + "/biases");
  const int filtered = graph.activation(side, scope, Activation::relu);
  const int coarse =
      upsampled(graph, backbone.features, "upsampled_features/block4", graph.spec().bank5);
  add_heads(graph, graph.concat({filtered, coarse}, "concat"));
}

}  // namespace poseheir
