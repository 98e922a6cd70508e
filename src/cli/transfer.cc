// transfer: model B from model A for model C.
#include "poseheir/transfer.h"

#include <fmt/format.h>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/commands.h"
#include "cli/model_options.h"
#include "cli/print.h"
#include "poseheir/error.h"
#include "poseheir/project.h"

namespace poseheir {
namespace {

struct TransferArguments {
  std::string from, to, source_pose_config, init, layers, scope, keypoints;
  std::vector<std::string> averages;
  ModelChoice choice;
  TransferOptions options;
  Output output;
  bool dry_run = false, json = false, overwrite = false, undo = false;
};

// CONFIG is a project's config.yaml or folder, or a pose_cfg.yaml itself.
std::filesystem::path pose_config_of(const TransferArguments& arguments, TransferRequest* request) {
  const std::filesystem::path to = arguments.to;
  if (to.filename() == "pose_cfg.yaml") return to;
  const auto project = read_project(to);
  for (const auto& warning : project.warnings) arguments.output.warn(warning);
  if (request != nullptr) request->conversion_tables = project.conversion_tables;
  return model_paths(project, arguments.choice).train_pose_config;
}

// "tail=tail_base,tail_end".
void add_average(KeypointMap& averages, const std::string& text) {
  const auto equals = text.find('=');
  std::vector<std::string> sources;
  std::istringstream names(equals == std::string::npos ? "" : text.substr(equals + 1));
  for (std::string name; std::getline(names, name, ',');) {
    if (!name.empty()) sources.push_back(name);
  }
  if (equals == 0 || sources.empty())
    throw Error(
        ErrorKind::usage,
        fmt::format("--average '{}': expected KEYPOINT_OF_C=KEYPOINT_OF_A,KEYPOINT_OF_A,…", text));
  averages[text.substr(0, equals)] = sources;
}

TransferRequest request_of(const TransferArguments& arguments) {
  if (arguments.from.empty())
    throw Error(ErrorKind::usage, "--from is missing: the checkpoint of model A");
  TransferRequest request;
  request.source = arguments.from;
  request.source_pose_config = arguments.source_pose_config;
  request.init = arguments.init;
  request.pose_config = pose_config_of(arguments, &request);
  request.overwrite = arguments.overwrite;
  request.options = arguments.options;
  const std::map<std::string, Layers> layers = {
      {"base", Layers::base}, {"backbone", Layers::backbone}, {"all", Layers::all}};
  if (!arguments.layers.empty()) request.options.layers = layers.at(arguments.layers);
  if (!arguments.scope.empty()) request.options.source_scope = arguments.scope;
  if (!arguments.keypoints.empty())
    request.options.keypoints = read_keypoint_map(arguments.keypoints);
  for (const auto& average : arguments.averages) add_average(request.options.averages, average);
  return request;
}

std::string counts_text(const TransferPlan& plan) {
  std::map<TransferAction, int> counts;
  for (const auto& step : plan.steps) ++counts[step.action];
  return fmt::format("{} copied, {} cut to keypoints, {} from --init, {} new",
                     counts[TransferAction::copy], counts[TransferAction::select_keypoints],
                     counts[TransferAction::from_init], counts[TransferAction::initialize]);
}

void print_plan(const PreparedTransfer& prepared) {
  const auto& plan = prepared.plan;
  std::cout << fmt::format("A: {}: {}\n", prepared.source.path.string(), plan.source_description);
  std::cout << fmt::format("C: {}: {}, {} keypoints\n", prepared.request.pose_config.string(),
                           plan.target_network.net_type, plan.target_network.keypoints);
  if (!plan.source_scope.empty())
    std::cout << fmt::format("scope '{}' is stripped from A's names\n", plan.source_scope);
  std::cout << '\n';
  TextTable table({"action", "variable", "shape", "from A", "why"});
  for (const auto& step : plan.steps)
    table.add({std::string(action_name(step.action)), step.target.info.name,
               shape_text(step.target.info.shape),
               step.source.empty() ? "" : shape_text(step.source_shape), step.reason});
  table.print(std::cout);
  if (!plan.unused.empty()) {
    std::cout << "\nnot used of A\n";
    TextTable unused({"tensor", "shape", "why"});
    for (const auto& tensor : plan.unused)
      unused.add({tensor.tensor.name, shape_text(tensor.tensor.shape), tensor.reason});
    unused.print(std::cout);
  }
  std::cout << '\n' << counts_text(plan) << '\n';
}

void print_result(const PreparedTransfer& prepared, const TransferResult& result) {
  std::cout << fmt::format("model B: {} ({}): {}\n", result.snapshot.string(),
                           size_text(result.bytes), counts_text(prepared.plan));
  std::cout << fmt::format("init_weights: ./snapshot-0 (was '{}')\n", result.old_init_weights);
}

void undo(const TransferArguments& arguments) {
  const auto done = undo_transfer(pose_config_of(arguments, nullptr));
  if (arguments.json) {
    std::cout << nlohmann::ordered_json{{"undone", done}}.dump(2) << '\n';
    return;
  }
  for (const auto& line : done) std::cout << line << '\n';
}

void transfer(const TransferArguments& arguments) {
  if (arguments.undo) return undo(arguments);
  const auto prepared = prepare_transfer(request_of(arguments));
  for (const auto& file : prepared.source.files) arguments.output.detail("A: " + file.string());
  arguments.output.detail("C: " + prepared.request.pose_config.string());
  for (const auto& warning : prepared.plan.warnings) arguments.output.warn(warning);
  if (arguments.dry_run) {
    if (arguments.json) {
      std::cout << format_plan_json(prepared.plan);
    } else {
      print_plan(prepared);
    }
    return;
  }
  const auto result = execute_transfer(prepared);
  if (!arguments.json) return print_result(prepared, result);
  auto json = nlohmann::ordered_json::parse(format_plan_json(prepared.plan));
  json["snapshot"] = result.snapshot.string();
  json["bytes"] = result.bytes;
  json["old_init_weights"] = result.old_init_weights;
  std::cout << json.dump(2) << '\n';
}

// --include and --exclude count in the order in which they were given.
void add_selector(CLI::App& command, TransferOptions& options, const std::string& name,
                  bool include, const std::string& help) {
  command
      .add_option_function<std::string>(
          name,
          [&options, include](const std::string& pattern) {
            options.selectors.push_back({include, pattern});
          },
          help)
      ->trigger_on_parse()
      ->type_name("PATTERN");
}

void add_transfer_options(CLI::App& command, TransferArguments& arguments) {
  auto& options = arguments.options;
  command
      .add_option("--layers", arguments.layers,
                  "base: conv1 and block1-3, the cookbook's choice; backbone: block4 too; all: and "
                  "the head as far as keypoints map (default: all when they do, else backbone)")
      ->check(CLI::IsMember({"base", "backbone", "all"}));
  add_selector(command, options, "--exclude", false,
               "Leave out what has this keyword in its name, or matches re:EXPRESSION; repeatable");
  add_selector(command, options, "--include", true,
               "Take it all the same; of several that match, the last counts");
  command.add_option("--source-scope", arguments.scope, "Prefix of A's names (default: found)");
  command.add_option("--keypoints", arguments.keypoints,
                     "Table with the columns gt (keypoints of C) and MasterName (of A)");
  command
      .add_option("--average", arguments.averages,
                  "KEYPOINT_OF_C=A1,A2: start from the mean of several; repeatable")
      ->allow_extra_args(false);
  command.add_flag("--allow-side-swap", options.allow_side_swap,
                   "Let a left keypoint take from a right one");
  command.add_option("--source-pose-cfg", arguments.source_pose_config,
                     "A's pose_cfg.yaml (default: the one beside it)");
  command.add_option("--init", arguments.init, "Start weights for what A does not fill");
  command.add_option("--seed", options.seed, "Of the values that start afresh")
      ->capture_default_str();
}

}  // namespace

void add_transfer(CLI::App& app) {
  auto arguments = std::make_shared<TransferArguments>();
  auto* command = app.add_subcommand("transfer", "Build a model's start from another model");
  command->add_option("--from", arguments->from, "Model A: a checkpoint");
  command->add_option("--to", arguments->to, "Model C: config.yaml, its folder, or a pose_cfg.yaml")
      ->required();
  add_choice_options(*command, arguments->choice);
  add_transfer_options(*command, *arguments);
  command->add_flag("--dry-run", arguments->dry_run,
                    "Print the plan, tensor by tensor; write nothing");
  command->add_flag("--overwrite", arguments->overwrite, "Replace an existing snapshot-0");
  command->add_flag("--undo", arguments->undo, "Take the last transfer back");
  command->add_flag("--json", arguments->json, "One JSON document instead of text");
  add_output_options(*command, arguments->output);
  command->footer(
      "Examples:\n"
      "  poseheir transfer --from superquad/snapshot-700000 --to my-project/config.yaml --dry-run\n"
      "  poseheir transfer --from superquad/snapshot-700000 --to my-project/config.yaml "
      "--layers base");
  command->callback([arguments] { transfer(*arguments); });
}

}  // namespace poseheir
