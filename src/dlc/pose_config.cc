// pose_cfg.yaml: DeepLabCut's defaults underneath, the file's values above.
#include <algorithm>
#include <charconv>
#include <fmt/format.h>

#include "base/file.h"
#include "base/text.h"
#include "dlc/yaml.h"
#include "poseheir/project.h"

namespace poseheir {
namespace {

// DeepLabCut's default_config for what a file may leave out; what has no default there is read with
// one at its place of use.
const std::map<std::string, std::string>& defaults() {
  static const std::map<std::string, std::string> values = {
      {"stride", "8.0"},
      {"weigh_part_predictions", "false"},
      {"shuffle", "true"},
      {"log_dir", "log"},
      {"global_scale", "1.0"},
      {"location_refinement", "false"},
      {"locref_stdev", "7.2801"},
      {"locref_loss_weight", "1.0"},
      {"locref_huber_loss", "true"},
      {"optimizer", "sgd"},
      {"intermediate_supervision", "false"},
      {"intermediate_supervision_layer", "12"},
      {"weight_decay", "0.0001"},
      {"scoremap_dir", "test"},
      {"batch_size", "1"},
      {"dataset_type", "imgaug"},
      {"deterministic", "false"},
      {"mirror", "false"},
      {"pairwise_huber_loss", "true"},
      {"weigh_only_present_joints", "false"},
      {"partaffinityfield_predict", "false"},
      {"pairwise_predict", "false"}};
  return values;
}

std::optional<double> parse_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::vector<double>> numbers_of(const YAML::Node& node) {
  if (!node.IsSequence()) return std::nullopt;
  std::vector<double> values;
  for (const auto& item : node) {
    const auto value = item.IsScalar() ? parse_number(item.Scalar()) : std::nullopt;
    if (!value) return std::nullopt;
    values.push_back(*value);
  }
  return values;
}

std::optional<std::vector<std::vector<double>>> rows_of(const YAML::Node& node) {
  if (const auto flat = numbers_of(node)) return {{*flat}};
  std::vector<std::vector<double>> rows;
  for (const auto& item : node) {
    const auto row = numbers_of(item);
    if (!row) return std::nullopt;
    rows.push_back(*row);
  }
  return rows;
}

// DeepLabCut's template, before create_training_dataset fills it.
bool is_unfilled(const YAML::Node& node) {
  return node.IsScalar() && node.Scalar().starts_with("willbeautomaticallyupdated");
}

void keep(PoseConfig& config, const std::string& key, const YAML::Node& node, int depth = 0) {
  constexpr int kDeepest = 20;  // DeepLabCut's has two; an alias may lie in what it stands for
  if (depth > kDeepest)
    throw Error(ErrorKind::corrupt,
                fmt::format("{}: key '{}' lies in itself, or more than {} keys deep",
                            config.path.empty() ? "pose_cfg.yaml" : config.path.string(),
                            key.substr(0, key.find('.')), kDeepest));
  if (node.IsNull() || is_unfilled(node)) return;
  if (node.IsMap()) {
    for (const auto& item : node)
      keep(config, key + "." + item.first.Scalar(), item.second, depth + 1);
    return;
  }
  if (node.IsScalar()) {
    config.values[key] = node.Scalar();
  } else if (const auto rows = rows_of(node)) {
    config.lists[key] = *rows;
  } else {
    config.values[key] = YAML::Dump(node);
  }
}

std::vector<std::string> read_names(const std::string& file, const YAML::Node& node) {
  std::vector<std::string> names;
  if (!node || node.IsNull() || is_unfilled(node)) return names;
  if (!node.IsSequence())
    throw wrong_yaml_value(file, "all_joints_names", node, "a list of keypoint names");
  for (const auto& item : node) {
    if (!item.IsScalar()) throw wrong_yaml_value(file, "all_joints_names", item, "a keypoint name");
    names.push_back(item.Scalar());
  }
  return names;
}

std::vector<std::vector<int>> read_joints(const PoseConfig& config) {
  std::vector<std::vector<int>> joints;
  const auto found = config.lists.find("all_joints");
  if (found == config.lists.end()) return joints;
  for (const auto& row : found->second) joints.emplace_back(row.begin(), row.end());
  return joints;
}

NetworkSpec read_network(const PoseConfig& config, const std::string& file) {
  NetworkSpec spec;
  const auto whole = [&](const char* key, int otherwise) {
    const double value = config.number(key, otherwise);
    if (value != std::floor(value) || std::abs(value) > 1e6)
      throw Error(ErrorKind::usage,
                  fmt::format("{}: key '{}' is {}, expected a whole number", file, key, value));
    return static_cast<int>(value);
  };
  spec.net_type = config.text("net_type", "");
  spec.keypoints = whole("num_joints", static_cast<int>(config.keypoint_names.size()));
  spec.identity_channels = whole("num_idchannel", 0);
  const auto graph = config.lists.find("partaffinityfield_graph");
  const auto limbs = graph == config.lists.end() ? 0 : static_cast<int>(graph->second.size());
  spec.limbs = whole("num_limbs", limbs);
  spec.stride = config.number("stride", spec.stride);
  spec.multi_stage = config.flag("multi_stage", false);
  spec.multi_animal = config.text("dataset_type", "").find("multi-animal") != std::string::npos;
  spec.location_refinement = config.flag("location_refinement", false);
  spec.intermediate_supervision = config.flag("intermediate_supervision", false);
  spec.intermediate_layer = whole("intermediate_supervision_layer", spec.intermediate_layer);
  spec.pairwise_predict = config.flag("pairwise_predict", false);
  spec.paf_predict = config.flag("partaffinityfield_predict", false);
  spec.bank3 = whole("bank3", spec.bank3);
  spec.bank5 = whole("bank5", spec.bank5);
  const auto mean = config.lists.find("mean_pixel");
  if (mean == config.lists.end()) return spec;
  if (mean->second.size() != 1 || mean->second[0].size() != 3)
    throw Error(ErrorKind::usage,
                fmt::format("{}, line {}: key 'mean_pixel': expected three numbers "
                            "(red, green, blue)",
                            file, config.lines.at("mean_pixel")));
  std::transform(mean->second[0].begin(), mean->second[0].end(), spec.mean_pixel.begin(),
                 [](double value) { return static_cast<float>(value); });
  return spec;
}

PoseConfig parse_named(const std::string& text, const std::filesystem::path& path) {
  const auto file = path.empty() ? std::string("pose_cfg.yaml") : path.string();
  const auto root = load_yaml_text(text, file);
  PoseConfig config;
  config.path = path;
  config.values = defaults();
  for (const auto& item : root) {
    config.lines[item.first.Scalar()] = item.first.Mark().line + 1;
    keep(config, item.first.Scalar(), item.second);
  }
  config.keypoint_names = read_names(file, root["all_joints_names"]);
  config.all_joints = read_joints(config);
  config.dataset = config.text("dataset", "");
  config.metadataset = config.text("metadataset", "");
  config.project_path = config.text("project_path", "");
  config.init_weights = config.text("init_weights", "");
  config.dataset_type = config.text("dataset_type", "imgaug");
  config.network = read_network(config, file);
  return config;
}

// "pose_cfg.yaml, line 3: key 'stride' is 'wide', expected a number".
Error wrong_value(const PoseConfig& config, const std::string& key, const std::string& expected) {
  const auto file = config.path.empty() ? std::string("pose_cfg.yaml") : config.path.string();
  const auto line = config.lines.find(key.substr(0, key.find('.')));
  const auto place =
      line == config.lines.end() ? file : fmt::format("{}, line {}", file, line->second);
  const auto value = config.values.find(key);
  const auto found = value == config.values.end() ? std::string("a list")
                                                  : fmt::format("'{}'", printable(value->second));
  return {ErrorKind::usage,
          fmt::format("{}: key '{}' is {}, expected {}", place, key, found, expected)};
}

}  // namespace

bool PoseConfig::has(const std::string& key) const {
  return values.contains(key) || lists.contains(key);
}

double PoseConfig::number(const std::string& key, double otherwise) const {
  if (!has(key)) return otherwise;
  const auto found = values.find(key);
  const auto value = found == values.end() ? std::nullopt : parse_number(found->second);
  if (!value) throw wrong_value(*this, key, "a number");
  return *value;
}

bool PoseConfig::flag(const std::string& key, bool otherwise) const {
  if (!has(key)) return otherwise;
  const auto found = values.find(key);
  const auto text = found == values.end() ? "" : to_lower(found->second);
  for (const char* yes : {"true", "yes", "on", "1"}) {
    if (text == yes) return true;
  }
  for (const char* no : {"false", "no", "off", "0"}) {
    if (text == no) return false;
  }
  throw wrong_value(*this, key, "true or false");
}

std::string PoseConfig::text(const std::string& key, const std::string& otherwise) const {
  if (!has(key)) return otherwise;
  const auto found = values.find(key);
  if (found == values.end()) throw wrong_value(*this, key, "a text");
  return found->second;
}

PoseConfig read_pose_config(const std::filesystem::path& path) {
  return parse_named(read_file(path), path);
}

PoseConfig parse_pose_config(const std::string& text) { return parse_named(text, {}); }

}  // namespace poseheir
