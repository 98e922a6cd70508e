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

constexpr auto kLosses = R"(location_refinement: true
locref_huber_loss: true
locref_loss_weight: 0.05
locref_stdev: 7.2801
intermediate_supervision: false
intermediate_supervision_layer: 12
pairwise_huber_loss: false
)";

constexpr auto kSchedule = R"(pairwise_predict: false
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

constexpr auto kAnimalSchedule = R"(pairwise_predict: false
max_input_size: 1500
min_input_size: 64
multi_step:
- - 0.0001
  - 7500
- - 5.0e-05
  - 12000
- - 1.0e-05
  - 200000
lr_init: 0.0005
decay_steps: 30000
alpha_r: 0.02
display_iters: 500
save_iters: 10000
engine: tensorflow
pairwise_loss_weight: 0.1
pafwidth: 20
)";

std::string limbs(const NewAnimals& animals) {
  std::string text = "partaffinityfield_graph:";
  if (animals.limbs.empty()) return text + " []\n";
  text += '\n';
  for (const auto& [from, to] : animals.limbs) text += fmt::format("- - {}\n  - {}\n", from, to);
  return text;
}

std::string crops(const NewAnimals& animals) {
  return fmt::format(
      "pre_resize: []\ncrop_size:\n- {}\n- {}\nmax_shift: 0.4\ncrop_sampling: hybrid\n",
      animals.crop_size.first, animals.crop_size.second);
}

bool is_multi_stage(const NewModel& model) { return model.animals && model.animals->multi_stage; }
bool has_limbs(const NewModel& model) { return model.animals && !model.animals->limbs.empty(); }

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
  text += fmt::format("batch_size: {}\napply_prob: 0.5\n", model.animals ? 8 : 1);
  if (model.animals) text += crops(*model.animals);
  text += "cropratio: 0.4\n";
  // scalecrop does not rotate.
  if (model.dataset_type != "scalecrop") text += "rotation: 25\nrotratio: 0.4\n";
  text += kAugmentation;
  text += line("net_type", model.net_type);
  text += fmt::format("multi_stage: {}\n", is_multi_stage(model)) + kLosses;
  text += fmt::format("partaffinityfield_predict: {}\n", has_limbs(model));
  if (!model.animals) return text + kSchedule;
  const auto& animals = *model.animals;
  return text + kAnimalSchedule + limbs(animals) +
         fmt::format(
             "weigh_only_present_joints: false\nnum_limbs: {}\noptimizer: adam\n"
             "num_idchannel: {}\n",
             animals.limbs.size(), animals.identities);
}

std::string format_test_pose_config(const NewModel& model) {
  std::string text = line("dataset", model.dataset) + joints(model);
  text += line("net_type", model.net_type);
  if (model.animals) text += fmt::format("multi_stage: {}\n", is_multi_stage(model));
  text += line("init_weights", model.init_weights);
  text += "global_scale: 0.8\nlocation_refinement: true\nlocref_stdev: 7.2801\n";
  if (!model.animals) return text + "scoremap_dir: test\n";
  const auto& animals = *model.animals;
  text += line("dataset_type", model.dataset_type);
  text += fmt::format("partaffinityfield_predict: {}\npairwise_predict: false\n", has_limbs(model));
  return text + limbs(animals) +
         fmt::format(
             "num_limbs: {}\nnum_idchannel: {}\nnmsradius: 5.0\nminconfidence: 0.01\n"
             "sigma: 1\nlocref_smooth: false\nscoremap_dir: test\n",
             animals.limbs.size(), animals.identities);
}

}  // namespace poseheir
