#include "transfer/provenance.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "poseheir/error.h"
#include "transfer/selection.h"

namespace poseheir {
namespace {

using Json = nlohmann::ordered_json;

Json network_json(const NetworkSpec& spec) {
  return {{"net_type", spec.net_type},
          {"keypoints", spec.keypoints},
          {"identity_channels", spec.identity_channels},
          {"limbs", spec.limbs},
          {"stride", spec.stride},
          {"multi_stage", spec.multi_stage}};
}

Json step_json(const TransferStep& step, const Checkpoint* source) {
  Json json = {{"variable", step.target.info.name},
               {"shape", step.target.info.shape},
               {"action", action_name(step.action)}};
  if (!step.source.empty()) {
    json["source"] = step.source;
    json["source_shape"] = step.source_shape;
  }
  if (step.action == TransferAction::select_keypoints) json["channels"] = step.channels;
  json["reason"] = step.reason;
  const bool of_source =
      step.action == TransferAction::copy || step.action == TransferAction::select_keypoints;
  if (source == nullptr || !of_source) return json;
  const auto* tensor = source->find(step.source);
  if (tensor != nullptr && tensor->crc32c)
    json["source_crc32c"] = fmt::format("{:08x}", *tensor->crc32c);
  return json;
}

Json plan_json(const TransferPlan& plan, const Checkpoint* source) {
  Json steps = Json::array(), unused = Json::array();
  for (const auto& step : plan.steps) steps.push_back(step_json(step, source));
  for (const auto& tensor : plan.unused)
    unused.push_back({{"tensor", tensor.tensor.name},
                      {"shape", tensor.tensor.shape},
                      {"dtype", dtype_name(tensor.tensor.dtype)},
                      {"reason", tensor.reason}});
  return {{"source_network", network_json(plan.source_network)},
          {"source_description", plan.source_description},
          {"source_scope", plan.source_scope},
          {"target_network", network_json(plan.target_network)},
          {"steps", steps},
          {"unused", unused},
          {"warnings", plan.warnings}};
}

Json source_json(const Checkpoint& source) {
  Json files = Json::array();
  for (const auto& file : source.files)
    files.push_back(
        {{"name", file.filename().string()}, {"bytes", std::filesystem::file_size(file)}});
  Json json = {{"path", source.path.string()}, {"format", source.format}, {"files", files}};
  if (source.step) json["step"] = *source.step;
  return json;
}

Json options_json(const TransferRequest& request) {
  const auto& options = request.options;
  Json selectors = Json::array();
  for (const auto& selector : options.selectors)
    selectors.push_back({{selector.include ? "include" : "exclude", selector.pattern}});
  Json json = {{"selectors", selectors}, {"seed", options.seed}};
  if (options.layers) json["layers"] = layers_name(*options.layers);
  if (options.source_scope) json["source_scope"] = *options.source_scope;
  if (options.keypoints) json["keypoints"] = *options.keypoints;
  if (!options.averages.empty()) json["averages"] = options.averages;
  if (options.allow_side_swap) json["allow_side_swap"] = true;
  if (!request.init.empty()) json["init"] = request.init.string();
  return json;
}

}  // namespace

std::string format_plan_json(const TransferPlan& plan) {
  return plan_json(plan, nullptr).dump(2) + "\n";
}

std::string format_provenance(const PreparedTransfer& prepared, const Provenance& provenance) {
  Json json = {
      {"written_by", "poseheir transfer"},
      {"source", source_json(prepared.source)},
      {"options", options_json(prepared.request)},
      {"init_weights",
       {{"before", provenance.init_weights_before}, {"after", provenance.init_weights_after}}},
      {"checkpoint", {{"before", nullptr}, {"after", provenance.state_after}}},
      {"snapshot",
       {{"data_bytes", provenance.data_bytes}, {"index_bytes", provenance.index_bytes}}}};
  if (provenance.state_before) json["checkpoint"]["before"] = *provenance.state_before;
  json["plan"] = plan_json(prepared.plan, &prepared.source);
  return json.dump(1) + "\n";
}

Provenance parse_provenance(const std::string& text) {
  try {
    const auto json = Json::parse(text);
    Provenance provenance;
    provenance.init_weights_before = json.at("init_weights").at("before").get<std::string>();
    provenance.init_weights_after = json.at("init_weights").at("after").get<std::string>();
    const auto& state = json.at("checkpoint");
    if (!state.at("before").is_null())
      provenance.state_before = state.at("before").get<std::string>();
    provenance.state_after = state.at("after").get<std::string>();
    provenance.data_bytes = json.at("snapshot").at("data_bytes").get<std::uint64_t>();
    provenance.index_bytes = json.at("snapshot").at("index_bytes").get<std::uint64_t>();
    return provenance;
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::corrupt,
                fmt::format("not what 'poseheir transfer' writes ({}), so nothing can be undone "
                            "from it",
                            error.what()));
  }
}

}  // namespace poseheir
