#include "pose/training_state.h"

#include <cstring>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

// safetensors holds tensors only, so the rest travels as one of bytes.
constexpr const char* kHeader = "poseheir/run";
constexpr const char* kPending = "pending_snapshot";

StoredTensor text_tensor(const std::string& name, const std::string& text) {
  const auto kept = std::make_shared<const std::string>(text);
  StoredTensor tensor;
  tensor.info = {name, DType::u8, {static_cast<std::int64_t>(text.size())}};
  tensor.read = [kept] { return TensorBytes{as_bytes_of(*kept), kept}; };
  return tensor;
}

std::string header_text(const TrainingState& state, std::int64_t optimizer_steps) {
  nlohmann::json json = {{"identity", state.identity},
                         {"next_iteration", state.next_iteration},
                         {"seconds", state.seconds},
                         {"sums",
                          {state.sums.total, state.sums.part, state.sums.locref, state.sums.count,
                           state.sums.pairwise}},
                         {"snapshots", state.snapshots},
                         {"irregular", state.irregular},
                         {"optimizer_steps", optimizer_steps}};
  if (state.pending) json[kPending] = {state.pending->iteration, state.pending->is_regular};
  return json.dump();
}

TrainingState parse_header(const Checkpoint& file) {
  const auto* header = file.find(kHeader);
  if (header == nullptr || header->info.dtype != DType::u8)
    throw Error(ErrorKind::corrupt, file.path.string() + ": not a training state of Poseheir");
  const auto bytes = header->read();
  try {
    const auto json = nlohmann::json::parse(as_text(bytes.bytes));
    TrainingState state;
    state.identity = json.at("identity");
    state.next_iteration = json.at("next_iteration");
    state.seconds = json.at("seconds");
    const auto& sums = json.at("sums");
    state.sums = {sums.at(0), sums.at(1), sums.at(2), sums.at(3),
                  sums.size() > 4 ? sums.at(4).get<double>() : 0.0};
    state.snapshots = json.at("snapshots").get<std::vector<std::string>>();
    state.irregular = json.at("irregular").get<std::vector<std::string>>();
    state.optimizer.steps = json.at("optimizer_steps");
    if (json.contains(kPending))
      state.pending = PendingSnapshot{json[kPending].at(0), json[kPending].at(1)};
    return state;
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::corrupt,
                fmt::format("{}: its header is damaged: {}", file.path.string(), error.what()));
  }
}

void add_tensors(std::vector<StoredTensor>& tensors, const Network& network,
                 const std::string& prefix, const Parameters& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].empty()) continue;  // no slot: never trained
    auto info = network.variables[i].info;
    info.name = prefix + info.name;
    tensors.push_back(tensor_view(info, values[i]));
  }
}

Parameters take_tensors(const Checkpoint& file, const Network& network, const std::string& prefix) {
  Parameters values(network.variables.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto& info = network.variables[i].info;
    const auto* tensor = file.find(prefix + info.name);
    if (tensor == nullptr) continue;
    if (tensor->info.shape != info.shape)
      throw Error(ErrorKind::mismatch,
                  fmt::format("{}: '{}' has the shape {}, the network needs {}", file.path.string(),
                              info.name, shape_text(tensor->info.shape), shape_text(info.shape)));
    values[i] = read_floats(*tensor);
  }
  return values;
}

}  // namespace

void write_training_state(const std::filesystem::path& path, const Network& network,
                          const TrainingState& state, const Parameters& parameters,
                          const OptimizerState& optimizer) {
  std::vector<StoredTensor> tensors = {text_tensor(kHeader, header_text(state, optimizer.steps))};
  add_tensors(tensors, network, "network/", parameters);
  add_tensors(tensors, network, "first/", optimizer.first);
  add_tensors(tensors, network, "second/", optimizer.second);
  std::sort(tensors.begin(), tensors.end(),
            [](const auto& a, const auto& b) { return a.info.name < b.info.name; });
  write_checkpoint(path, CheckpointFormat::safetensors, tensors);
}

std::optional<TrainingState> read_training_state_header(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  return parse_header(read_checkpoint(path));
}

TrainingState read_training_state(const std::filesystem::path& path, const Network& network) {
  const auto file = read_checkpoint(path);
  auto state = parse_header(file);
  state.parameters = take_tensors(file, network, "network/");
  for (std::size_t i = 0; i < network.variables.size(); ++i)
    if (state.parameters[i].empty())
      throw Error(ErrorKind::mismatch,
                  fmt::format("{}: lacks '{}' of {}", path.string(), network.variables[i].info.name,
                              network.spec.net_type));
  state.optimizer.first = take_tensors(file, network, "first/");
  state.optimizer.second = take_tensors(file, network, "second/");
  return state;
}

}  // namespace poseheir
