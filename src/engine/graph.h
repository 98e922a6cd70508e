// A network as operations to run: layers that arithmetic can do at once become one operation.
#pragma once

#include <vector>

#include "poseheir/network.h"

namespace poseheir {

enum class OpKind {
  image,
  convolution,
  depthwise,
  fixed_depthwise,  // with bias, or batch norm with fixed statistics
  heads,
  upsample,  // a transposed convolution that others read
  batch_norm,
  max_pool,
  subsample,
  add,
  concat,
  resize,
  curve,  // swish or sigmoid on its own
  global_mean,
  scale_channels,
};

// A value is named by the index of the layer whose output it is.
struct Op {
  OpKind kind = OpKind::image;
  int layer = 0;            // the layer that gives weights, sizes and the name
  std::vector<int> inputs;  // add: one or two; scale_channels: two; concat: any number; else one
  int output = 0;           // heads: the first of `heads`
  int fixed_norm = -1;      // batch norm with fixed statistics, to be folded
  int residual = -1;        // value added before the activation
  bool activated = false;
  Activation activation = Activation::relu;
  std::vector<int> heads;  // the transposed convolutions of one input
};

struct Graph {
  std::vector<Op> ops;          // in an order in which they can run
  std::vector<int> last_use;    // by value: the last op that reads it; -1 if none
  std::vector<bool> is_output;  // by value
};

// What `outputs` (layers) need and nothing else. Throws Error(unsupported) for a layer that the
// engine lacks.
Graph lower(const Network& network, const std::vector<int>& outputs);

}  // namespace poseheir
