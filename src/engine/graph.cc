#include "engine/graph.h"

#include <algorithm>
#include <fmt/format.h>

#include "poseheir/error.h"

namespace poseheir {
namespace {

class Lowering {
 public:
  Lowering(const Network& network, const std::vector<int>& outputs)
      : network_(network),
        readers_(network.layers.size(), 0),
        needed_(network.layers.size(), false),
        producer_(network.layers.size(), -1) {
    graph_.is_output.assign(network.layers.size(), false);
    for (const int output : outputs) graph_.is_output[output] = needed_[output] = true;
    for (auto layer = static_cast<int>(network.layers.size()) - 1; layer >= 0; --layer) {
      if (!needed_[layer]) continue;
      for (const int input : inputs_of(network.layers[layer])) {
        needed_[input] = true;
        ++readers_[input];
      }
    }
  }

  Graph run() {
    for (std::size_t layer = 0; layer < network_.layers.size(); ++layer)
      if (needed_[layer]) add_layer(static_cast<int>(layer));
    graph_.last_use.assign(network_.layers.size(), -1);
    for (std::size_t op = 0; op < graph_.ops.size(); ++op) {
      for (const int input : graph_.ops[op].inputs) graph_.last_use[input] = static_cast<int>(op);
      if (graph_.ops[op].residual >= 0)
        graph_.last_use[graph_.ops[op].residual] = static_cast<int>(op);
    }
    return std::move(graph_);
  }

 private:
  // Values that are read: of the second input of a resize only the size counts.
  static std::vector<int> inputs_of(const Layer& layer) {
    if (layer.kind == LayerKind::resize) return {layer.inputs[0]};
    return layer.inputs;
  }

  void add_layer(int index) {
    const auto& layer = network_.layers[index];
    switch (layer.kind) {
      case LayerKind::image:
        return emit(OpKind::image, index);
      case LayerKind::convolution:
        return emit(OpKind::convolution, index);
      case LayerKind::depthwise_convolution:
        return emit(layer.bias >= 0 ? OpKind::fixed_depthwise : OpKind::depthwise, index);
      case LayerKind::transposed_convolution:
        return add_transposed(index);
      case LayerKind::batch_norm:
        return add_norm(index);
      case LayerKind::activation:
        return add_activation(index);
      case LayerKind::max_pool:
        return emit(OpKind::max_pool, index);
      case LayerKind::subsample:
        return emit(OpKind::subsample, index);
      case LayerKind::add:
        return add_sum(index);
      case LayerKind::concat:
        return emit(OpKind::concat, index);
      case LayerKind::resize:
        return emit(OpKind::resize, index);
      case LayerKind::global_mean:
        return emit(OpKind::global_mean, index);
      case LayerKind::scale_channels:
        return emit(OpKind::scale_channels, index);
    }
  }

  [[noreturn]] void refuse(const Layer& layer, const char* what) const {
    throw Error(ErrorKind::unsupported, fmt::format("{} (layer '{}'): the engine cannot run {}",
                                                    network_.spec.net_type, layer.name, what));
  }

  void emit(OpKind kind, int index) {
    Op op;
    op.kind = kind;
    op.layer = op.output = index;
    op.inputs = inputs_of(network_.layers[index]);
    producer_[index] = static_cast<int>(graph_.ops.size());
    graph_.ops.push_back(std::move(op));
  }

  // The op whose value nobody but the layer at hand reads, so that it may be changed; else null.
  Op* sole_producer(int value) {
    if (readers_[value] != 1 || graph_.is_output[value]) return nullptr;
    return &graph_.ops[producer_[value]];
  }

  void rename(Op& op, int value) {
    producer_[value] = producer_[op.output];
    op.output = value;
  }

  void add_norm(int index) {
    const auto& layer = network_.layers[index];
    if (layer.batch_statistics) return emit(OpKind::batch_norm, index);
    auto* op = sole_producer(layer.inputs[0]);
    const bool fits = op != nullptr && op->fixed_norm < 0 && op->residual < 0 && !op->activated &&
                      (op->kind == OpKind::convolution || op->kind == OpKind::depthwise ||
                       op->kind == OpKind::fixed_depthwise);
    if (!fits) refuse(layer, "fixed batch norm that does not follow a convolution of its own");
    if (op->kind == OpKind::depthwise) op->kind = OpKind::fixed_depthwise;
    op->fixed_norm = index;
    rename(*op, index);
  }

  static bool can_end_in_sum(const Op& op) {
    return (op.kind == OpKind::convolution || op.kind == OpKind::batch_norm) && !op.activated &&
           op.residual < 0;
  }

  void add_sum(int index) {
    auto inputs = network_.layers[index].inputs;
    if (inputs.size() != 2) refuse(network_.layers[index], "a sum of other than two values");
    // The later of the two adds the earlier one as it writes.
    if (producer_[inputs[0]] > producer_[inputs[1]]) std::swap(inputs[0], inputs[1]);
    auto* later = sole_producer(inputs[1]);
    if (later == nullptr || !can_end_in_sum(*later) || inputs[0] == inputs[1])
      return emit(OpKind::add, index);
    later->residual = inputs[0];
    rename(*later, index);
  }

  static bool takes_clamp(const Op& op) {
    return op.kind == OpKind::convolution || op.kind == OpKind::batch_norm ||
           op.kind == OpKind::add || op.kind == OpKind::upsample;
  }
  static bool takes_curve(const Op& op, Activation activation) {
    return op.kind == OpKind::convolution ||
           (op.kind == OpKind::fixed_depthwise && activation == Activation::swish);
  }

  void add_activation(int index) {
    const auto& layer = network_.layers[index];
    const bool curve =
        layer.activation == Activation::swish || layer.activation == Activation::sigmoid;
    auto* op = sole_producer(layer.inputs[0]);
    const bool fits = op != nullptr && !op->activated &&
                      (curve ? takes_curve(*op, layer.activation) : takes_clamp(*op));
    if (!fits) {
      emit(curve ? OpKind::curve : OpKind::add, index);
      op = &graph_.ops.back();
    }
    op->activated = true;
    op->activation = layer.activation;
    rename(*op, index);
  }

  void add_transposed(int index) {
    const auto& layer = network_.layers[index];
    if (layer.kernel != 3 || layer.stride != 2)
      refuse(layer, "a transposed convolution of another kernel than 3 or stride than 2");
    if (readers_[index] != 0) return emit(OpKind::upsample, index);
    for (auto& op : graph_.ops)
      if (op.kind == OpKind::heads && op.inputs == layer.inputs) {
        op.heads.push_back(index);
        producer_[index] = producer_[op.output];
        return;
      }
    emit(OpKind::heads, index);
    graph_.ops.back().heads = {index};
  }

  const Network& network_;
  Graph graph_;
  std::vector<int> readers_;
  std::vector<bool> needed_;
  std::vector<int> producer_;  // by value: the op that makes it
};

}  // namespace

Graph lower(const Network& network, const std::vector<int>& outputs) {
  return Lowering(network, outputs).run();
}

}  // namespace poseheir
