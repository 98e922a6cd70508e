// The text of the pose_cfg.yaml files of a new model, key for key as DeepLabCut writes them.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace poseheir {

// What a model of several animals has beside.
struct NewAnimals {
  std::vector<std::array<int, 2>> limbs;
  int identities = 0;
  bool multi_stage = false;
  std::pair<int, int> crop_size;
};

struct NewModel {
  std::string dataset, metadataset;  // below the project's folder
  std::vector<std::string> bodyparts;
  std::string init_weights;
  std::string project_path;
  std::string net_type;
  std::string dataset_type;
  std::optional<NewAnimals> animals;
};

std::string format_train_pose_config(const NewModel& model);
std::string format_test_pose_config(const NewModel& model);

}  // namespace poseheir
