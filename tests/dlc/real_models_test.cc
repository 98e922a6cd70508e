// Models that people published, 2018 to 2025: their pose_cfg.yaml and the index of their snapshots.
#include <filesystem>
#include <gmock/gmock.h>
#include <set>

#include "expect_error.h"
#include "poseheir/project.h"
#include "shared.h"

namespace poseheir {
namespace {

namespace fs = std::filesystem;

fs::path published() { return shared_folder() / "data/dlc-outputs"; }

std::vector<fs::path> files_in(const char* folder, const std::string& ending) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(published() / folder))
    if (entry.path().filename().string().ends_with(ending)) files.push_back(entry.path());
  return files;
}

TEST(PublishedModels, EveryPoseConfigParsesAndNamesItsNetwork) {
  NEEDS_SHARED("data/dlc-outputs/pose_cfg");
  const auto files = files_in("pose_cfg", "pose_cfg.yaml");
  ASSERT_FALSE(files.empty());
  for (const auto& file : files) {
    const auto name = file.filename().string();
    // DeepLabCut's own template: project and joints are filled in when a training set is made.
    if (name == "AlexEMG+DeepLabCut__deeplabcut__pose_cfg.yaml") {
      EXPECT_EQ(read_pose_config(file).network.keypoints, 0);
      continue;
    }
    const auto config = read_pose_config(file);
    EXPECT_EQ(config.network.keypoints, static_cast<int>(config.keypoint_names.size())) << name;
    EXPECT_FALSE(build_network(config.network).variables.empty()) << name;
  }
}

// "…__train__" of a file's name, with "test" for "train".
fs::path pose_config_beside(const fs::path& index, const std::string& phase) {
  const auto name = index.filename().string();
  const auto model = name.substr(0, name.rfind("__train__"));
  return published() / "pose_cfg" / (model + "__" + phase + "__pose_cfg.yaml");
}

std::map<std::string, std::vector<std::int64_t>> shapes_of(const std::vector<Variable>& variables) {
  std::map<std::string, std::vector<std::int64_t>> shapes;
  for (const auto& variable : variables) shapes[variable.info.name] = variable.info.shape;
  return shapes;
}

TEST(PublishedModels, EveryIndexHoldsExactlyTheVariablesThatWeListForIt) {
  NEEDS_SHARED("data/dlc-outputs/index");
  int described = 0;
  for (const auto& index : files_in("index", ".index")) {
    const auto checkpoint = list_checkpoint(index);
    EXPECT_EQ(checkpoint.missing.size(), 1U) << index;
    std::vector<TensorInfo> tensors;
    std::map<std::string, std::vector<std::int64_t>> held;
    for (const auto& tensor : checkpoint.tensors) {
      tensors.push_back(tensor.info);
      held[tensor.info.name] = tensor.info.shape;
    }
    const auto recognised = recognise_network(tensors);
    ASSERT_EQ(recognised.size(), 1U) << index;
    EXPECT_EQ(shapes_of(variables_of(recognised[0].spec)), held) << index;
    for (const char* phase : {"train", "test"})
      if (const auto file = pose_config_beside(index, phase); fs::exists(file)) {
        ++described;
        EXPECT_EQ(shapes_of(variables_of(read_pose_config(file).network)), held) << file;
      }
  }
  EXPECT_GT(described, 0);
}

TEST(PublishedModels, AnIndexAloneIsListedAndSaysThatTheWeightsAreMissingWhenRead) {
  NEEDS_SHARED("data/dlc-outputs/index");
  const auto index = files_in("index", "snapshot-1030000.index").at(0);
  const auto checkpoint = list_checkpoint(index);
  const auto* tensor = checkpoint.find("resnet_v1_50/conv1/weights");
  ASSERT_NE(tensor, nullptr);
  EXPECT_THAT(tensor->info.shape, testing::ElementsAre(7, 7, 3, 64));
  EXPECT_ERROR(tensor->read(), ErrorKind::io,
               "tensor 'resnet_v1_50/conv1/weights' lies in data file 1 of 1, which is missing");
  EXPECT_ERROR(read_checkpoint(index), ErrorKind::io,
               "data-00000-of-00001 is missing; an index is of no use without its data files");
}

}  // namespace
}  // namespace poseheir
