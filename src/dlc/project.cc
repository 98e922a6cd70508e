// config.yaml, in the schema of DeepLabCut 3 and with the habits of older versions.
#include "poseheir/project.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>

#include "base/text.h"
#include "dlc/yaml.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

const std::vector<std::string>& known_keys() {
  static const std::vector<std::string> keys = {"config_version",
                                                "Task",
                                                "scorer",
                                                "date",
                                                "multianimalproject",
                                                "identity",
                                                "with_identity",
                                                "project_path",
                                                "pose_config_path",
                                                "engine",
                                                "video_sets",
                                                "bodyparts",
                                                "individuals",
                                                "uniquebodyparts",
                                                "unique_bodyparts",
                                                "multianimalbodyparts",
                                                "start",
                                                "stop",
                                                "numframes2pick",
                                                "skeleton",
                                                "skeleton_color",
                                                "pcutoff",
                                                "dotsize",
                                                "alphavalue",
                                                "colormap",
                                                "TrainingFraction",
                                                "iteration",
                                                "default_net_type",
                                                "default_augmenter",
                                                "default_track_method",
                                                "snapshotindex",
                                                "detector_snapshotindex",
                                                "batch_size",
                                                "detector_batch_size",
                                                "cropping",
                                                "x1",
                                                "x2",
                                                "y1",
                                                "y2",
                                                "corner2move2",
                                                "move2corner",
                                                "SuperAnimalConversionTables",
                                                "resnet",
                                                "croppedtraining",
                                                "video_sets_original",
                                                "num_outputs"};
  return keys;
}

// One file's keys. A null value and, for lists and mappings, an empty text mean "unset" in
// DeepLabCut.
class Config {
 public:
  explicit Config(const std::filesystem::path& path)
      : file_(path.string()), root_(load_yaml_file(path)) {}

  const std::string& file() const { return file_; }
  const YAML::Node& root() const { return root_; }

  YAML::Node find(const std::string& key) const {
    const auto node = root_[key];
    const bool set =
        node.IsDefined() && !node.IsNull() && !(node.IsScalar() && node.Scalar().empty());
    return set ? node : YAML::Node(YAML::NodeType::Undefined);
  }

  template <typename T>
  T value(const std::string& key, T otherwise, const std::string& expected) const {
    const auto node = find(key);
    if (!node.IsDefined()) return otherwise;
    T result{};
    if (!node.IsScalar() || !YAML::convert<T>::decode(node, result))
      throw wrong_yaml_value(file_, key, node, expected);
    return result;
  }

  std::string required_text(const std::string& key) const {
    auto text = value<std::string>(key, "", "a text");
    if (text.empty())
      throw Error(
          ErrorKind::usage,
          fmt::format("{}: key '{}' is missing; is this the config.yaml of a DeepLabCut project?",
                      file_, key));
    return text;
  }

  std::vector<std::string> texts(const std::string& key) const {
    std::vector<std::string> result;
    const auto node = find(key);
    if (!node.IsDefined()) return result;
    if (!node.IsSequence()) throw wrong_yaml_value(file_, key, node, "a list of names");
    for (const auto& item : node) {
      if (!item.IsScalar()) throw wrong_yaml_value(file_, key, item, "a name");
      if (std::find(result.begin(), result.end(), item.Scalar()) != result.end())
        throw Error(ErrorKind::usage, fmt::format("{}: '{}' stands twice under '{}'",
                                                  yaml_place(file_, item), item.Scalar(), key));
      result.push_back(item.Scalar());
    }
    return result;
  }

 private:
  std::string file_;
  YAML::Node root_;
};

void warn_of_unknown_keys(const Config& config, Project& project) {
  for (const auto& entry : config.root()) {
    const auto key = entry.first.IsScalar() ? entry.first.Scalar() : std::string();
    if (std::find(known_keys().begin(), known_keys().end(), key) != known_keys().end()) continue;
    project.warnings.push_back(fmt::format(
        "{}: unknown key '{}'{}; DeepLabCut 3 refuses a file that has one",
        yaml_place(config.file(), entry.first), printable(key), nearest_hint(key, known_keys())));
  }
}

// Both separators: the project may have been labelled on Windows.
std::string stem_of(const std::string& video) {
  const auto slash = video.find_last_of("/\\");
  return std::filesystem::path(slash == std::string::npos ? video : video.substr(slash + 1))
      .stem()
      .string();
}

void read_videos(const Config& config, Project& project) {
  const auto videos = config.find("video_sets");
  if (!videos.IsDefined()) return;
  if (!videos.IsMap())
    throw wrong_yaml_value(config.file(), "video_sets", videos, "videos, each with its 'crop'");
  for (const auto& entry : videos) {
    const auto name = entry.first.IsScalar() ? entry.first.Scalar() : std::string();
    // Files edited by hand have 'crop' at the depth of the videos.
    if (name == "crop") continue;
    project.videos.push_back(name);
    const auto stem = stem_of(name);
    if (std::find(project.video_stems.begin(), project.video_stems.end(), stem) ==
        project.video_stems.end()) {
      project.video_stems.push_back(stem);
    } else {
      project.warnings.push_back(
          fmt::format("{}: a second video is named '{}'; both share one folder of labels",
                      yaml_place(config.file(), entry.first), stem));
    }
  }
}

void read_bodyparts(const Config& config, Project& project) {
  project.multi_animal = config.value<bool>("multianimalproject", false, "true or false");
  project.identity = config.value<bool>("identity", false, "true or false");
  project.individuals = config.texts("individuals");
  const auto parts = config.find("bodyparts");
  const bool says_multi = parts.IsDefined() && parts.IsScalar() && parts.Scalar() == "MULTI!";
  if (!project.multi_animal) {
    if (says_multi)
      throw Error(ErrorKind::usage,
                  fmt::format("{}: 'bodyparts' is MULTI! but 'multianimalproject' is not true",
                              yaml_place(config.file(), parts)));
    project.bodyparts = config.texts("bodyparts");
  } else {
    if (!says_multi)
      project.warnings.push_back(
          fmt::format("{}: 'multianimalproject' is true, so DeepLabCut expects 'bodyparts: "
                      "MULTI!'; taking 'multianimalbodyparts'",
                      config.file()));
    project.bodyparts = config.texts("multianimalbodyparts");
    auto unique = config.texts("uniquebodyparts");
    if (unique.empty()) unique = config.texts("unique_bodyparts");
    for (const auto& part : unique) {
      if (std::find(project.bodyparts.begin(), project.bodyparts.end(), part) !=
          project.bodyparts.end())
        throw Error(ErrorKind::usage,
                    fmt::format("{}: '{}' is both a multi-animal and a unique body part",
                                config.file(), part));
      project.bodyparts.push_back(part);
      project.unique_bodyparts.push_back(part);
    }
  }
  if (project.bodyparts.empty())
    throw Error(ErrorKind::usage,
                fmt::format("{}: no body parts under '{}'", config.file(),
                            project.multi_animal ? "multianimalbodyparts" : "bodyparts"));
}

void read_skeleton(const Config& config, Project& project) {
  const auto skeleton = config.find("skeleton");
  if (!skeleton.IsDefined()) return;
  if (!skeleton.IsSequence())
    throw wrong_yaml_value(config.file(), "skeleton", skeleton, "a list of pairs of body parts");
  for (const auto& bone : skeleton) {
    if (!bone.IsSequence() || bone.size() != 2 || !bone[0].IsScalar() || !bone[1].IsScalar())
      throw wrong_yaml_value(config.file(), "skeleton", bone, "a pair of body parts");
    for (const auto& end : bone) {
      if (std::find(project.bodyparts.begin(), project.bodyparts.end(), end.Scalar()) ==
          project.bodyparts.end())
        project.warnings.push_back(fmt::format(
            "{}: the skeleton names '{}', which is no body part{}", yaml_place(config.file(), end),
            end.Scalar(), nearest_hint(end.Scalar(), project.bodyparts)));
    }
    project.skeleton.emplace_back(bone[0].Scalar(), bone[1].Scalar());
  }
}

void read_training_fractions(const Config& config, Project& project) {
  constexpr auto kExpected = "a list of numbers between 0 and 1, such as 0.95";
  const auto fractions = config.find("TrainingFraction");
  if (fractions.IsDefined() && !fractions.IsSequence())
    throw wrong_yaml_value(config.file(), "TrainingFraction", fractions, kExpected);
  for (const auto& item : fractions) {
    double fraction = 0;
    if (!item.IsScalar() || !YAML::convert<double>::decode(item, fraction) ||
        !(fraction >= 0 && fraction <= 1))
      throw wrong_yaml_value(config.file(), "TrainingFraction", item, kExpected);
    project.training_fractions.push_back(fraction);
  }
  if (project.training_fractions.empty()) project.training_fractions = {0.95};
}

void read_snapshot_index(const Config& config, Project& project) {
  project.snapshot_index = config.value<std::string>("snapshotindex", "all", "a number or 'all'");
  int number = 0;
  if (project.snapshot_index != "all" &&
      !YAML::convert<int>::decode(config.find("snapshotindex"), number))
    throw wrong_yaml_value(config.file(), "snapshotindex", config.find("snapshotindex"),
                           "a number or 'all'");
}

void read_conversion_tables(const Config& config, Project& project) {
  const auto tables = config.find("SuperAnimalConversionTables");
  if (!tables.IsDefined()) return;
  constexpr auto kKey = "SuperAnimalConversionTables";
  if (!tables.IsMap())
    throw wrong_yaml_value(config.file(), kKey, tables, "a mapping for each SuperAnimal model");
  for (const auto& table : tables) {
    if (table.second.IsNull()) continue;
    if (!table.second.IsMap())
      throw wrong_yaml_value(config.file(), kKey, table.second,
                             "'body part: SuperAnimal body part' lines");
    for (const auto& pair : table.second) {
      if (pair.second.IsNull()) continue;
      if (!pair.second.IsScalar())
        throw wrong_yaml_value(config.file(), kKey, pair.second, "a body part");
      project.conversion_tables[table.first.Scalar()][pair.first.Scalar()] = pair.second.Scalar();
    }
  }
}

void read_cropping(const Config& config, Project& project) {
  if (!config.value<bool>("cropping", false, "true or false")) return;
  const auto edge = [&](const char* key) { return config.value<int>(key, 0, "a whole number"); };
  project.crop = Crop{edge("x1"), edge("x2"), edge("y1"), edge("y2")};
}

std::filesystem::path config_file(const std::filesystem::path& path) {
  auto file = std::filesystem::is_directory(path) ? path / "config.yaml" : path;
  if (!std::filesystem::exists(file))
    throw Error(
        ErrorKind::io,
        fmt::format("{}: no such file; expected a DeepLabCut project's config.yaml or its folder",
                    file.string()));
  return file;
}

}  // namespace

Project read_project(const std::filesystem::path& path) {
  const Config config(config_file(path));
  Project project;
  project.folder = std::filesystem::path(config.file()).parent_path();
  if (project.folder.empty()) project.folder = ".";
  project.task = config.required_text("Task");
  project.scorer = config.required_text("scorer");
  project.date = config.required_text("date");
  project.project_path = config.value<std::string>("project_path", "", "a folder");
  warn_of_unknown_keys(config, project);
  read_bodyparts(config, project);
  read_skeleton(config, project);
  read_training_fractions(config, project);
  read_videos(config, project);
  read_conversion_tables(config, project);
  read_snapshot_index(config, project);
  read_cropping(config, project);
  project.iteration = config.value<int>("iteration", 0, "a whole number");
  project.pcutoff = config.value<double>("pcutoff", 0.6, "a number between 0 and 1");
  project.batch_size = config.value<int>("batch_size", 8, "a whole number from 1");
  if (project.batch_size < 1)
    throw wrong_yaml_value(config.file(), "batch_size", config.find("batch_size"),
                           "a whole number from 1");
  project.default_net_type =
      config.value<std::string>("default_net_type", "resnet_50", "a network's name");
  project.default_augmenter = config.value<std::string>("default_augmenter", "default", "a name");
  project.track_method = config.value<std::string>("default_track_method", "", "a tracker's name");
  return project;
}

std::vector<std::string> animal_bodyparts(const Project& project) {
  const auto unique = static_cast<std::ptrdiff_t>(project.unique_bodyparts.size());
  return {project.bodyparts.begin(), project.bodyparts.end() - unique};
}

}  // namespace poseheir
