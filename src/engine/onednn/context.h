// What the operations of one plan share: the device, the memory, the values and their gradients.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/graph.h"
#include "engine/kernels/gates.h"
#include "engine/kernels/kernels.h"
#include "engine/memory_plan.h"
#include "engine/onednn/border.h"
#include "engine/plan_memory.h"
#include "poseheir/engine.h"

namespace poseheir::onednn {

// A primitive with its arguments, and reorders alike.
struct Run {
  dnnl::primitive primitive;
  std::unordered_map<int, dnnl::memory> arguments;
};

// Sums of a map's pieces, for the batch norm before or after it.
struct Sums {
  BufferId buffer = kNoBuffer;
  long pieces = 0;
};

struct Gradient {
  BufferId buffer = kNoBuffer;
  bool writable = true;  // false where another value's gradient is the same buffer
  const kernels::Normalisation* norm = nullptr;  // the buffer is that of this norm's result
  Sums sums = {};
  // Where there is a gate, the gradient is buffer * gate + mean / pixels: squeeze-excite leaves
  // this to the pass that multiplies by swish's derivative.
  BufferId gate = kNoBuffer, mean = kNoBuffer;
};

struct Value {
  int channels = 0;
  MapSize size;
  Desc desc;
  kernels::View view;
  BufferId buffer = kNoBuffer;
  const kernels::Normalisation* norm = nullptr;  // the buffer holds what this norm is to read
  Sums moments;
  bool needs_gradient = false;
  std::vector<Gradient> gradients;  // what its readers give; their sum is its gradient
};

struct PlanRequest {
  int images = 0;
  MapSize size;
  Precision precision = Precision::fp32;
  std::vector<bool> trained;  // by variable; empty: forward only
  Trainer::SumOverParts sum_over_parts = {};
};

kernels::Isa effective_isa();

class Context {
 public:
  Context(const Network& network, const Graph& graph, const PlanRequest& request,
          std::shared_ptr<PlanMemory> shared);

  const Network& network;
  const Graph& graph;
  const PlanRequest request;
  dnnl::engine engine;
  dnnl::stream stream;
  const kernels::Kernels& kernels;
  const kernels::GateKernels& gates;
  const kernels::VectorKernels& vectors;
  Type type;   // of activations and packed weights
  Tag layout;  // of activations
  int block;   // channels of a block of that layout; 0: channels last
  std::vector<Value> values;
  MemoryPlan plan;
  const std::shared_ptr<PlanMemory> shared;
  Parameters& gradients;  // by variable, TensorFlow's layouts

  std::size_t type_bytes() const { return type == Type::bf16 ? 2 : 4; }
  bool training() const { return !request.trained.empty(); }
  bool is_trained(int variable) const {
    return variable >= 0 && training() && request.trained[variable];
  }
  const Layer& layer(const Op& op) const { return network.layers[op.layer]; }
  // Times of the plan: op i runs forward at i, backward at backward_time(i).
  int output_time() const { return static_cast<int>(graph.ops.size()); }
  int backward_time(int op) const { return 2 * output_time() + 1 - op; }

  Desc desc_of(int channels, MapSize size, Type element) const;
  kernels::View view_of(int channels, MapSize size) const;
  BufferId floats(std::size_t count, int time) { return plan.add(4 * count, time); }
  BufferId lasting_floats(std::size_t count) { return plan.add_lasting(4 * count); }
  // One buffer for every op that folds weights.
  BufferId shared_scratch(std::size_t bytes);

  // Memory in a buffer; where the library wants another layout, a reorder beside the run.
  dnnl::memory at(const Desc& desc, BufferId buffer);
  dnnl::memory input(const Desc& wanted, const Desc& have, BufferId buffer, int time,
                     std::vector<Run>& runs);
  dnnl::memory output(const Desc& wanted, const Desc& have, BufferId buffer, int time,
                      std::vector<Run>& after);
  template <class PrimitiveDesc>
  dnnl::memory scratchpad(const PrimitiveDesc& desc, int time) {
    return at(desc.scratchpad_desc(), plan.add(desc.scratchpad_desc().get_size(), time));
  }
  Run reorder(const dnnl::memory& from, const dnnl::memory& to);
  void execute(const std::vector<Run>& runs) {
    for (const auto& run : runs) run.primitive.execute(stream, run.arguments);
  }

  void finish();  // places the buffers and reserves memory for them
  // Gives all memory its address, which another plan's growth may have changed.
  void bind();
  void* address(BufferId buffer) const {
    return buffer == kNoBuffer ? nullptr : shared->arena.data() + plan.offset(buffer);
  }
  float* floats_at(BufferId buffer) const { return static_cast<float*>(address(buffer)); }
  // Whether so large a result has left the caches before it is read.
  bool outgrows_caches(std::size_t bytes) const;

 private:
  std::vector<std::pair<dnnl::memory, BufferId>> bound_;
  std::size_t scratch_bytes_ = 0;
  BufferId scratch_ = kNoBuffer;
};

// dz = sum of a value's gradients, times the derivative of its activation, and its sums over
// pixels.
struct Merge {
  BufferId terms[3] = {kNoBuffer, kNoBuffer, kNoBuffer};
  BufferId gate = kNoBuffer, mean = kNoBuffer;  // of the only term
  BufferId value = kNoBuffer, out = kNoBuffer, workspace = kNoBuffer, sums = kNoBuffer;
  bool writes = false, writable = true;
  kernels::View view;
  kernels::Clamp clamp = kernels::Clamp::none;
  kernels::Curve curve = kernels::Curve::none;  // where it is one, `value` is what went into it

  void run(const Context& context) const;
};
Merge plan_merge(Context& context, int value, kernels::Clamp clamp, BufferId sums, int time,
                 kernels::Curve curve = kernels::Curve::none, BufferId before_curve = kNoBuffer);

// An op's activation is one or the other.
kernels::Clamp clamp_of(const Op& op);
kernels::Curve curve_of(const Op& op);
const Layer* norm_of(const Context& context, const Op& op);  // the folded one; null if none

// One operation of a plan.
class Node {
 public:
  virtual ~Node() = default;
  virtual void plan_backward(int /*time*/) {}
  virtual void pack(const Parameters& /*parameters*/) {}
  virtual void forward() = 0;
  virtual void backward() {}
  virtual void list(std::vector<std::string>& /*implementations*/) const {}
};

}  // namespace poseheir::onednn
