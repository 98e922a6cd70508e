#include "cli/evaluate_animals.h"

#include <fmt/format.h>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/earlier_results.h"
#include "cli/progress.h"
#include "poseheir/evaluate_animals.h"
#include "poseheir/evaluated.h"

namespace poseheir {
namespace {

double train_fraction(const Project& project, int index) {
  const auto count = static_cast<int>(project.training_fractions.size());
  return project.training_fractions.at(static_cast<std::size_t>(index < 0 ? index + count : index));
}

nlohmann::json as_json(const AnimalEvaluation& evaluation, double pcutoff) {
  const auto errors = [](const ErrorSummary& of) {
    return nlohmann::json{{"train", of.train},
                          {"test", of.test},
                          {"train_with_pcutoff", of.train_cutoff},
                          {"test_with_pcutoff", of.test_cutoff}};
  };
  nlohmann::json one = {{"iterations", evaluation.iterations},
                        {"pcutoff", pcutoff},
                        {"errors_px", errors(evaluation.metrics.all)},
                        {"scorer", evaluation.scorer}};
  for (const auto& keypoint : evaluation.metrics.keypoints)
    one["keypoints"][keypoint.bodypart] = errors(keypoint.errors);
  if (!evaluation.choice) return one;
  const auto& best = evaluation.choice->scores[evaluation.choice->best];
  one["paf_best"] = best.limbs;
  one["map"] = {{"train", best.train.map}, {"test", best.test.map}};
  one["mar"] = {{"train", best.train.mar}, {"test", best.test.mar}};
  return one;
}

void print(const AnimalEvaluation& evaluation, double pcutoff) {
  const auto& all = evaluation.metrics.all;
  std::cout << fmt::format(
      "iterations   train px    test px   train p>={0:g}  test p>={0:g}\n"
      "{1:>10} {2:>10.2f} {3:>10.2f} {4:>13.2f} {5:>12.2f}\n",
      pcutoff, evaluation.iterations, all.train, all.test, all.train_cutoff, all.test_cutoff);
  if (!evaluation.choice) return;
  std::cout << "\n limbs   missed   purity  mAP train  mAP test\n";
  for (std::size_t n = 0; n < evaluation.choice->scores.size(); ++n) {
    const auto& score = evaluation.choice->scores[n];
    std::cout << fmt::format("{:>6} {:>8.3f} {:>8.3f} {:>10.2f} {:>9.2f}{}\n", score.limbs.size(),
                             score.miss_mean, score.purity_mean, score.train.map, score.test.map,
                             n == evaluation.choice->best ? "  taken (paf_best)" : "");
  }
}

}  // namespace

void evaluate_several_animals(const NamedModel& named, const EvaluateArguments& arguments,
                              const ModelPaths& paths, const std::vector<Snapshot>& snapshots,
                              const PoseConfig& train_config) {
  const auto& [project, choice] = named;
  const auto dataset = read_dataset(project, choice, train_config);
  for (const auto& warning : dataset.animals.warnings) arguments.output.warn(warning);
  const auto inference =
      read_inference_config(paths.test_pose_config.parent_path() / "inference_cfg.yaml", project);
  std::filesystem::create_directories(paths.evaluation);
  std::vector<ResultsRow> rows;
  auto list = nlohmann::json::array();
  for (const auto& snapshot : snapshots) {
    const auto scorer = scorer_name(project, train_config, choice.shuffle, snapshot.iteration);
    const auto file = evaluation_pickle(paths, snapshot, scorer);
    ProgressLine line(arguments.output.quiet);
    if (!must_evaluate(file, snapshot, arguments.overwrite, line)) {
      continue;
    }
    const auto model = load_model(project, choice, snapshot);
    auto evaluation =
        evaluate_animals(project, choice, model, dataset.animals, dataset.split, arguments.engine,
                         [&](std::int64_t done, std::int64_t total) {
                           line.update([&] {
                             return fmt::format("{}: picture {} of {}",
                                                snapshot.prefix.filename().string(), done, total);
                           });
                         });
    choose_limbs(evaluation, dataset.animals, dataset.split, inference, model.test_config);
    make_way(file, snapshot, arguments.overwrite, line);
    write_evaluation(paths, snapshot, evaluation, model, dataset.split,
                     train_fraction(project, choice.trainset_index));
    record_results(file, snapshot);
    line.clear();
    rows.push_back({snapshot.iteration, paths.train_percent, choice.shuffle, project.pcutoff,
                    evaluation.metrics.all});
    if (!arguments.json) print(evaluation, project.pcutoff);
    list.push_back(as_json(evaluation, project.pcutoff));
  }
  if (arguments.json) std::cout << list.dump(2) << '\n';
  if (rows.empty()) return;
  const auto last = scorer_name(project, train_config, choice.shuffle, snapshots.back().iteration);
  append_results_csv(paths.evaluation / (last + "-results.csv"), rows);
  append_results_csv(paths.evaluation.parent_path() / "CombinedEvaluation-results.csv", rows);
}

}  // namespace poseheir
