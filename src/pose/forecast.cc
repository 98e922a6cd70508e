// train --dry-run: what would be done, with all that is checked before the first iteration.
#include <algorithm>
#include <fmt/format.h>

#include "base/folder_lock.h"
#include "pose/prepared_run.h"
#include "pose/run_saver.h"
#include "poseheir/error.h"
#include "poseheir/train.h"

namespace poseheir {
namespace {

void describe_beginning(const PreparedRun& run, const RunFolder& files, const EarlierRun& earlier,
                        TrainingForecast& forecast) {
  const auto state = earlier.state ? earlier.state->next_iteration : run.plan.first_iteration;
  forecast.next_iteration = state;
  forecast.resumes = earlier.state.has_value();
  forecast.finished = state > run.plan.last_iteration ||
                      (forecast.resumes && has_lost_patience(run.options, files.history(state)));
  const auto record = std::filesystem::exists(run.folder / "run.json");
  if (forecast.finished)
    forecast.beginning =
        fmt::format("already trained to iteration {}; --overwrite trains again", state - 1);
  else if (forecast.resumes)
    forecast.beginning = fmt::format("goes on at iteration {}", state);
  else if (record)
    forecast.beginning = run.options.overwrite ? "anew, in place of the run that is there"
                                               : "anew: the run that is there has no state saved";
  else
    forecast.beginning = "anew";
}

void describe_plan(const PreparedRun& run, TrainingForecast& forecast) {
  const auto& plan = run.plan;
  forecast.first_iteration = plan.first_iteration;
  forecast.last_iteration = plan.last_iteration;
  forecast.optimizer = plan.optimizer.kind == OptimizerKind::adam ? "adam" : "sgd with momentum";
  forecast.batch_size = plan.batches.batch_size;
  forecast.first_rate = plan.rate(plan.first_iteration);
  forecast.last_rate = plan.rate(plan.last_iteration);
  for (auto it = plan.first_iteration; it <= plan.last_iteration; ++it)
    forecast.largest_rate = std::max(forecast.largest_rate, plan.rate(it));
  forecast.variables = plan.trained.size();
  forecast.trained_variables =
      static_cast<std::size_t>(std::count(plan.trained.begin(), plan.trained.end(), true));
  for (auto it = std::max(plan.first_iteration + 1, forecast.next_iteration);
       it <= plan.last_iteration; ++it)
    if (it % plan.save_iterations == 0 || it == plan.last_iteration)
      forecast.snapshots.push_back(it);
  forecast.kept_snapshots = run.options.max_snapshots;
  forecast.eval_iterations = plan.eval_iterations;
}

std::vector<std::string> files_of(const PreparedRun& run, const TrainingForecast& forecast) {
  if (forecast.finished) return {};
  std::vector<std::string> files = {
      "run.json",          "train_state.safetensors",        "checkpoint",
      "snapshot-N.index",  "snapshot-N.data-00000-of-00001", "learning_stats.csv",
      "learning_curve.csv"};
  if (run.plan.eval_iterations > 0) {
    files.emplace_back("error_curve.csv");
    files.emplace_back("best_snapshot.json");
  }
  files.emplace_back("log/events.out.tfevents.*");
  return files;
}

TrainingForecast forecast_of(const PreparedRun& run, const Team& team) {
  TrainingForecast forecast;
  forecast.folder = run.folder;
  forecast.net_type = run.config.network.net_type;
  forecast.train = run.dataset.split.train.size();
  forecast.test = run.dataset.split.test.size();
  forecast.labelled = run.project.multi_animal ? run.dataset.animals.images.size()
                                               : run.dataset.labels.images.size();
  forecast.records = run.dataset.records.size();
  forecast.start = run.start.description;
  forecast.ranks = run.ranks;
  forecast.threads = thread_count(run.options.engine);
  const RunFolder files(run.folder, run.options.max_snapshots);
  FolderLock::require_free(run.folder);
  require_writable(run.folder);
  const auto earlier = find_earlier_run(run, files);
  forecast.warnings = earlier.warnings;
  forecast.notes = earlier.notes;
  std::erase(forecast.notes, forecast.start);
  describe_beginning(run, files, earlier, forecast);
  describe_plan(run, forecast);
  forecast.files = files_of(run, forecast);
  if (forecast.finished) return forecast;
  Trainer trainer(run.network, run.start.parameters, run.plan.optimizer, run.options.engine);
  trainer.set_trained(run.plan.trained);
  const auto memory = require_memory_for(trainer, run, team, forecast.next_iteration);
  forecast.memory_needed = memory.needed;
  forecast.memory_available = memory.available;
  const auto sizes = save_sizes(run.network, run.plan.optimizer.kind);
  const RunSaver saver(files, run.network, sizes);
  if (team.leads()) saver.require_room(run.folder);
  forecast.snapshot_bytes = sizes.snapshot;
  forecast.disk_needed = saver.least_room();
  forecast.disk_available = room_at(existing_part(run.folder));
  return forecast;
}

}  // namespace

TrainingForecast forecast_training(const Project& project, const ModelChoice& choice,
                                   const TrainOptions& options, Ranks* ranks) {
  Team team(ranks);
  auto own_options = options;
  own_options.engine = team.with_threads(options.engine);
  TrainingForecast forecast;
  team.agree([&] {
    forecast = forecast_of(prepare_run(project, choice, own_options, team.size(), {}), team);
  });
  return forecast;
}

}  // namespace poseheir
