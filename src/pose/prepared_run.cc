#include "pose/prepared_run.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/file.h"
#include "pose/run_difference.h"
#include "pose/training_checks.h"
#include "pose/training_options.h"
#include "pose/training_pictures.h"
#include "pose/watch.h"
#include "poseheir/error.h"
#include "poseheir/predict.h"

namespace poseheir {
namespace {

Network network_of(const PoseConfig& config) try {
  return build_network(config.network);
} catch (const Error& error) {
  throw error.within(config.path.string());
}

void refuse_another_run_than_repeated(const PreparedRun& run) {
  if (run.options.repeats.empty()) return;
  const auto differs = difference(nlohmann::json::parse(run.options.repeats),
                                  with_details(run.identity, run.subject()));
  if (!differs.empty())
    throw Error(ErrorKind::mismatch,
                fmt::format("{}: that run cannot be repeated here: {}. Put back what it was "
                            "trained with, or train anew without --repeat",
                            run.folder.string(), differs));
}

std::optional<TrainingState> state_in(const PreparedRun& run, const RunFolder& files) try {
  return run.options.overwrite ? std::nullopt : read_training_state_header(files.state_file());
} catch (const Error& error) {
  const auto old = list_snapshots(run.folder);
  throw Error(
      error.kind(),
      fmt::format("{}; the run cannot go on from it: --overwrite begins anew{}", error.what(),
                  old.empty() ? std::string()
                              : fmt::format(", --run-name NAME --init {} from the newest "
                                            "snapshot",
                                            old.back().prefix.string())));
}

// The state knows no single files; run.json does, of the same run.
nlohmann::json with_details_beside(nlohmann::json identity, const std::filesystem::path& folder) {
  if (!std::filesystem::exists(folder / "run.json")) return identity;
  const auto record = nlohmann::json::parse(read_file(folder / "run.json"), nullptr, false);
  for (const char* key : {kPictures, kPoseConfigText})
    if (record.is_object() && record.contains(key)) identity[key] = record[key];
  return identity;
}

void require_same_run(const PreparedRun& run, const nlohmann::json& there) {
  const auto differs =
      difference(with_details_beside(there, run.folder), with_details(run.identity, run.subject()));
  if (!differs.empty())
    throw Error(ErrorKind::usage,
                fmt::format("{}: holds another run: {}; put back what it was trained with to go "
                            "on, or --overwrite replaces it, --run-name NAME keeps both",
                            run.folder.string(), differs));
}

void tell_of_beginning(const PreparedRun& run, EarlierRun& earlier) {
  if (run.start.source.empty() && run.options.init.empty())
    earlier.warnings.push_back(
        fmt::format("{}: init_weights is empty, so all variables are initialised afresh; training "
                    "from ImageNet's weights (--init FILE) or from another model's ('poseheir "
                    "transfer') needs far fewer pictures and iterations",
                    run.config.path.string()));
  else
    earlier.notes.push_back(run.start.description);
  if (!std::filesystem::exists(run.folder)) return;
  const auto old = list_snapshots(run.folder);
  if (!old.empty() && old.back().iteration > run.plan.last_iteration)
    earlier.notes.push_back(
        fmt::format("the folder also holds later snapshots of an earlier run, up to {}",
                    old.back().prefix.filename().string()));
}

}  // namespace

PreparedRun prepare_run(const Project& project, const ModelChoice& choice,
                        const TrainOptions& options, int ranks, const AdjustPlan& adjust) {
  PreparedRun run{project, choice, options, ranks, read_train_config(project, choice)};
  run.network = network_of(run.config);
  run.dataset = read_dataset(project, choice, run.config);
  run.folder = model_paths(project, choice).train;
  refuse_unfollowed_keys(run.config, NetworkUse::training);
  if (options.exact_joints && !project.multi_animal)  // several animals' joints are not cut
    run.dataset.records = make_training_records(project, run.dataset.labels,
                                                run.dataset.split.train, JointPlaces::exact);
  if (run.dataset.records.empty())
    throw Error(ErrorKind::usage, fmt::format("{}: no labelled picture in its training set",
                                              run.config.path.string()));
  require_same_keypoints(project, run.config, run.dataset);
  run.start = load_start_weights(run.network, run.config, project.folder, options.init,
                                 options.keep_heads, options.seed);
  run.plan = plan_training(run.network, run.config, options, run.start.first_iteration);
  refuse_vain_options(options, run.config, run.plan);
  if (adjust) adjust(run.plan);
  if (!options.eval_iterations && run.plan.eval_iterations > 0)
    measure_errors_every(ranks * affordable_interval(run.dataset, run.plan, options.freeze),
                         run.plan);
  for (const auto& record : run.dataset.records)
    run.pictures.push_back(image_path(project, {record.path, {}}));
  run.sums = checksums_of_pictures(run.pictures);
  run.identity = identity_of(run.subject());
  refuse_another_run_than_repeated(run);
  return run;
}

EarlierRun find_earlier_run(const PreparedRun& run, const RunFolder& files) {
  EarlierRun earlier;
  for (const auto* labels : {&run.dataset.labels.warnings, &run.dataset.animals.warnings})
    earlier.warnings.insert(earlier.warnings.end(), labels->begin(), labels->end());
  if (!run.options.repeats.empty() &&
      labels_differ(nlohmann::json::parse(run.options.repeats), run.identity))
    earlier.warnings.emplace_back(
        "the labels or the split have changed since that run: errors measured now do not compare "
        "with its errors, nor need the best snapshot be the same");
  earlier.state = state_in(run, files);
  if (earlier.state) {
    const auto there = nlohmann::json::parse(earlier.state->identity);
    require_same_run(run, there);
    if (labels_differ(there, run.identity))
      earlier.warnings.emplace_back(
          "the labels or the split have changed since this run began: errors measured from here "
          "on do not compare with those before");
    return earlier;
  }
  if (!run.options.overwrite && std::filesystem::exists(run.folder))
    refuse_to_replace_others(run.folder, run.plan.first_iteration);
  tell_of_beginning(run, earlier);
  return earlier;
}

bool has_lost_patience(const TrainOptions& options, const ErrorHistory& history) {
  return options.patience && history.measured_since_best() >= *options.patience;
}

MemoryNeed require_memory_for(Trainer& trainer, const PreparedRun& run, const Team& team,
                              std::int64_t iteration) {
  const auto& batches = run.plan.batches;
  const auto whole = choose_batch(run.dataset.records, batches, iteration);
  team.require_share(static_cast<int>(whole.records.size()), run.folder);
  const auto choice = team.share_of(whole);
  const auto size = batch_size_of(run.dataset.records, batches, choice);
  const auto jitter = batches.scale_jitter.value_or(std::pair{1.0, 1.0});
  const auto largest = batches.global_scale * jitter.second;
  const auto growth =
      batches.kind == LoaderKind::fast ? 1.0 : std::max(1.0, largest / choice.scale);
  const TrainingNeeds needs{run.network,   run.dataset.records, batches,
                            kPictureBytes, kBatchesAhead,       growth * growth};
  return require_memory(trainer, needs, size, static_cast<int>(choice.records.size()),
                        run.options.memory_bytes.value_or(team.memory()), run.folder);
}

}  // namespace poseheir
