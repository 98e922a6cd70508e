// From a model's own pose_cfg.yaml back to the project and the choices that lead to it.
#include <charconv>
#include <fmt/format.h>
#include <optional>
#include <regex>

#include "poseheir/error.h"
#include "poseheir/project.h"

namespace poseheir {
namespace {

namespace fs = std::filesystem;

struct ModelFolder {
  int iteration = 0, percent = 0, shuffle = 0;
  fs::path base;  // where dlc-models lies
};

int whole(const std::string& digits) {
  int value = -1;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

// …/dlc-models/iteration-0/openfieldOct30-trainset95shuffle1
std::optional<ModelFolder> parse_model_folder(const fs::path& model) {
  static const std::regex name(R"(.*-trainset(\d{1,3})shuffle(\d{1,9}))");
  static const std::regex iteration(R"(iteration-(\d{1,9}))");
  const auto model_name = model.filename().string();
  const auto iteration_name = model.parent_path().filename().string();
  std::smatch model_match, iteration_match;
  if (model.parent_path().parent_path().filename() != "dlc-models" ||
      !std::regex_match(model_name, model_match, name) ||
      !std::regex_match(iteration_name, iteration_match, iteration))
    return std::nullopt;
  return ModelFolder{whole(iteration_match[1]), whole(model_match[1]), whole(model_match[2]),
                     model.parent_path().parent_path().parent_path()};
}

// The nearest folder above with a config.yaml; a modelprefix stands between it and dlc-models.
std::optional<fs::path> project_above(const fs::path& base) {
  for (auto folder = base; !folder.empty(); folder = folder.parent_path()) {
    if (fs::exists(folder / "config.yaml")) return folder;
    if (folder == folder.parent_path()) break;
  }
  return std::nullopt;
}

NamedModel of_pose_config(const fs::path& file, const ModelChoice& choice) {
  if (!fs::exists(file)) throw Error(ErrorKind::io, file.string() + ": no such file");
  const auto folder =
      parse_model_folder(fs::absolute(file).lexically_normal().parent_path().parent_path());
  const auto project = folder ? project_above(folder->base) : std::nullopt;
  if (!project)
    throw Error(ErrorKind::usage,
                fmt::format("{}: expected it in a DeepLabCut project, as dlc-models/iteration-N/"
                            "MODEL/train/pose_cfg.yaml below its config.yaml; name the config.yaml",
                            file.string()));
  NamedModel model{read_project(*project), choice};
  model.choice.iteration = folder->iteration;
  model.choice.shuffle = folder->shuffle;
  const auto prefix = folder->base.lexically_relative(*project);
  model.choice.model_prefix = prefix == "." ? std::string() : prefix.string();
  const auto count = static_cast<int>(model.project.training_fractions.size());
  for (int index = 0; index < count; ++index) {
    model.choice.trainset_index = index;
    if (model_paths(model.project, model.choice).train_percent == folder->percent) return model;
  }
  throw Error(ErrorKind::usage,
              fmt::format("{}: its folder says {} % for training, which is none of the "
                          "TrainingFraction of {}",
                          file.string(), folder->percent, (*project / "config.yaml").string()));
}

}  // namespace

NamedModel read_model(const fs::path& config, const ModelChoice& choice) {
  if (config.filename() == "pose_cfg.yaml") return of_pose_config(config, choice);
  return {read_project(config), choice};
}

}  // namespace poseheir
