// inference_cfg.yaml, with DeepLabCut's defaults for what is absent.
#include <cmath>
#include <fmt/format.h>

#include "dlc/yaml.h"
#include "poseheir/project.h"

namespace poseheir {
namespace {

// What DeepLabCut takes where the file is absent or leaves a key out.
InferenceConfig defaults_of(const Project& project) {
  InferenceConfig config;
  config.minimal_links = static_cast<double>(animal_bodyparts(project).size()) / 2;
  config.individuals = std::max(1, static_cast<int>(project.individuals.size()));
  return config;
}

class Keys {
 public:
  Keys(const std::string& file, const YAML::Node& root) : file_(file), root_(root) {}

  double number(const char* key, double otherwise, double least) const {
    const auto node = root_[key];
    if (!node.IsDefined() || node.IsNull()) return otherwise;
    double value = 0;
    if (!node.IsScalar() || !YAML::convert<double>::decode(node, value) || !(value >= least))
      throw wrong_yaml_value(file_, key, node, fmt::format("a number from {}", least));
    return value;
  }
  int whole(const char* key, int otherwise, int least) const {
    const double value = number(key, otherwise, least);
    if (value != std::floor(value) || value > 1e6)
      throw wrong_yaml_value(file_, key, root_[key], fmt::format("a whole number from {}", least));
    return static_cast<int>(value);
  }
  bool flag(const char* key) const {
    const auto node = root_[key];
    bool value = false;
    if (node.IsDefined() && !node.IsNull() && !YAML::convert<bool>::decode(node, value))
      throw wrong_yaml_value(file_, key, node, "true or false");
    return value;
  }

 private:
  const std::string& file_;
  const YAML::Node& root_;
};

}  // namespace

InferenceConfig read_inference_config(const std::filesystem::path& path, const Project& project) {
  auto config = defaults_of(project);
  if (!std::filesystem::exists(path)) return config;
  const auto file = path.string();
  const auto root = load_yaml_file(path);
  const Keys keys(file, root);
  config.confidence_cutoff = keys.number("pcutoff", config.confidence_cutoff, 0);
  // Left out of a file, this one is lower than in a new file.
  config.minimal_affinity = keys.number("pafthreshold", 0.05, 0);
  config.minimal_links = keys.number("minimalnumberofconnections", config.minimal_links, 0);
  config.individuals = keys.whole("topktoretain", config.individuals, 1);
  config.box_slack_pixels = keys.number("boundingboxslack", config.box_slack_pixels, 0);
  config.iou_threshold = keys.number("iou_threshold", config.iou_threshold, 0);
  config.max_age = keys.whole("max_age", config.max_age, 0);
  config.min_hits = keys.whole("min_hits", config.min_hits, 0);
  config.greedy_oks = keys.flag("greedy_oks");
  return config;
}

std::string format_inference_config(const Project& project) {
  const auto config = defaults_of(project);
  return fmt::format(
      "variant: 0\npafthreshold: {}\nmethod: m1\nminimalnumberofconnections: {}\npcutoff: {}\n"
      "topktoretain: {}\nwithid: {}\nboundingboxslack: {}\niou_threshold: {}\nmax_age: {}\n"
      "min_hits: {}\n",
      config.minimal_affinity, static_cast<int>(config.minimal_links), config.confidence_cutoff,
      config.individuals, project.identity, config.box_slack_pixels, config.iou_threshold,
      config.max_age, config.min_hits);
}

}  // namespace poseheir
