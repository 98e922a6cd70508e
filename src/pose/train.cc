#include "poseheir/train.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fmt/format.h>
#include <malloc.h>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>

#include "base/file.h"
#include "base/folder_lock.h"
#include "pose/error_history.h"
#include "pose/event_file.h"
#include "pose/loader.h"
#include "pose/losses.h"
#include "pose/mailbox.h"
#include "pose/memory.h"
#include "pose/run_folder.h"
#include "pose/run_record.h"
#include "pose/run_saver.h"
#include "pose/start_weights.h"
#include "pose/team.h"
#include "pose/train_adjusted.h"
#include "pose/training_checks.h"
#include "pose/training_options.h"
#include "pose/training_pictures.h"
#include "pose/training_plan.h"
#include "pose/watch.h"
#include "poseheir/error.h"
#include "poseheir/predict.h"

namespace poseheir {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kPictureBytes = 1024U << 20U;
constexpr int kBatchesAhead = 8;
// Between snapshots the state is saved now and then, so that a kill costs minutes, not hours; but
// so seldom that writing takes at most a fiftieth of the time.
constexpr double kStateSeconds = 120, kStateShare = 50;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::vector<std::filesystem::path> picture_paths(const Project& project, const Dataset& dataset) {
  std::vector<std::filesystem::path> paths;
  for (const auto& record : dataset.records)
    paths.push_back(image_path(project, {record.path, {}}));
  return paths;
}

Network network_of(const PoseConfig& config) try {
  return build_network(config.network);
} catch (const Error& error) {
  throw error.within(config.path.string());
}

// Pictures come and go by the hundred. glibc would give each one's pages back, and the kernel clear
// them for the next: an eighth of a small network's training.
void keep_freed_memory() {
#ifdef __GLIBC__
  constexpr int kLargest = 32 << 20;  // as much as glibc admits
  ::mallopt(M_MMAP_THRESHOLD, kLargest);
  ::mallopt(M_TRIM_THRESHOLD, 4 * kLargest);
#endif
}

// While a small network waits for its batch, all processors are free.
int loading_threads() {
  constexpr int kFew = 2;
  const int processors = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  return std::clamp(processors / 4, std::min(kFew, processors), processors);
}

class Run {
 public:
  Run(const Project& project, const ModelChoice& choice, const TrainOptions& options,
      const TrainHooks& hooks, Team& team, const AdjustPlan& adjust)
      : project_(project),
        choice_(choice),
        options_(options),
        hooks_(hooks),
        team_(team),
        config_(read_train_config(project, choice)),
        network_(network_of(config_)),
        dataset_(read_dataset(project, choice, config_)),
        folder_(model_paths(project, choice).train),
        files_(folder_, options.max_snapshots) {
    refuse_unfollowed_keys(config_, NetworkUse::training);
    if (options.exact_joints && !project.multi_animal)  // several animals' joints are not cut
      dataset_.records =
          make_training_records(project, dataset_.labels, dataset_.split.train, JointPlaces::exact);
    if (dataset_.records.empty())
      throw Error(ErrorKind::usage, fmt::format("{}: no labelled picture in its training set",
                                                config_.path.string()));
    require_same_keypoints(project, config_, dataset_);
    start_ = load_start_weights(network_, config_, project.folder, options.init, options.keep_heads,
                                options.seed);
    plan_ = plan_training(network_, config_, options, start_.first_iteration);
    refuse_vain_options(options, config_, plan_);
    if (adjust) adjust(plan_);
    if (!options.eval_iterations && plan_.eval_iterations > 0)
      measure_errors_every(team.size() * affordable_interval(dataset_, plan_, options.freeze),
                           plan_);
    saver_.emplace(files_, network_, save_sizes(network_, plan_.optimizer.kind));
    pictures_crc_ = checksum_of_pictures(picture_paths(project, dataset_));
    identity_ = identity_of(subject());
    refuse_another_run_than_repeated();
  }

  TrainResult train() {
    std::optional<FolderLock> lock;
    TrainResult result;
    for (const auto* labels : {&dataset_.labels.warnings, &dataset_.animals.warnings})
      for (const auto& text : *labels) warn(text);
    team_.agree([&] {
      if (!team_.leads()) return;
      make_training_folder(folder_);
      lock.emplace(folder_);
      if (!lock->stale_owner().empty())
        note(fmt::format("{} was at work here and is gone; taking over", lock->stale_owner()));
      result.resumed = prepare();
    });
    team_.require_same_run(folder_.string() + identity_.dump());
    team_.share_state(state_);
    result.resumed = team_.any(result.resumed);
    lost_patience_ = team_.any(has_lost_patience());
    result.first_iteration = state_.next_iteration;
    if (!is_finished()) compute(result);
    result.finished = is_finished();
    result.stopped_early = lost_patience_;
    result.ranks = team_.size();
    if (!team_.is_alone() && team_.leads())
      write_file(folder_ / "run.json", with_sums(read_file(folder_ / "run.json"), result));
    result.last_iteration = state_.next_iteration - 1;
    result.seconds = state_.seconds;
    if (!state_.snapshots.empty()) result.snapshot = folder_ / state_.snapshots.back();
    result.last_error = history_.last();
    result.best_error = history_.best();
    return result;
  }

 private:
  RunSubject subject() const {
    return {project_, choice_, options_,     config_,      dataset_,
            start_,   plan_,   team_.size(), pictures_crc_};
  }

  bool is_finished() const {
    return state_.next_iteration > plan_.last_iteration || lost_patience_;
  }

  bool has_lost_patience() const {
    return options_.patience && history_.measured_since_best() >= *options_.patience;
  }

  void refuse_another_run_than_repeated() const {
    if (options_.repeats.empty()) return;
    const auto there = nlohmann::json::parse(options_.repeats);
    const auto differs = difference(there, identity_);
    if (!differs.empty())
      throw Error(ErrorKind::mismatch, fmt::format("{}: that run cannot be repeated here: {}",
                                                   folder_.string(), differs));
    if (labels_differ(there, identity_))
      warn(
          "the labels or the split have changed since that run: errors measured now do not compare "
          "with its errors, nor need the best snapshot be the same");
  }

  // Finds out where to begin; true if that is in the middle of an earlier run.
  bool prepare() {
    files_.clear_leftovers();
    const auto earlier = earlier_state();
    if (earlier) {
      go_on(nlohmann::json::parse(earlier->identity));
      return true;
    }
    if (!options_.overwrite) refuse_to_replace_others(folder_, plan_.first_iteration);
    if (start_.source.empty() && options_.init.empty())
      warn(fmt::format(
          "{}: init_weights is empty, so all variables are initialised afresh; training "
          "from ImageNet's weights (--init FILE) or from another model's ('poseheir "
          "transfer') needs far fewer pictures and iterations",
          config_.path.string()));
    else
      note(start_.description);
    const auto old = list_snapshots(folder_);
    if (!old.empty() && old.back().iteration > plan_.last_iteration)
      note(fmt::format("the folder also holds later snapshots of an earlier run, up to {}",
                       old.back().prefix.filename().string()));
    state_.identity = identity_.dump();
    state_.next_iteration = plan_.first_iteration;
    state_.parameters = std::move(start_.parameters);
    return false;
  }

  // Only now that nothing stands in its way, an earlier run is given up.
  void begin() const {
    files_.clear(plan_.first_iteration);
    write_file(folder_ / "run.json", format_run_record(subject(), folder_));
  }

  std::optional<TrainingState> earlier_state() const try {
    return options_.overwrite ? std::nullopt : read_training_state_header(files_.state_file());
  } catch (const Error& error) {
    const auto old = list_snapshots(folder_);
    throw Error(
        error.kind(),
        fmt::format("{}; the run cannot go on from it: --overwrite begins anew{}", error.what(),
                    old.empty() ? std::string()
                                : fmt::format(", --run-name NAME --init {} from the newest "
                                              "snapshot",
                                              old.back().prefix.string())));
  }

  // run.json tells of the run as it ends: --maxiters and its like may have changed. Threads are
  // those it began with.
  void update_record() const {
    const auto file = folder_ / "run.json";
    auto record = nlohmann::json::parse(format_run_record(subject(), folder_));
    if (const auto then = threads_before(file)) {
      const int now = thread_count(options_.engine);
      record["options"]["threads"] = *then;
      if (*then != now)
        note(
            fmt::format("the run began with {} thread{}, now it has {}: what follows is the same "
                        "to rounding, not bit for bit",
                        *then, *then == 1 ? "" : "s", now));
    }
    write_file(file, record.dump(2) + "\n");
  }

  static std::optional<int> threads_before(const std::filesystem::path& run_json) try {
    return read_run_record(run_json).options.engine.threads;
  } catch (const Error&) {
    return std::nullopt;  // the run goes on without
  }

  void go_on(const nlohmann::json& identity) {
    const auto differs = difference(identity, identity_);
    if (!differs.empty())
      throw Error(
          ErrorKind::usage,
          fmt::format("{}: holds another run, which differs in {}; --overwrite replaces it, "
                      "--run-name NAME keeps both",
                      folder_.string(), differs));
    if (labels_differ(identity, identity_))
      warn(
          "the labels or the split have changed since this run began: errors measured "
          "from here on do not compare with those before");
    state_ = read_training_state(files_.state_file(), network_);
    history_ = files_.cut_curves(state_.next_iteration);
    saver_->make_up(state_);
    lost_patience_ = has_lost_patience();
    if (!is_finished()) update_record();
    note(is_finished() ? fmt::format("already trained to iteration {}; --overwrite trains again",
                                     state_.next_iteration - 1)
                       : fmt::format("going on at iteration {}", state_.next_iteration));
  }

  void compute(TrainResult& result) {
    // Batches are prepared by threads of our own; OpenCV's would only take cores from the engine.
    cv::setNumThreads(1);
    keep_freed_memory();
    const auto paths = picture_paths(project_, dataset_);
    TrainingPictures pictures(paths, kPictureBytes, options_.strict,
                              [this](const std::string& line) { mailbox_.put(line); });
    // What the state held moves on to the trainer: large networks are not held twice.
    Trainer trainer(network_, std::move(state_.parameters), plan_.optimizer, options_.engine);
    trainer.set_trained(plan_.trained);
    team_.connect(trainer);
    team_.agree([&] {
      check_memory(trainer);
      if (!team_.leads()) return;
      saver_->require_room(folder_);
      if (!result.resumed) begin();
      saver_->keep_room(folder_);
    });
    if (result.resumed) trainer.restore(std::move(state_.optimizer));
    const auto make = [&](std::int64_t iteration) {
      auto choice = team_.share_of(choose_batch(dataset_.records, plan_.batches, iteration));
      for (auto& record : choice.records) record = pictures.usable(record);
      return assemble_batch(
          dataset_.records,
          [&](int i) { return of_recorded_size(pictures.get(i), paths[i], dataset_.records[i]); },
          plan_.batches, choice);
    };
    BatchLoader loader(make, state_.next_iteration, loading_threads(), kBatchesAhead);
    if (team_.leads()) events_.emplace(folder_ / "log", state_.next_iteration);
    started_ = saved_ = Clock::now();
    seconds_before_ = state_.seconds;
    first_here_ = state_.next_iteration;
    while (!is_finished()) {
      iterate(trainer, loader);
      if (!team_.any(must_stop()) || is_finished()) continue;
      save(trainer, state_.next_iteration - 1, true);
      break;
    }
    result.bytes_per_step = team_.bytes_per_step();
    result.waited_seconds_per_step =
        team_.waited_seconds() / static_cast<double>(state_.next_iteration - first_here_);
  }

  // The first batch stands for all: plans of other sizes use the same memory.
  void check_memory(Trainer& trainer) const {
    const auto whole = choose_batch(dataset_.records, plan_.batches, state_.next_iteration);
    team_.require_share(static_cast<int>(whole.records.size()), folder_);
    const auto choice = team_.share_of(whole);
    const auto size = batch_size_of(dataset_.records, plan_.batches, choice);
    const auto jitter = plan_.batches.scale_jitter.value_or(std::pair{1.0, 1.0});
    const auto largest = plan_.batches.global_scale * jitter.second;
    const auto growth =
        plan_.batches.kind == LoaderKind::fast ? 1.0 : std::max(1.0, largest / choice.scale);
    const TrainingNeeds needs{network_,      dataset_.records, plan_.batches,
                              kPictureBytes, kBatchesAhead,    growth * growth};
    require_memory(trainer, needs, size, static_cast<int>(choice.records.size()),
                   options_.memory_bytes.value_or(team_.memory()), folder_);
  }

  bool must_stop() const {
    if (hooks_.stop && hooks_.stop()) return true;
    return options_.minutes && seconds_since(started_) > *options_.minutes * 60;
  }

  void iterate(Trainer& trainer, BatchLoader& loader) {
    const auto it = state_.next_iteration;
    const auto batch = loader.next();
    const double rate = plan_.rate(it);
    const auto& outputs = trainer.forward({batch.count, batch.height, batch.width, batch.pixels});
    const auto* pairwise = batch.pairwise ? &*batch.pairwise : nullptr;
    const auto counts = team_.total(count_cells(outputs, batch.targets, pairwise, plan_.losses));
    const auto losses = team_.total(
        compute_losses(outputs, batch.targets, pairwise, plan_.losses, counts, gradients_));
    if (!std::isfinite(losses.total))
      team_.agree([&] { throw diverged("the loss is not a finite number", it, rate); });
    team_.backward(trainer, gradients_);
    trainer.step(static_cast<float>(rate), plan_.factors_at(it));
    add(losses);
    ++state_.next_iteration;
    state_.seconds = seconds_before_ + seconds_since(started_);
    const bool display = it % plan_.display_iterations == 0 && it > plan_.first_iteration;
    const double mean = state_.sums.total / static_cast<double>(state_.sums.count);
    if (display && team_.leads()) write_losses(it, rate);
    const bool save_now = (it % plan_.save_iterations == 0 && it != plan_.first_iteration) ||
                          it == plan_.last_iteration;
    const bool eval_now = plan_.eval_iterations > 0 &&
                          (it % plan_.eval_iterations == 0 || it == plan_.last_iteration ||
                           (save_now && plan_.eval_at_snapshots)) &&
                          it > plan_.first_iteration;
    const bool improved = eval_now && measure(trainer, it);
    if (eval_now) lost_patience_ = team_.any(has_lost_patience());
    const bool is_regular = save_now || (eval_now && lost_patience_);
    if (save_now) team_.require_same_networks(trainer.parameters());
    if (!team_.leads()) return pass_on_mail();
    if (is_regular || improved)
      save(trainer, it, is_regular);
    else if (saver_->is_in_need() ||
             seconds_since(saved_) > std::max(kStateSeconds, kStateShare * saving_seconds_))
      save_state(trainer, it);
    pass_on_mail();
    tell(it, rate, display ? mean : losses.total, display);
  }

  // What threads told; of pictures that only this rank has seen.
  void pass_on_mail() {
    for (const auto& line : mailbox_.take()) tell_warning(line);
  }

  void add(const LossValues& losses) {
    state_.sums.total += losses.total;
    state_.sums.part += losses.part;
    state_.sums.locref += losses.locref.value_or(0);
    state_.sums.pairwise += losses.pairwise.value_or(0);
    ++state_.sums.count;
  }

  void write_losses(std::int64_t it, double rate) {
    auto& sums = state_.sums;
    // DeepLabCut divides by the interval, though its first row holds one loss more.
    const auto interval = static_cast<double>(plan_.display_iterations);
    saver_->write([&] {
      if (plan_.batches.animals)
        files_.add_animal_stats(it,
                                {sums.total / interval, sums.part / interval,
                                 sums.locref / interval, 0, sums.pairwise / interval},
                                rate);
      else
        files_.add_learning_stats(it, sums.total / interval, rate);
    });
    const auto count = static_cast<double>(sums.count);
    const LossPoint point{it,   sums.total / count, sums.part / count, sums.locref / count,
                          rate, state_.seconds};
    saver_->write([&] { files_.add_loss(point); });
    saver_->write([&] { events_->add(point); });
    sums = {};
  }

  void begin_to_watch() {
    watch_.emplace(project_, dataset_, config_, options_.engine);
    const auto& problems = watch_->problems();
    if (problems.empty()) return;
    if (options_.strict) throw Error(ErrorKind::corrupt, problems.front());
    warn(fmt::format(
        "{}{}; left out of the errors measured while training", problems.front(),
        problems.size() > 1 ? fmt::format(" (and {} more)", problems.size() - 1) : std::string()));
  }

  // True where the error is the smallest so far.
  bool measure(Trainer& trainer, std::int64_t it) {
    if (!team_.leads()) return false;
    if (!watch_) begin_to_watch();
    const auto errors = watch_->measure(network_, trainer.parameters());
    const ErrorPoint point{it, errors, state_.seconds};
    saver_->write([&] { files_.add_error(point); });
    saver_->write([&] { events_->add(point); });
    const bool improved = history_.add(point);
    if (hooks_.evaluated) hooks_.evaluated(point);
    if (has_lost_patience())
      note(
          fmt::format("no better error in {} measurements: stopped early; the best was at "
                      "iteration {}",
                      *options_.patience, history_.best() ? history_.best()->iteration : it));
    return improved;
  }

  // A finite loss may have had a gradient that was none.
  void require_finite(const Parameters& parameters, std::int64_t it) const {
    for (const auto& values : parameters)
      if (!std::all_of(values.begin(), values.end(),
                       [](float value) { return std::isfinite(value); }))
        throw diverged("the weights are no finite numbers", it, plan_.rate(it));
  }

  void save(const Trainer& trainer, std::int64_t it, bool is_regular) {
    if (!team_.leads()) return;
    require_finite(trainer.parameters(), it);
    const auto start = Clock::now();
    saver_->save(it, state_, trainer.parameters(), trainer.optimizer_state(), is_regular);
    saved_ = Clock::now();
    saving_seconds_ = std::chrono::duration<double>(saved_ - start).count();
  }

  void save_state(const Trainer& trainer, std::int64_t it) {
    require_finite(trainer.parameters(), it);
    saver_->save_state(state_, trainer.parameters(), trainer.optimizer_state());
    saved_ = Clock::now();
  }

  void tell(std::int64_t it, double rate, double loss, bool display) const {
    if (!hooks_.progress) return;
    TrainProgress progress;
    progress.iteration = it;
    progress.first_iteration = plan_.first_iteration;
    progress.last_iteration = plan_.last_iteration;
    progress.total_loss = loss;
    progress.rate = rate;
    progress.display = display;
    progress.iterations_per_second =
        static_cast<double>(it + 1 - first_here_) / seconds_since(started_);
    progress.seconds_left =
        static_cast<double>(plan_.last_iteration - it) / progress.iterations_per_second;
    hooks_.progress(progress);
  }

  Error diverged(const char* what, std::int64_t it, double rate) const {
    const auto last = state_.snapshots.empty() ? std::string("no snapshot was saved before")
                                               : "the last good one is " + state_.snapshots.back();
    return {ErrorKind::unsupported,
            fmt::format("{}: {} at iteration {} (learning rate {}); {}. "
                        "Use a smaller rate (multi_step in pose_cfg.yaml), check the labels "
                        "('poseheir check'), or start from pretrained weights",
                        folder_.string(), what, it, rate, last)};
  }

  void note(const std::string& text) const {
    if (hooks_.note && team_.leads()) hooks_.note(text);
  }

  void warn(const std::string& text) const {
    if (team_.leads()) tell_warning(text);
  }

  void tell_warning(const std::string& text) const {
    if (hooks_.warning)
      hooks_.warning(text);
    else if (hooks_.note)
      hooks_.note(text);
  }

  const Project& project_;
  const ModelChoice& choice_;
  const TrainOptions& options_;
  const TrainHooks& hooks_;
  Team& team_;
  PoseConfig config_;
  Network network_;
  Dataset dataset_;
  std::filesystem::path folder_;
  RunFolder files_;
  StartWeights start_;
  TrainingPlan plan_;
  std::uint32_t pictures_crc_ = 0;
  nlohmann::json identity_;
  TrainingState state_;
  FeatureMaps gradients_;
  std::optional<TrainingWatch> watch_;
  std::optional<EventFile> events_;
  std::optional<RunSaver> saver_;
  ErrorHistory history_;
  bool lost_patience_ = false;
  Mailbox mailbox_;
  Clock::time_point started_, saved_;
  double seconds_before_ = 0, saving_seconds_ = 0;
  std::int64_t first_here_ = 0;
};

TrainResult train_by_plan(const Project& project, const ModelChoice& choice,
                          const TrainOptions& options, const TrainHooks& hooks, Ranks* ranks,
                          const AdjustPlan& adjust) {
  Team team(ranks);
  auto own_options = options;
  own_options.engine = team.with_threads(options.engine);
  std::optional<Run> run;
  try {
    team.agree([&] { run.emplace(project, choice, own_options, hooks, team, adjust); });
    return run->train();
  } catch (const std::exception& error) {
    if (team.is_alone() || team.has_failed_together()) throw;
    team.end_all(error.what());
  }
}

}  // namespace

TrainResult train(const Project& project, const ModelChoice& choice, const TrainOptions& options,
                  const TrainHooks& hooks, Ranks* ranks) {
  return train_by_plan(project, choice, options, hooks, ranks, {});
}

TrainResult train_adjusted(const Project& project, const ModelChoice& choice,
                           const TrainOptions& options, const TrainHooks& hooks,
                           const AdjustPlan& adjust) {
  return train_by_plan(project, choice, options, hooks, nullptr, adjust);
}

}  // namespace poseheir
