// Folders and names of one model, spelled as DeepLabCut spells them.
#include <charconv>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "poseheir/error.h"
#include "poseheir/predictions.h"
#include "poseheir/project.h"

namespace poseheir {
namespace {

double training_fraction(const Project& project, int index) {
  const auto count = static_cast<int>(project.training_fractions.size());
  // Python's negative indices count from the end.
  const int wanted = index < 0 ? index + count : index;
  if (wanted < 0 || wanted >= count)
    throw Error(
        ErrorKind::usage,
        fmt::format(
            "training set index {} is out of range: TrainingFraction of config.yaml is [{}]", index,
            fmt::join(project.training_fractions, ", ")));
  return project.training_fractions[static_cast<std::size_t>(wanted)];
}

std::string text_after_last(const std::string& text, char separator) {
  return text.substr(text.find_last_of(separator) + 1);
}

std::string network_in_scorer(const NetworkSpec& network) {
  const auto& net_type = network.net_type;
  if (net_type.find("resnet") != std::string::npos) {
    if (network.multi_stage) return "dlcrnetms5";
    std::string name;
    for (const char c : net_type) {
      if (c != '_') name += c;
    }
    return name;
  }
  if (net_type.find("mobilenet") != std::string::npos) {
    const auto last = text_after_last(net_type, '_');
    double width = 0;
    std::from_chars(last.data(), last.data() + last.size(), width);
    return fmt::format("mobnet_{}", static_cast<int>(width * 100));
  }
  if (net_type.find("efficientnet") != std::string::npos)
    return "effnet_" + text_after_last(net_type, '-');
  throw Error(ErrorKind::unsupported, fmt::format("no scorer name for net_type '{}'", net_type));
}

}  // namespace

ModelPaths model_paths(const Project& project, const ModelChoice& choice) {
  ModelPaths paths;
  // Truncated as Python's int(100 * fraction): 0.29, 0.57 and 0.58 come out one lower than they
  // look.
  paths.train_percent = static_cast<int>(100 * training_fraction(project, choice.trainset_index));
  paths.model_name = fmt::format("{}{}-trainset{}shuffle{}", project.task, project.date,
                                 paths.train_percent, choice.shuffle);
  const auto iteration = fmt::format("iteration-{}", choice.iteration.value_or(project.iteration));
  const auto base =
      choice.model_prefix.empty() ? project.folder : project.folder / choice.model_prefix;
  paths.model = base / "dlc-models" / iteration / paths.model_name;
  paths.train = paths.model / "train";
  paths.train_pose_config = paths.train / "pose_cfg.yaml";
  paths.test_pose_config = paths.model / "test" / "pose_cfg.yaml";
  paths.training_set = project.folder / "training-datasets" / iteration /
                       ("UnaugmentedDataSet_" + project.task + project.date);
  paths.evaluation = base / "evaluation-results" / iteration / paths.model_name;
  if (!choice.run_name.empty()) {
    paths.train = paths.train / "runs" / choice.run_name;
    paths.evaluation = paths.evaluation / "runs" / choice.run_name;
  }
  return paths;
}

std::string scorer_name(const Project& project, const PoseConfig& train_config, int shuffle,
                        std::int64_t iteration) {
  return fmt::format("DLC_{}_{}{}shuffle{}_{}", network_in_scorer(train_config.network),
                     project.task, project.date, shuffle, iteration);
}

}  // namespace poseheir
