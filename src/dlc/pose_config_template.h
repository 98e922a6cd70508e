// The text of the pose_cfg.yaml files of a new model, key for key as DeepLabCut writes them.
#pragma once

#include <string>
#include <vector>

namespace poseheir {

struct NewModel {
  std::string dataset, metadataset;  // below the project's folder
  std::vector<std::string> bodyparts;
  std::string init_weights;
  std::string project_path;
  std::string net_type;
  std::string dataset_type;
};

std::string format_train_pose_config(const NewModel& model);
std::string format_test_pose_config(const NewModel& model);

}  // namespace poseheir
