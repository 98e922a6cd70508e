#include "dlc/pose_config_template.h"

#include <fmt/format.h>

#include "dlc/yaml.h"

namespace poseheir {
namespace {

std::string line(const std::string& key, const std::string& value) {
  return value.empty() ? key + ":\n" : fmt::format("{}: {}\n", key, yaml_scalar(value));
}

std::string joints(const NewModel& model) {
  auto text = fmt::format("num_joints: {}\nall_joints:\n", model.bodyparts.size());
  for (std::size_t i = 0; i < model.bodyparts.size(); ++i) text += fmt::format("- - {}\n", i);
  text += "all_joints_names:\n";
  for (const auto& part : model.bodyparts) text += fmt::format("- {}\n", yaml_scalar(part));
  return text;
}

constexpr auto kAugmentation = R"(scale_jitter_lo: 0.5
scale_jitter_up: 1.25
mirror: false
contrast:
  clahe: true
  claheratio: 0.1
  histeq: true
  histeqratio: 0.1
convolution:
  sharpen: false
  sharpenratio: 0.3
  edge: false
  emboss:
    alpha:
    - 0.0
    - 1.0
    strength:
    - 0.5
    - 1.5
  embossratio: 0.1
)";

constexpr auto kTraining = R"(multi_stage: false
location_refinement: true
locref_huber_loss: true
locref_loss_weight: 0.05
locref_stdev: 7.2801
intermediate_supervision: false
intermediate_supervision_layer: 12
pairwise_huber_loss: false
partaffinityfield_predict: false
pairwise_predict: false
max_input_size: 1500
min_input_size: 64
multi_step:
- - 0.005
  - 10000
- - 0.02
  - 430000
- - 0.002
  - 730000
- - 0.001
  - 1030000
lr_init: 0.0005
decay_steps: 30000
alpha_r: 0.02
display_iters: 1000
save_iters: 50000
engine: tensorflow
)";

}  // namespace

std::string format_train_pose_config(const NewModel& model) {
  std::string text;
  text += line("dataset", model.dataset);
  text += line("metadataset", model.metadataset);
  text += joints(model);
  text += line("init_weights", model.init_weights);
  text += line("project_path", model.project_path);
  text += "pos_dist_thresh: 17\nglobal_scale: 0.8\n";
  text += line("dataset_type", model.dataset_type);
  text += "batch_size: 1\napply_prob: 0.5\ncropratio: 0.4\n";
  // scalecrop does not rotate.
  if (model.dataset_type != "scalecrop") text += "rotation: 25\nrotratio: 0.4\n";
  text += kAugmentation;
  text += line("net_type", model.net_type);
  return text + kTraining;
}

std::string format_test_pose_config(const NewModel& model) {
  std::string text = line("dataset", model.dataset) + joints(model);
  text += line("net_type", model.net_type);
  text += line("init_weights", model.init_weights);
  return text +
         "global_scale: 0.8\nlocation_refinement: true\nlocref_stdev: 7.2801\nscoremap_dir: test\n";
}

}  // namespace poseheir
