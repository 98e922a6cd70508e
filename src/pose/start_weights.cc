#include "pose/start_weights.h"

#include <bit>
#include <charconv>
#include <fmt/format.h>
#include <optional>

#include "poseheir/error.h"

namespace poseheir {
namespace {

namespace fs = std::filesystem;

// What people copy from a file list: one of a bundle's files instead of their common prefix.
fs::path without_bundle_suffix(const fs::path& path) {
  const auto extension = path.extension().string();
  if (extension == ".index" || extension == ".meta" || extension.starts_with(".data-"))
    return fs::path(path).replace_extension();
  return path;
}

bool names_weights(const fs::path& path) {
  return fs::exists(path) || fs::exists(path.string() + ".index");
}

// As written, else beside the project where the file was moved with it; DeepLabCut writes absolute
// paths of another computer.
fs::path find_weights(const PoseConfig& config, const fs::path& project, const std::string& text,
                      bool asked_for) {
  const auto written = without_bundle_suffix(text);
  const std::vector<fs::path> candidates = {written, project / written,
                                            config.path.parent_path() / written.filename()};
  for (const auto& candidate : candidates)
    if (names_weights(candidate)) return candidate;
  throw Error(
      ErrorKind::io,
      fmt::format("start weights not found: {} ({}); name others with --init FILE, or train "
                  "without any: --init random",
                  text, asked_for ? "--init" : "init_weights of " + config.path.string()));
}

const StoredTensor* find_backbone(const Checkpoint& source, const Variable& variable) {
  if (const auto* tensor = source.find(variable.imagenet_key)) return tensor;
  return source.find(variable.info.name);
}

void add_to_checksum(std::uint64_t& checksum, const std::vector<float>& values) {
  for (const float value : values)
    checksum = (checksum ^ std::bit_cast<std::uint32_t>(value)) * 0x100000001B3U;
}

bool is_wanted(const Variable& variable, bool everything) {
  return everything || !variable.imagenet_key.empty();
}

void restore(StartWeights& start, const Network& network, const Checkpoint& source, bool everything,
             const PoseConfig& config) {
  check_fits(network, source, everything ? Needs::everything : Needs::backbone,
             config.path.string());
  start.checksum = 0xCBF29CE484222325U;
  for (std::size_t i = 0; i < network.variables.size(); ++i) {
    const auto& variable = network.variables[i];
    if (!is_wanted(variable, everything)) continue;
    const auto* tensor =
        everything ? source.find(variable.info.name) : find_backbone(source, variable);
    start.parameters[i] = read_floats(*tensor);
    add_to_checksum(start.checksum, start.parameters[i]);
    ++start.restored;
  }
}

}  // namespace

std::optional<std::int64_t> snapshot_iteration(const std::string& file_name) {
  const auto stem = fs::path(file_name).stem().string();
  if (stem.find("snapshot") == std::string::npos) return std::nullopt;
  const auto dash = stem.find('-');
  const auto field = dash == std::string::npos
                         ? std::string()
                         : stem.substr(dash + 1, stem.find('-', dash + 1) - dash - 1);
  std::int64_t iteration = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), iteration);
  if (!field.empty() && error == std::errc() && end == field.data() + field.size())
    return iteration;
  throw Error(
      ErrorKind::usage,
      fmt::format("{}: a snapshot's name must be snapshot-N, N being the iteration to go on "
                  "from; rename it, or take only its backbone: --fresh-heads",
                  file_name));
}

StartWeights load_start_weights(const Network& network, const PoseConfig& config,
                                const fs::path& project_folder, const std::string& init,
                                bool keep_heads, std::uint64_t seed) {
  StartWeights start;
  start.parameters = initial_parameters(network, seed);
  const auto& wanted = init.empty() ? config.init_weights : init;
  if (wanted.empty() || wanted == "random") {
    start.description = "all variables initialised afresh";
    return start;
  }
  const auto path = find_weights(config, project_folder, wanted, !init.empty());
  start.source = path.string();
  // ".index" and its like are gone; what stem() cuts off now is part of a name such as x.ckpt.
  const auto iteration =
      keep_heads ? snapshot_iteration(path.filename().string()) : std::optional<std::int64_t>();
  restore(start, network, read_checkpoint(path), iteration.has_value(), config);
  start.first_iteration = iteration.value_or(0);
  start.description = iteration ? fmt::format("all {} variables from {}, at iteration {}",
                                              start.restored, start.source, start.first_iteration)
                                : fmt::format("{} backbone variables from {}, the others afresh",
                                              start.restored, start.source);
  return start;
}

}  // namespace poseheir
