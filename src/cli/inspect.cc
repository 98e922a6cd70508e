// inspect: what is in a checkpoint.
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <iostream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/print.h"
#include "poseheir/error.h"
#include "poseheir/network.h"
#include "poseheir/project.h"

namespace poseheir {
namespace {

using Json = nlohmann::ordered_json;

struct InspectOptions {
  std::string path, other;
  Output output;
  bool stats = false, json = false;
};

struct Statistics {
  double minimum = std::numeric_limits<double>::infinity();
  double maximum = -std::numeric_limits<double>::infinity();
  double mean = 0, deviation = 0;
  std::size_t not_finite = 0;
};

Statistics statistics_of(const StoredTensor& tensor) {
  Statistics result;
  double sum = 0, squares = 0;
  std::size_t count = 0;
  for (const float value : read_floats(tensor)) {
    if (!std::isfinite(value)) {
      ++result.not_finite;
      continue;
    }
    result.minimum = std::min(result.minimum, static_cast<double>(value));
    result.maximum = std::max(result.maximum, static_cast<double>(value));
    sum += value;
    squares += static_cast<double>(value) * value;
    ++count;
  }
  if (count == 0) return {0, 0, 0, 0, result.not_finite};
  result.mean = sum / static_cast<double>(count);
  result.deviation =
      std::sqrt(std::max(0.0, squares / static_cast<double>(count) - result.mean * result.mean));
  return result;
}

// Part of the network a tensor belongs to.
class Roles {
 public:
  explicit Roles(const Checkpoint& checkpoint) {
    std::vector<TensorInfo> infos;
    for (const auto& tensor : checkpoint.tensors) infos.push_back(tensor.info);
    auto found = recognise_network(infos);
    if (found.empty()) return;
    network = found[0];
    if (!network->obstacle.empty()) return;
    auto spec = network->spec;
    spec.keypoints = std::max(1, spec.keypoints);
    for (const auto& variable : variables_of(spec))
      parts_[network->scope + variable.info.name] = variable.part;
  }

  std::string of(const std::string& name) const {
    const auto found = parts_.find(name);
    if (found != parts_.end()) {
      if (found->second == NetworkPart::head) return "head";
      return found->second == NetworkPart::decoder ? "decoder" : "backbone";
    }
    for (const char* slot : {"Adam", "Momentum", "beta1_power", "beta2_power", "RMSProp"}) {
      if (name.find(slot) != std::string::npos) return "optimizer";
    }
    if (name.starts_with("optimizer.")) return "optimizer";
    if (name.find("global_step") != std::string::npos) return "step";
    if (network && !network->obstacle.empty()) {
      if (name.find("backbone.") != std::string::npos) return "backbone";
      if (name.find("heads.") != std::string::npos) return "head";
    }
    return "other";
  }

  std::optional<RecognisedNetwork> network;

 private:
  std::map<std::string, NetworkPart> parts_;
};

// The names of a network's keypoints, and what says so (or why they are unknown).
struct KeypointNames {
  std::vector<std::string> names;
  std::string source;
};

std::optional<KeypointNames> names_of_pose_config(const std::filesystem::path& file, int count) {
  if (!std::filesystem::exists(file)) return std::nullopt;
  try {
    const auto names = read_pose_config(file).keypoint_names;
    if (static_cast<int>(names.size()) != count)
      return KeypointNames{{}, fmt::format("{} names {}", file.string(), names.size())};
    if (names == superanimal_keypoints(count))
      return KeypointNames{names, "those of " + superanimal_name(count) + ", says pose_cfg.yaml"};
    return KeypointNames{names, "says pose_cfg.yaml"};
  } catch (const Error& error) {
    return KeypointNames{{}, error.what()};
  }
}

// The pose_cfg.yaml beside a checkpoint knows them; without one the shapes of a SuperAnimal model
// let them be guessed.
KeypointNames keypoint_names(const Checkpoint& checkpoint, const NetworkSpec& spec) {
  if (auto known =
          names_of_pose_config(checkpoint.path.parent_path() / "pose_cfg.yaml", spec.keypoints))
    return *known;
  const auto likely = likely_superanimal(spec);
  if (likely.empty()) return {};
  return {superanimal_keypoints(spec.keypoints), "likely those of " + likely + ", by shapes alone"};
}

struct Total {
  std::size_t tensors = 0;
  std::uint64_t bytes = 0;
};

std::map<std::string, Total> totals_of(const Checkpoint& checkpoint, const Roles& roles) {
  std::map<std::string, Total> totals;
  for (const auto& tensor : checkpoint.tensors) {
    auto& total = totals[roles.of(tensor.info.name)];
    ++total.tensors;
    total.bytes += tensor_bytes(tensor.info);
  }
  return totals;
}

// Reads every tensor once, which compares the checksums that are stored.
std::size_t verify(const Checkpoint& checkpoint, std::vector<std::string>& damages) {
  for (const auto& file : checkpoint.missing)
    damages.push_back(file.string() +
                      " is missing: the index tells what it held, the weights are not here");
  if (!damages.empty()) return 0;
  std::size_t checked = 0;
  for (const auto& tensor : checkpoint.tensors) {
    try {
      tensor.read();
      if (tensor.crc32c) ++checked;
    } catch (const Error& error) {
      damages.emplace_back(error.what());
    }
  }
  return checked;
}

std::uint64_t file_bytes(const Checkpoint& checkpoint) {
  std::uint64_t bytes = 0;
  for (const auto& file : checkpoint.files) bytes += std::filesystem::file_size(file);
  return bytes;
}

Json json_of(const StoredTensor& tensor, const Roles& roles, bool stats) {
  Json json = {{"name", tensor.info.name},
               {"dtype", dtype_name(tensor.info.dtype)},
               {"shape", tensor.info.shape},
               {"bytes", tensor_bytes(tensor.info)},
               {"part", roles.of(tensor.info.name)}};
  if (tensor.crc32c) json["crc32c"] = fmt::format("{:08x}", *tensor.crc32c);
  if (!stats) return json;
  const auto s = statistics_of(tensor);
  json["min"] = s.minimum;
  json["max"] = s.maximum;
  json["mean"] = s.mean;
  json["deviation"] = s.deviation;
  json["not_finite"] = s.not_finite;
  return json;
}

void print_json(const Checkpoint& checkpoint, const InspectOptions& options,
                std::vector<std::string>& damages) {
  const Roles roles(checkpoint);
  Json json = {{"path", checkpoint.path.string()},
               {"format", checkpoint.format},
               {"bytes", file_bytes(checkpoint)}};
  if (checkpoint.step) json["step"] = *checkpoint.step;
  if (roles.network) {
    json["network"] = {{"description", roles.network->description},
                       {"net_type", roles.network->spec.net_type},
                       {"keypoints", roles.network->spec.keypoints},
                       {"scope", roles.network->scope}};
    const auto known = keypoint_names(checkpoint, roles.network->spec);
    if (!known.names.empty()) json["network"]["keypoint_names"] = known.names;
    if (!known.source.empty()) json["network"]["keypoint_names_source"] = known.source;
    if (!roles.network->obstacle.empty()) json["network"]["obstacle"] = roles.network->obstacle;
  }
  for (const auto& [part, total] : totals_of(checkpoint, roles))
    json["totals"][part] = {{"tensors", total.tensors}, {"bytes", total.bytes}};
  for (const auto& file : checkpoint.missing) json["missing"].push_back(file.string());
  json["checksums_verified"] = verify(checkpoint, damages);
  json["damages"] = damages;
  json["notes"] = checkpoint.notes;
  json["tensors"] = Json::array();
  for (const auto& tensor : checkpoint.tensors)
    json["tensors"].push_back(json_of(tensor, roles, options.stats && damages.empty()));
  std::cout << json.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
}

void print_keypoints(const KeypointNames& known) {
  if (known.source.empty()) return;
  if (known.names.empty()) {
    std::cout << fmt::format("keypoints: names unknown, {}\n", known.source);
  } else {
    std::cout << fmt::format("keypoints ({}): {}\n", known.source, fmt::join(known.names, ", "));
  }
}

void print_summary(const Checkpoint& checkpoint, const Roles& roles,
                   std::vector<std::string>& damages) {
  const auto step = checkpoint.step ? fmt::format(", step {}", *checkpoint.step) : "";
  std::cout << fmt::format("{}: {}{}, {} in {} file{}\n", checkpoint.path.string(),
                           checkpoint.format, step, size_text(file_bytes(checkpoint)),
                           checkpoint.files.size(), checkpoint.files.size() == 1 ? "" : "s");
  std::cout << fmt::format("network: {}\n",
                           roles.network ? roles.network->description : "none that is known here");
  if (roles.network) print_keypoints(keypoint_names(checkpoint, roles.network->spec));
  if (roles.network && !roles.network->scope.empty())
    std::cout << fmt::format("scope: {}\n", roles.network->scope);
  if (roles.network && !roles.network->obstacle.empty())
    std::cout << fmt::format("as model A: no, {}\n", roles.network->obstacle);
  for (const auto& [part, total] : totals_of(checkpoint, roles))
    std::cout << fmt::format("{}: {} tensor{}, {}\n", part, total.tensors,
                             total.tensors == 1 ? "" : "s", size_text(total.bytes));
  const auto checked = verify(checkpoint, damages);
  const auto text = !checkpoint.missing.empty() ? "the weights are missing"
                    : checked > 0               ? fmt::format("{} verified", checked)
                                                : "none in this format";
  std::cout << fmt::format("checksums: {}\n", text);
  for (const auto& note : checkpoint.notes) std::cout << fmt::format("note: {}\n", note);
  std::cout << '\n';
}

void print_tensors(const Checkpoint& checkpoint, const Roles& roles, bool stats) {
  std::vector<std::string> header = {"tensor", "dtype", "shape", "bytes"};
  if (stats) header.insert(header.end(), {"min", "max", "mean", "deviation", "not finite"});
  header.emplace_back("part");
  TextTable table(header);
  for (const auto& tensor : checkpoint.tensors) {
    const auto& info = tensor.info;
    std::vector<std::string> row = {info.name, std::string(dtype_name(info.dtype)),
                                    shape_text(info.shape), std::to_string(tensor_bytes(info))};
    if (stats) {
      const auto s = statistics_of(tensor);
      for (const double value : {s.minimum, s.maximum, s.mean, s.deviation})
        row.push_back(fmt::format("{:.6g}", value));
      row.push_back(std::to_string(s.not_finite));
    }
    row.push_back(roles.of(info.name));
    table.add(std::move(row));
  }
  table.print(std::cout);
}

// How two tensors of one name differ; empty where they are equal bit for bit.
std::string difference(const StoredTensor& a, const StoredTensor& b) {
  if (a.info.dtype != b.info.dtype)
    return fmt::format("{} / {}", dtype_name(a.info.dtype), dtype_name(b.info.dtype));
  if (a.info.shape != b.info.shape)
    return fmt::format("{} / {}", shape_text(a.info.shape), shape_text(b.info.shape));
  const auto left = a.read(), right = b.read();
  if (left.bytes.size() == right.bytes.size() &&
      (left.bytes.empty() ||
       std::memcmp(left.bytes.data(), right.bytes.data(), left.bytes.size()) == 0))
    return "";
  const auto x = read_floats(a), y = read_floats(b);
  double largest = 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (x[i] == y[i]) continue;
    ++count;
    largest = std::max(largest, std::abs(static_cast<double>(x[i]) - y[i]));
  }
  return fmt::format("{} of {} values, largest difference {:.6g}", count, x.size(), largest);
}

void print_diff(const Checkpoint& a, const Checkpoint& b, bool json) {
  std::map<std::string, std::string> differences;
  std::size_t equal = 0;
  for (const auto& tensor : a.tensors) {
    const auto* other = b.find(tensor.info.name);
    const auto text = other == nullptr ? "only in the first" : difference(tensor, *other);
    if (text.empty()) {
      ++equal;
    } else {
      differences[tensor.info.name] = text;
    }
  }
  for (const auto& tensor : b.tensors) {
    if (a.find(tensor.info.name) == nullptr) differences[tensor.info.name] = "only in the second";
  }
  if (json) {
    std::cout << Json{{"first", a.path.string()},
                      {"second", b.path.string()},
                      {"equal", equal},
                      {"differences", differences}}
                     .dump(2, ' ', false, Json::error_handler_t::replace)
              << '\n';
    return;
  }
  std::cout << fmt::format("{} tensor{} equal, {} differ\n", equal, equal == 1 ? "" : "s",
                           differences.size());
  if (differences.empty()) return;
  TextTable table({"tensor", "difference"});
  for (const auto& [name, text] : differences) table.add({name, text});
  table.print(std::cout);
}

void inspect(const InspectOptions& options) {
  if (!options.other.empty())
    return print_diff(read_checkpoint(options.path), read_checkpoint(options.other), options.json);
  const auto checkpoint = list_checkpoint(options.path);
  for (const auto& file : checkpoint.files) options.output.detail("read: " + file.string());
  std::vector<std::string> damages;
  if (options.json) {
    print_json(checkpoint, options, damages);
  } else {
    const Roles roles(checkpoint);
    print_summary(checkpoint, roles, damages);
    print_tensors(checkpoint, roles, options.stats && damages.empty());
  }
  if (damages.empty()) return;
  for (std::size_t i = 1; i < damages.size(); ++i) std::cerr << "poseheir: " << damages[i] << '\n';
  throw Error(checkpoint.missing.empty() ? ErrorKind::corrupt : ErrorKind::io, damages.front());
}

}  // namespace

void add_inspect(CLI::App& app) {
  auto options = std::make_shared<InspectOptions>();
  auto* command = app.add_subcommand("inspect", "List what is in a checkpoint");
  command
      ->add_option("checkpoint", options->path,
                   "TensorFlow, PyTorch or safetensors file, a prefix such as snapshot-1000, or a "
                   "folder")
      ->required();
  command->add_flag("--stats", options->stats, "Smallest, largest, mean value of each tensor");
  command->add_option("--diff", options->other, "Another checkpoint to compare with");
  command->add_flag("--json", options->json, "One JSON document instead of tables");
  add_output_options(*command, options->output);
  command->footer(
      "Examples:\n"
      "  poseheir inspect superquad/snapshot-700000\n"
      "  poseheir inspect my-model/train --diff snapshot-0.index");
  command->callback([options] { inspect(*options); });
}

}  // namespace poseheir
