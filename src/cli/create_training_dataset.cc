// poseheir create-training-dataset: merged labels, a split and pose_cfg.yaml, as DeepLabCut leaves
// them.
#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands.h"
#include "cli/model_options.h"
#include "poseheir/project.h"
#include "poseheir/training_set_plan.h"

namespace poseheir {
namespace {

struct Request {
  std::string config;
  TrainingSetOptions options;
  Output output;
  bool json = false, dry_run = false;
};

nlohmann::json as_json(const CreatedTrainingSet& created) {
  auto models = nlohmann::json::array();
  for (const auto& model : created.models) {
    models.push_back({{"model", model.paths.model_name},
                      {"train_pose_config", model.paths.train_pose_config.string()},
                      {"training_fraction", model.split.fraction},
                      {"train_images", model.split.train.size()},
                      {"test_images", model.split.test.size()},
                      {"records", model.records}});
  }
  return {{"models", models}};
}

void print(const CreatedTrainingSet& created) {
  for (const auto& model : created.models) {
    std::cout << fmt::format(
        "{}\n  {} images to train ({} with visible joints), {} to test\n  {}\n",
        model.paths.model_name, model.split.train.size(), model.records, model.split.test.size(),
        model.paths.train_pose_config.string());
  }
}

void print(const TrainingSetPlan& plan) {
  std::cout << fmt::format("would write {} files: {}, {}\n", plan.files.size(), plan.net_type,
                           plan.augmenter);
  for (const auto& file : plan.files)
    std::cout << fmt::format("{:>10} {}  {}\n", file.content.size(),
                             file.replaces ? "replaced" : "new     ", file.path.string());
}

nlohmann::json as_json(const TrainingSetPlan& plan) {
  auto json = as_json(plan.set);
  json["dry_run"] = true;
  json["net_type"] = plan.net_type;
  json["augmenter"] = plan.augmenter;
  for (const auto& file : plan.files)
    json["files"].push_back({{"path", file.path.string()},
                             {"bytes", file.content.size()},
                             {"replaces", file.replaces}});
  return json;
}

void run(const Request& request) {
  const auto project = read_project(request.config);
  std::optional<TrainingSetPlan> plan;
  if (request.dry_run) plan = plan_training_dataset(project, request.options);
  const auto created = plan ? plan->set : create_training_dataset(project, request.options);
  for (const auto* warnings : {&project.warnings, &created.warnings}) {
    for (const auto& warning : *warnings) request.output.warn(warning);
  }
  if (request.json) {
    std::cout << (plan ? as_json(*plan) : as_json(created)).dump(2) << '\n';
  } else {
    print(created);
    if (plan) print(*plan);
  }
  if (plan) request.output.note("nothing was written (--dry-run)");
}

}  // namespace

void add_create_training_dataset(CLI::App& app) {
  auto request = std::make_shared<Request>();
  auto& options = request->options;
  auto* command =
      app.add_subcommand("create-training-dataset",
                         "Merge a project's labels, split them, and set up a model to train");
  command
      ->add_option("config", request->config, "config.yaml of a DeepLabCut project, or its folder")
      ->required();
  command->add_option("--shuffle", options.shuffle, "number of the new model")
      ->check(whole_above_zero())
      ->capture_default_str();
  command->add_option("--net-type", options.net_type, "network (config.yaml's default_net_type)");
  command->add_option("--augmenter", options.augmenter,
                      "augmentation (config.yaml's default_augmenter)");
  command->add_option("--init-weights", options.init_weights,
                      "checkpoint to start from, kept in pose_cfg.yaml");
  command->add_flag("--skeleton-limbs", options.limbs_from_skeleton,
                    "several animals: learn the limbs of config.yaml's skeleton, not all pairs");
  auto* seed = command->add_option("--seed", options.seed, "of the split")
                   ->check(whole_from_zero())
                   ->capture_default_str();
  command
      ->add_flag("--by-time", options.by_time,
                 "test on the last pictures of each folder, which resemble the training pictures "
                 "less than random ones do")
      ->excludes(seed);
  command->add_flag("--overwrite", options.overwrite, "replace an existing model of this shuffle");
  command->add_flag("--dry-run", request->dry_run,
                    "check everything and tell what would be written; write nothing");
  command->add_flag("--json", request->json, "print one JSON document");
  add_output_options(*command, request->output);
  command->footer(
      "Examples:\n"
      "  poseheir create-training-dataset my-project/config.yaml --net-type mobilenet_v2_0.35\n"
      "  poseheir create-training-dataset my-project --shuffle 2 --init-weights "
      "weights/resnet_v1_50.ckpt --json");
  command->callback([request] { run(*request); });
}

}  // namespace poseheir
