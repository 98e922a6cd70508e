// The reference project, made small, for tests of training: what is tested is the plumbing.
#pragma once

#include "base/file.h"
#include "openfield.h"
#include "poseheir/train.h"

namespace poseheir {

inline constexpr auto kTrain = "dlc-models/iteration-0/openfieldOct30-trainset95shuffle1/train";

// Small pictures, few iterations.
struct Openfield {
  OpenfieldProject folder;
  Project project = read_project(folder.path());
  TrainOptions options;
  std::filesystem::path train_folder = folder / kTrain;

  Openfield() {
    set_pose_config_value(train_folder / "pose_cfg.yaml", "global_scale", "0.2");
    set_pose_config_value(train_folder / "pose_cfg.yaml", "scale_jitter_lo", "0.8");
    set_pose_config_value(train_folder / "pose_cfg.yaml", "min_input_size", "32");
    options.recipe = Recipe::dlc;
    options.init = "random";
    options.max_iterations = 6;
    options.save_iterations = 3;
    options.display_iterations = 2;
    options.eval_iterations = 0;
  }
  TrainResult run(const std::string& name, const TrainHooks& hooks = {}) const {
    ModelChoice choice;
    choice.run_name = name;
    return train(project, choice, options, hooks);
  }
  std::string file(const std::string& run, const std::string& name) const {
    return read_file(train_folder / "runs" / run / name);
  }
};

}  // namespace poseheir
