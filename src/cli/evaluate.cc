#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/earlier_results.h"
#include "cli/evaluate_animals.h"
#include "cli/progress.h"
#include "poseheir/evaluated.h"
#include "poseheir/predict.h"

namespace poseheir {
namespace {

std::filesystem::path predictions_file(const ModelPaths& paths, const std::string& scorer,
                                       const Snapshot& snapshot) {
  return paths.evaluation / fmt::format("{}-{}.h5", scorer, snapshot.prefix.filename().string());
}

// What an earlier evaluation left, or a new one written out.
Evaluation evaluate_snapshot(const NamedModel& named, const EvaluateArguments& arguments,
                             const ModelPaths& paths, const Snapshot& snapshot,
                             const PoseConfig& config, const Dataset& dataset, bool& is_new) {
  const auto& [project, choice] = named;
  const auto scorer = scorer_name(project, config, choice.shuffle, snapshot.iteration);
  const auto file = predictions_file(paths, scorer, snapshot);
  ProgressLine line(arguments.output.quiet);
  is_new = must_evaluate(file, snapshot, arguments.overwrite, line);
  if (!is_new) {
    Evaluation evaluation;
    evaluation.iterations = snapshot.iteration;
    evaluation.predictions = read_predictions(file);
    evaluation.metrics =
        evaluate(dataset.labels, evaluation.predictions, dataset.split, project.pcutoff);
    return evaluation;
  }
  const auto model = load_model(project, choice, snapshot);
  auto evaluation =
      evaluate_model(project, choice, model, dataset, arguments.engine,
                     [&](std::int64_t done, std::int64_t total) {
                       line.update([&] {
                         return fmt::format("{}: picture {} of {}",
                                            snapshot.prefix.filename().string(), done, total);
                       });
                     });
  make_way(file, snapshot, arguments.overwrite, line);
  write_predictions_fixed(file, evaluation.predictions);
  record_results(file, snapshot);
  write_keypoint_csv(paths.evaluation / (scorer + "-keypoint-results.csv"), evaluation.metrics);
  return evaluation;
}

nlohmann::json as_json(const ErrorSummary& errors) {
  return {{"train", errors.train},
          {"test", errors.test},
          {"train_with_pcutoff", errors.train_cutoff},
          {"test_with_pcutoff", errors.test_cutoff}};
}

void print(const std::vector<Evaluation>& evaluations, double pcutoff, bool json) {
  if (json) {
    auto list = nlohmann::json::array();
    for (const auto& evaluation : evaluations) {
      nlohmann::json one = {{"iterations", evaluation.iterations},
                            {"pcutoff", pcutoff},
                            {"errors_px", as_json(evaluation.metrics.all)},
                            {"scorer", evaluation.predictions.scorer}};
      for (const auto& keypoint : evaluation.metrics.keypoints)
        one["keypoints"][keypoint.bodypart] = as_json(keypoint.errors);
      list.push_back(one);
    }
    std::cout << list.dump(2) << '\n';
    return;
  }
  std::cout << fmt::format("iterations   train px    test px   train p>={0:g}  test p>={0:g}\n",
                           pcutoff);
  for (const auto& evaluation : evaluations) {
    const auto& all = evaluation.metrics.all;
    std::cout << fmt::format("{:>10} {:>10.2f} {:>10.2f} {:>13.2f} {:>12.2f}\n",
                             evaluation.iterations, all.train, all.test, all.train_cutoff,
                             all.test_cutoff);
  }
}

void run_evaluate(const EvaluateArguments& arguments) {
  const auto named = read_model_telling(arguments.model, arguments.output);
  const auto& [project, choice] = named;
  const auto paths = model_paths(project, choice);
  const auto config = read_train_config(project, choice);
  const auto snapshots = choose_snapshots(project, paths, arguments.snapshot);
  if (config.network.multi_animal) {
    evaluate_several_animals(named, arguments, paths, snapshots, config);
    return;
  }
  const auto dataset = read_dataset(project, choice, config);
  for (const auto& warning : dataset.labels.warnings) arguments.output.warn(warning);
  std::filesystem::create_directories(paths.evaluation);
  std::vector<Evaluation> evaluations;
  std::vector<ResultsRow> rows;
  for (const auto& snapshot : snapshots) {
    bool is_new = false;
    evaluations.push_back(
        evaluate_snapshot(named, arguments, paths, snapshot, config, dataset, is_new));
    const auto& all = evaluations.back().metrics.all;
    if (is_new)
      rows.push_back(
          {snapshot.iteration, paths.train_percent, choice.shuffle, project.pcutoff, all});
  }
  if (!rows.empty()) {
    // As DeepLabCut: all rows of one call stand in the file of the last snapshot.
    const auto last = scorer_name(project, config, choice.shuffle, snapshots.back().iteration);
    append_results_csv(paths.evaluation / (last + "-results.csv"), rows);
    // It has no column for a run's name.
    if (choice.run_name.empty())
      append_results_csv(paths.evaluation.parent_path() / "CombinedEvaluation-results.csv", rows);
  }
  print(evaluations, project.pcutoff, arguments.json);
}

}  // namespace

void add_evaluate(CLI::App& app) {
  const auto arguments = std::make_shared<EvaluateArguments>();
  auto* command =
      app.add_subcommand("evaluate", "Compare a trained model with the labels of its project");
  add_model_options(*command, arguments->model);
  command->add_option("--snapshot", arguments->snapshot,
                      "N, best, last or all (default: config.yaml's snapshotindex)");
  add_engine_options(*command, arguments->engine);
  command->add_flag("--overwrite", arguments->overwrite, "Predict again what was predicted before");
  command->add_flag("--json", arguments->json, "The result as JSON");
  add_output_options(*command, arguments->output);
  command->footer(
      "Examples:\n"
      "  poseheir evaluate my-project/config.yaml\n"
      "  poseheir evaluate my-project/config.yaml --snapshot all --shuffle 2");
  command->callback([arguments] { run_evaluate(*arguments); });
}

}  // namespace poseheir
