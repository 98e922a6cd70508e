#include "engine/plan.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>

#include "engine/onednn/fusion.h"
#include "engine/onednn/nodes.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

using namespace onednn;

// An output that is no head: copied to plain fp32, and its gradient back.
struct PlainOutput {
  std::string name;
  int value = 0;
  Run read, write;
  dnnl::memory map, gradient;
  BufferId gradient_buffer = kNoBuffer;
};

std::unique_ptr<Node> make_node(Context& context, int op) {
  switch (context.graph.ops[op].kind) {
    case OpKind::image:
      return std::make_unique<ImageNode>(context, op);
    case OpKind::convolution:
      return is_pointwise(context, context.graph.ops[op]) ? make_pointwise(context, op)
                                                          : make_convolution(context, op);
    case OpKind::depthwise:
      return make_depthwise(context, op);
    case OpKind::fixed_depthwise:
      return make_fixed_depthwise(context, op);
    case OpKind::curve:
      return make_curve(context, op);
    case OpKind::global_mean:
      return make_global_mean(context, op);
    case OpKind::scale_channels:
      return make_scale_channels(context, op);
    case OpKind::heads:
      return std::make_unique<HeadsNode>(context, op);
    case OpKind::batch_norm:
      return std::make_unique<NormNode>(context, op);
    case OpKind::max_pool:
      return make_max_pool(context, op);
    case OpKind::subsample:
      return make_subsample(context, op);
    case OpKind::add:
      return make_add(context, op);
    case OpKind::concat:
      return make_concat(context, op);
    case OpKind::resize:
      return make_resize(context, op);
    case OpKind::upsample:
      return make_upsample(context, op);
  }
  throw Error(ErrorKind::unsupported, "an operation the engine does not know");
}

const char* name_of(OpKind kind) {
  switch (kind) {
    case OpKind::image:
      return "image";
    case OpKind::convolution:
      return "convolution";
    case OpKind::depthwise:
      return "depthwise";
    case OpKind::fixed_depthwise:
      return "depthwise";
    case OpKind::heads:
      return "heads";
    case OpKind::upsample:
      return "upsample";
    case OpKind::batch_norm:
      return "batch norm";
    case OpKind::max_pool:
      return "max pool";
    case OpKind::subsample:
      return "subsample";
    case OpKind::add:
      return "add";
    case OpKind::concat:
      return "concat";
    case OpKind::resize:
      return "resize";
    case OpKind::curve:
      return "curve";
    case OpKind::global_mean:
      return "global mean";
    case OpKind::scale_channels:
      return "scale channels";
  }
  return "";
}

template <class Body>
double seconds_of(const Body& body) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  body();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// oneDNN computes in bf16 from AVX-512 on; below, there is no gain to be had from it.
PlanRequest checked(PlanRequest request) {
  if (request.precision == Precision::bf16 && effective_isa() < kernels::Isa::avx512)
    throw Error(ErrorKind::unsupported,
                "bf16 needs a processor with AVX-512; this one has none: use fp32");
  return request;
}

std::vector<int> output_layers(const Network& network) {
  std::vector<int> layers;
  for (const auto& output : network.outputs) layers.push_back(output.layer);
  return layers;
}

std::vector<int> variables_of(const Network& network, const Op& op) {
  std::vector<int> layers = op.heads;
  layers.push_back(op.layer);
  if (op.fixed_norm >= 0) layers.push_back(op.fixed_norm);
  std::vector<int> variables;
  for (const int index : layers) {
    const auto& layer = network.layers[index];
    variables.insert(variables.end(), {layer.weights, layer.bias, layer.gamma, layer.beta});
  }
  return variables;
}

PlanRequest request_of(const PlanOptions& options) {
  return {options.images, options.size, options.precision, options.trained, options.sum_over_parts};
}

}  // namespace

struct Plan::State {
  State(const Network& network_in, const PlanOptions& options, std::shared_ptr<PlanMemory> memory)
      : network(network_in),
        graph(lower(network, output_layers(network))),
        context(network, graph, checked(request_of(options)), std::move(memory)) {
    for (std::size_t op = 0; op < graph.ops.size(); ++op) {
      nodes.push_back(make_node(context, static_cast<int>(op)));
      times.push_back(
          {network.layers[graph.ops[op].layer].name, name_of(graph.ops[op].kind), 0, 0});
    }
    for (const auto& output : network.outputs) add_output(output);
    if (context.training())
      for (auto op = static_cast<int>(nodes.size()) - 1; op >= 0; --op)
        nodes[op]->plan_backward(context.backward_time(op));
    find_completed();
    find_changing();
    context.finish();
  }

  // By op: variables whose gradient is complete once its backward pass is done.
  void find_completed() {
    completed.resize(nodes.size());
    std::vector<bool> found(network.variables.size(), false);
    for (std::size_t op = 0; op < nodes.size(); ++op)
      for (const int variable : variables_of(network, graph.ops[op])) {
        if (variable < 0 || found[variable] || context.gradients[variable].empty()) continue;
        if (!context.is_trained(variable)) continue;
        found[variable] = true;
        completed[op].push_back(variable);
      }
  }

  // By op: whether training changes what its weights are packed from. (Moving statistics are
  // variables that change without being trained; batch norms that keep them pack nothing large.)
  void find_changing() {
    for (const auto& op : graph.ops) {
      const auto variables = variables_of(network, op);
      changing.push_back(op.kind == OpKind::batch_norm ||
                         std::any_of(variables.begin(), variables.end(),
                                     [&](int variable) { return context.is_trained(variable); }));
    }
  }

  // The heads op that computes a layer, and which of its heads it is.
  std::pair<HeadsNode*, int> find_head(int layer) {
    for (std::size_t op = 0; op < nodes.size(); ++op)
      for (std::size_t i = 0; i < graph.ops[op].heads.size(); ++i)
        if (graph.ops[op].heads[i] == layer)
          return {static_cast<HeadsNode*>(nodes[op].get()), static_cast<int>(i)};
    return {nullptr, 0};
  }

  void add_output(const NetworkOutput& output) {
    auto& value = context.values[output.layer];
    auto& map = maps[output.name];
    map.count = context.request.images;
    map.height = value.size.height;
    map.width = value.size.width;
    map.channels = value.channels;
    map.values.assign(std::size_t(map.count) * map.height * map.width * map.channels, 0.0F);
    if (const auto [node, head] = find_head(output.layer); node != nullptr) {
      node->set_maps(head, map.values.data());
      return;
    }
    context.plan.use(value.buffer, context.output_time());
    PlainOutput plain;
    plain.name = output.name;
    plain.value = output.layer;
    const Desc desc({map.count, map.channels, map.height, map.width}, Type::f32, Tag::nhwc);
    plain.map = dnnl::memory(desc, context.engine, map.values.data());
    plain.read = context.reorder(context.at(value.desc, value.buffer), plain.map);
    if (value.needs_gradient) {
      const auto gradient_desc = context.desc_of(value.channels, value.size, context.type);
      plain.gradient_buffer = context.plan.add(gradient_desc.get_size(), context.output_time() + 1);
      plain.gradient = dnnl::memory(desc, context.engine, DNNL_MEMORY_NONE);
      plain.write =
          context.reorder(plain.gradient, context.at(gradient_desc, plain.gradient_buffer));
      value.gradients.push_back({plain.gradient_buffer, true});
    }
    plain_outputs.push_back(std::move(plain));
  }

  static const float* gradient_of(const FeatureMaps& gradients, const std::string& name) {
    const auto found = gradients.find(name);
    return found == gradients.end() ? nullptr : found->second.values.data();
  }

  void give_gradients(const FeatureMaps& gradients) {
    for (const auto& output : network.outputs)
      if (const auto [node, head] = find_head(output.layer); node != nullptr)
        node->set_gradient(head, gradient_of(gradients, output.name));
    for (auto& plain : plain_outputs) {
      if (plain.gradient_buffer == kNoBuffer) continue;
      const float* given = gradient_of(gradients, plain.name);
      if (given == nullptr) {
        std::memset(context.address(plain.gradient_buffer), 0,
                    context.values[plain.value].view.size() * context.type_bytes());
        continue;
      }
      plain.gradient.set_data_handle(const_cast<float*>(given));
      plain.write.primitive.execute(context.stream, plain.write.arguments);
    }
  }

  const Network& network;
  const Graph graph;
  Context context;
  std::vector<std::unique_ptr<Node>> nodes;
  std::vector<PlainOutput> plain_outputs;
  std::vector<std::vector<int>> completed;
  std::vector<bool> changing;
  std::vector<OperationTime> times;
  FeatureMaps maps;
};

Plan::Plan(const Network& network, const PlanOptions& options,
           std::shared_ptr<PlanMemory> memory) try
    : state_(std::make_unique<State>(network, options, std::move(memory))) {
} catch (const dnnl::error& error) {
  throw Error(ErrorKind::unsupported, fmt::format("oneDNN: {}", error.what()));
}

Plan::~Plan() = default;

void Plan::pack(const Parameters& parameters, bool afresh) {
  if (afresh) state_->context.bind();
  for (std::size_t op = 0; op < state_->nodes.size(); ++op)
    if (afresh || state_->changing[op]) state_->nodes[op]->pack(parameters);
}

const FeatureMaps& Plan::forward(const std::uint8_t* pixels) {
  for (std::size_t op = 0; op < state_->nodes.size(); ++op)
    if (state_->graph.ops[op].kind == OpKind::image)
      static_cast<ImageNode&>(*state_->nodes[op]).set_pixels(pixels);
  for (std::size_t op = 0; op < state_->nodes.size(); ++op)
    state_->times[op].forward = seconds_of([&] { state_->nodes[op]->forward(); });
  for (const auto& output : state_->plain_outputs)
    output.read.primitive.execute(state_->context.stream, output.read.arguments);
  return state_->maps;
}

void Plan::backward(const FeatureMaps& output_gradients, const Trainer::GradientReady& ready) {
  state_->give_gradients(output_gradients);
  for (auto op = state_->nodes.size(); op-- > 0;) {
    state_->times[op].backward = seconds_of([&] { state_->nodes[op]->backward(); });
    if (!ready) continue;
    for (const int variable : state_->completed[op])
      ready(variable, state_->context.gradients[variable]);
  }
}

const Parameters& Plan::gradients() const { return state_->context.gradients; }

void Plan::move_statistics(Parameters& parameters) const {
  const auto move = [](std::vector<float>& moving, const float* batch, double factor, float decay) {
    for (std::size_t c = 0; c < moving.size(); ++c)
      moving[c] -= (moving[c] - static_cast<float>(double(batch[c]) * factor)) * (1.0F - decay);
  };
  for (std::size_t op = 0; op < state_->nodes.size(); ++op) {
    if (state_->graph.ops[op].kind != OpKind::batch_norm) continue;
    const auto s = static_cast<const NormNode&>(*state_->nodes[op]).statistics();
    const double unbiased = s.count > 1 ? s.count / (s.count - 1) : 1.0;
    if (s.layer->mean >= 0) move(parameters[s.layer->mean], s.mean, 1.0, s.layer->decay);
    if (s.layer->variance >= 0)
      move(parameters[s.layer->variance], s.variance, unbiased, s.layer->decay);
  }
}

std::vector<std::string> Plan::implementations() const {
  std::vector<std::string> list;
  for (const auto& node : state_->nodes) node->list(list);
  return list;
}

const std::vector<OperationTime>& Plan::times() const { return state_->times; }

std::size_t Plan::bytes() const { return state_->context.plan.total_bytes(); }

}  // namespace poseheir
