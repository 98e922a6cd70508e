#include "engine/onednn/context.h"

#include <algorithm>

#include "poseheir/error.h"

namespace poseheir::onednn {

// As oneDNN itself is limited (DNNL_MAX_CPU_ISA), so are our kernels.
kernels::Isa effective_isa() {
  const auto isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto has = [&](dnnl::cpu_isa wanted) {
    return (isa & static_cast<unsigned>(wanted)) == static_cast<unsigned>(wanted);
  };
  if (has(dnnl::cpu_isa::avx512_core_bf16)) return kernels::Isa::avx512_bf16;
  if (has(dnnl::cpu_isa::avx512_core)) return kernels::Isa::avx512;
  return has(dnnl::cpu_isa::avx2) ? kernels::Isa::avx2 : kernels::Isa::baseline;
}

namespace {

// Blocks of channels where every backbone convolution fills them: oneDNN's backward passes are at
// their best there. Channels last otherwise, where too many blocks would be padded. (The few small
// maps of a multi-stage decoder are padded.)
int choose_block(const Network& network) {
  const int block = effective_isa() >= kernels::Isa::avx512 ? 16 : 8;
  for (const auto& layer : network.layers) {
    if (layer.kind == LayerKind::depthwise_convolution) return 0;
    if (layer.kind == LayerKind::batch_norm && layer.channels % block != 0) return 0;
  }
  return block;
}

Tag tag_of(int block) { return block == 0 ? Tag::nhwc : block == 8 ? Tag::nChw8c : Tag::nChw16c; }

}  // namespace

Context::Context(const Network& network_in, const Graph& graph_in, const PlanRequest& request_in,
                 std::shared_ptr<PlanMemory> shared_in)
    : network(network_in),
      graph(graph_in),
      request(request_in),
      engine(dnnl::engine::kind::cpu, 0),
      stream(engine),
      kernels(request.precision == Precision::bf16 ? kernels::bf16_kernels(effective_isa())
                                                   : kernels::float_kernels(effective_isa())),
      gates(request.precision == Precision::bf16 ? kernels::bf16_gates(effective_isa())
                                                 : kernels::float_gates(effective_isa())),
      vectors(kernels::vector_kernels(effective_isa())),
      type(request.precision == Precision::bf16 ? Type::bf16 : Type::f32),
      block(choose_block(network_in)),
      shared(std::move(shared_in)),
      gradients(shared->gradients) {
  layout = tag_of(block);
  gradients.resize(network.variables.size());
  values.resize(network.layers.size());
  const auto sizes = map_sizes(network, request.size);
  for (std::size_t i = 0; i < values.size(); ++i) {
    auto& value = values[i];
    const bool is_image = network.layers[i].kind == LayerKind::image;
    value.channels = is_image ? 3 : network.layers[i].channels;
    value.size = sizes[i];
    value.desc = desc_of(value.channels, value.size, type);
    value.view = view_of(value.channels, value.size);
    // The first convolution's own layouts: planes beside blocks, pixels otherwise.
    if (is_image)
      value.desc = Desc({request.images, 3, value.size.height, value.size.width}, type,
                        block == 0 ? Tag::nhwc : Tag::nchw);
  }
}

Desc Context::desc_of(int channels, MapSize size, Type element) const {
  return Desc({request.images, channels, size.height, size.width}, element, layout);
}

kernels::View Context::view_of(int channels, MapSize size) const {
  const int blocks = block == 0 ? 1 : (channels + block - 1) / block;
  return {request.images * blocks, blocks, size.height * size.width, block == 0 ? channels : block};
}

BufferId Context::shared_scratch(std::size_t bytes) {
  if (scratch_ == kNoBuffer) scratch_ = plan.add_lasting(0);
  scratch_bytes_ = std::max(scratch_bytes_, bytes);
  plan.grow(scratch_, scratch_bytes_);
  return scratch_;
}

dnnl::memory Context::at(const Desc& desc, BufferId buffer) {
  dnnl::memory memory(desc, engine, DNNL_MEMORY_NONE);
  bound_.emplace_back(memory, buffer);
  return memory;
}

dnnl::memory Context::input(const Desc& wanted, const Desc& have, BufferId buffer, int time,
                            std::vector<Run>& runs) {
  plan.use(buffer, time);
  const auto memory = at(have, buffer);
  if (wanted == have) return memory;
  const auto copy = at(wanted, plan.add(wanted.get_size(), time));
  runs.push_back(reorder(memory, copy));
  return copy;
}

dnnl::memory Context::output(const Desc& wanted, const Desc& have, BufferId buffer, int time,
                             std::vector<Run>& after) {
  plan.use(buffer, time);
  const auto memory = at(have, buffer);
  if (wanted == have) return memory;
  const auto copy = at(wanted, plan.add(wanted.get_size(), time));
  after.push_back(reorder(copy, memory));
  return copy;
}

Run Context::reorder(const dnnl::memory& from, const dnnl::memory& to) {
  return {dnnl::reorder(from, to), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}}};
}

void Context::finish() {
  plan.place();
  shared->arena.reserve(plan.total_bytes());
}

void Context::bind() {
  for (auto& [bound, buffer] : bound_) bound.set_data_handle(address(buffer));
}

bool Context::outgrows_caches(std::size_t bytes) const {
  // A processor's share of them, and the last one, which plans of small networks do not fill.
  constexpr std::size_t kOfCore = 512 << 10, kLast = 32 << 20;
  return bytes >= kOfCore && plan.total_bytes() > kLast;
}

void Merge::run(const Context& context) const {
  if (!writes && sums == kNoBuffer) return;
  if (gate != kNoBuffer)
    return context.gates.gated_gradient(context.address(terms[0]), context.address(gate),
                                        context.address(mean), context.address(value), view,
                                        context.floats_at(workspace), context.address(out),
                                        context.floats_at(sums));
  if (curve != kernels::Curve::none)
    return context.gates.curve_gradient(context.address(terms[0]), context.address(terms[1]),
                                        context.address(terms[2]), context.address(value), view,
                                        curve, context.floats_at(workspace), context.address(out),
                                        context.floats_at(sums));
  context.kernels.gradient(context.address(terms[0]), context.address(terms[1]),
                           context.address(terms[2]), context.address(value), view, clamp,
                           context.floats_at(workspace), writes ? context.address(out) : nullptr,
                           context.floats_at(sums));
}

Merge plan_merge(Context& context, int value_index, kernels::Clamp clamp, BufferId sums, int time,
                 kernels::Curve curve, BufferId before_curve) {
  auto& value = context.values[value_index];
  if (value.gradients.empty() || value.gradients.size() > 3)
    throw Error(ErrorKind::unsupported, "a value with " + std::to_string(value.gradients.size()) +
                                            " readers in the backward pass");
  Merge merge;
  merge.view = value.view;
  merge.clamp = clamp;
  merge.sums = sums;
  merge.curve = curve;
  merge.writes =
      value.gradients.size() > 1 || clamp != kernels::Clamp::none || curve != kernels::Curve::none;
  merge.out = value.gradients[0].buffer;
  merge.writable = value.gradients[0].writable;
  merge.gate = value.gradients[0].gate;
  merge.mean = value.gradients[0].mean;
  for (const auto buffer : {merge.gate, merge.mean})
    if (buffer != kNoBuffer) context.plan.use(buffer, time);
  for (std::size_t i = 0; i < value.gradients.size(); ++i) {
    merge.terms[i] = value.gradients[i].buffer;
    context.plan.use(merge.terms[i], time);
    if (merge.writes && !merge.writable && value.gradients[i].writable) {
      merge.out = value.gradients[i].buffer;
      merge.writable = true;
    }
  }
  if (merge.writes && !merge.writable) {
    merge.out = context.plan.add(value.desc.get_size(), time);
    merge.writable = true;
  }
  if (clamp != kernels::Clamp::none) merge.value = value.buffer;
  if (curve != kernels::Curve::none) merge.value = before_curve;
  if (merge.value != kNoBuffer) context.plan.use(merge.value, time);
  if (sums != kNoBuffer)
    merge.workspace = context.floats(kernels::workspace_floats(value.view), time);
  return merge;
}

kernels::Clamp clamp_of(const Op& op) {
  if (!op.activated || curve_of(op) != kernels::Curve::none) return kernels::Clamp::none;
  return op.activation == Activation::relu ? kernels::Clamp::relu : kernels::Clamp::relu6;
}

kernels::Curve curve_of(const Op& op) {
  if (!op.activated || op.activation == Activation::relu || op.activation == Activation::relu6)
    return kernels::Curve::none;
  return op.activation == Activation::swish ? kernels::Curve::swish : kernels::Curve::sigmoid;
}

const Layer* norm_of(const Context& context, const Op& op) {
  return op.fixed_norm >= 0 ? &context.network.layers[op.fixed_norm] : nullptr;
}

}  // namespace poseheir::onednn
