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
#include "pose/prepared_run.h"
#include "pose/run_saver.h"
#include "pose/training_checks.h"
#include "pose/training_pictures.h"
#include "pose/watch.h"
#include "poseheir/error.h"
#include "poseheir/predict.h"

namespace poseheir {
namespace {

using Clock = std::chrono::steady_clock;
// Between snapshots the state is saved now and then, so that a kill costs minutes, not hours; but
// so seldom that writing takes at most a fiftieth of the time.
constexpr double kStateSeconds = 120, kStateShare = 50;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
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
      : hooks_(hooks),
        team_(team),
        run_(prepare_run(project, choice, options, team.size(), adjust)),
        files_(run_.folder, options.max_snapshots),
        saver_(files_, run_.network, save_sizes(run_.network, run_.plan.optimizer.kind)) {}

  TrainResult train() {
    std::optional<FolderLock> lock;
    TrainResult result;
    team_.agree([&] {
      if (!team_.leads()) return;
      make_training_folder(run_.folder);
      lock.emplace(run_.folder);
      if (!lock->stale_owner().empty())
        note(fmt::format("{} was at work here and is gone; taking over", lock->stale_owner()));
      result.resumed = prepare();
    });
    team_.require_same_run(run_.folder.string() + run_.identity.dump());
    team_.share_state(state_);
    result.resumed = team_.any(result.resumed);
    lost_patience_ = team_.any(has_lost_patience(run_.options, history_));
    result.first_iteration = state_.next_iteration;
    if (!is_finished()) compute(result);
    result.finished = is_finished();
    result.stopped_early = lost_patience_;
    result.ranks = team_.size();
    if (!team_.is_alone() && team_.leads())
      write_file(run_.folder / "run.json", with_sums(read_file(run_.folder / "run.json"), result));
    result.last_iteration = state_.next_iteration - 1;
    result.seconds = state_.seconds;
    if (!state_.snapshots.empty()) result.snapshot = run_.folder / state_.snapshots.back();
    result.last_error = history_.last();
    result.best_error = history_.best();
    return result;
  }

 private:
  bool is_finished() const {
    return state_.next_iteration > run_.plan.last_iteration || lost_patience_;
  }

  // Finds out where to begin; true if that is in the middle of an earlier run.
  bool prepare() {
    files_.clear_leftovers();
    const auto earlier = find_earlier_run(run_, files_);
    for (const auto& text : earlier.warnings) warn(text);
    for (const auto& text : earlier.notes) note(text);
    if (earlier.state) {
      go_on();
      return true;
    }
    state_.identity = run_.identity.dump();
    state_.next_iteration = run_.plan.first_iteration;
    state_.parameters = std::move(run_.start.parameters);
    return false;
  }

  // Only now that nothing stands in its way, an earlier run is given up.
  void begin() const {
    files_.clear(run_.plan.first_iteration);
    write_file(run_.folder / "run.json", format_run_record(run_.subject(), run_.folder));
  }

  // run.json tells of the run as it ends: --maxiters and its like may have changed. Threads are
  // those it began with.
  void update_record() const {
    const auto file = run_.folder / "run.json";
    auto record = nlohmann::json::parse(format_run_record(run_.subject(), run_.folder));
    if (const auto then = threads_before(file)) {
      const int now = thread_count(run_.options.engine);
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

  void go_on() {
    state_ = read_training_state(files_.state_file(), run_.network);
    history_ = files_.cut_curves(state_.next_iteration);
    saver_.make_up(state_);
    lost_patience_ = has_lost_patience(run_.options, history_);
    if (!is_finished()) update_record();
    note(is_finished() ? fmt::format("already trained to iteration {}; --overwrite trains again",
                                     state_.next_iteration - 1)
                       : fmt::format("going on at iteration {}", state_.next_iteration));
  }

  void compute(TrainResult& result) {
    // Batches are prepared by threads of our own; OpenCV's would only take cores from the engine.
    cv::setNumThreads(1);
    keep_freed_memory();
    TrainingPictures pictures(run_.pictures, kPictureBytes, run_.options.strict,
                              [this](const std::string& line) { mailbox_.put(line); });
    // What the state held moves on to the trainer: large networks are not held twice.
    Trainer trainer(run_.network, std::move(state_.parameters), run_.plan.optimizer,
                    run_.options.engine);
    trainer.set_trained(run_.plan.trained);
    team_.connect(trainer);
    team_.agree([&] {
      require_memory_for(trainer, run_, team_, state_.next_iteration);
      if (!team_.leads()) return;
      saver_.require_room(run_.folder);
      if (!result.resumed) begin();
      saver_.keep_room(run_.folder);
    });
    if (result.resumed) trainer.restore(std::move(state_.optimizer));
    const auto make = [&](std::int64_t iteration) {
      auto choice =
          team_.share_of(choose_batch(run_.dataset.records, run_.plan.batches, iteration));
      for (auto& record : choice.records) record = pictures.usable(record);
      return assemble_batch(
          run_.dataset.records,
          [&](int i) {
            return of_recorded_size(pictures.get(i), run_.pictures[i], run_.dataset.records[i]);
          },
          run_.plan.batches, choice);
    };
    BatchLoader loader(make, state_.next_iteration, loading_threads(), kBatchesAhead);
    if (team_.leads()) events_.emplace(run_.folder / "log", state_.next_iteration);
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

  bool must_stop() const {
    if (hooks_.stop && hooks_.stop()) return true;
    return run_.options.minutes && seconds_since(started_) > *run_.options.minutes * 60;
  }

  void iterate(Trainer& trainer, BatchLoader& loader) {
    const auto it = state_.next_iteration;
    const auto batch = loader.next();
    const double rate = run_.plan.rate(it);
    const auto& outputs = trainer.forward({batch.count, batch.height, batch.width, batch.pixels});
    const auto* pairwise = batch.pairwise ? &*batch.pairwise : nullptr;
    const auto counts =
        team_.total(count_cells(outputs, batch.targets, pairwise, run_.plan.losses));
    const auto losses = team_.total(
        compute_losses(outputs, batch.targets, pairwise, run_.plan.losses, counts, gradients_));
    if (!std::isfinite(losses.total))
      team_.agree([&] { throw diverged("the loss is not a finite number", it, rate); });
    team_.backward(trainer, gradients_);
    trainer.step(static_cast<float>(rate), run_.plan.factors_at(it));
    add(losses);
    ++state_.next_iteration;
    state_.seconds = seconds_before_ + seconds_since(started_);
    const bool display = it % run_.plan.display_iterations == 0 && it > run_.plan.first_iteration;
    const double mean = state_.sums.total / static_cast<double>(state_.sums.count);
    if (display && team_.leads()) write_losses(it, rate);
    const bool save_now =
        (it % run_.plan.save_iterations == 0 && it != run_.plan.first_iteration) ||
        it == run_.plan.last_iteration;
    const bool eval_now = run_.plan.eval_iterations > 0 &&
                          (it % run_.plan.eval_iterations == 0 || it == run_.plan.last_iteration ||
                           (save_now && run_.plan.eval_at_snapshots)) &&
                          it > run_.plan.first_iteration;
    const bool improved = eval_now && measure(trainer, it);
    if (eval_now) lost_patience_ = team_.any(has_lost_patience(run_.options, history_));
    const bool is_regular = save_now || (eval_now && lost_patience_);
    if (save_now) team_.require_same_networks(trainer.parameters());
    if (!team_.leads()) return pass_on_mail();
    if (is_regular || improved)
      save(trainer, it, is_regular);
    else if (saver_.is_in_need() ||
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
    const auto interval = static_cast<double>(run_.plan.display_iterations);
    saver_.write([&] {
      if (run_.plan.batches.animals)
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
    saver_.write([&] { files_.add_loss(point); });
    saver_.write([&] { events_->add(point); });
    sums = {};
  }

  void begin_to_watch() {
    watch_.emplace(run_.project, run_.dataset, run_.config,
                   read_test_config(run_.project, run_.choice), run_.options.engine);
    const auto& problems = watch_->problems();
    if (problems.empty()) return;
    if (run_.options.strict) throw Error(ErrorKind::corrupt, problems.front());
    warn(fmt::format(
        "{}{}; left out of the errors measured while training", problems.front(),
        problems.size() > 1 ? fmt::format(" (and {} more)", problems.size() - 1) : std::string()));
  }

  // True where the error is the smallest so far.
  bool measure(Trainer& trainer, std::int64_t it) {
    if (!team_.leads()) return false;
    if (!watch_) begin_to_watch();
    const auto errors = watch_->measure(run_.network, trainer.parameters());
    const ErrorPoint point{it, errors, state_.seconds};
    saver_.write([&] { files_.add_error(point); });
    saver_.write([&] { events_->add(point); });
    const bool improved = history_.add(point);
    if (hooks_.evaluated) hooks_.evaluated(point);
    if (has_lost_patience(run_.options, history_))
      note(
          fmt::format("no better error in {} measurement{}: stopped early; the best was at "
                      "iteration {}",
                      *run_.options.patience, *run_.options.patience == 1 ? "" : "s",
                      history_.best() ? history_.best()->iteration : it));
    return improved;
  }

  // A finite loss may have had a gradient that was none.
  void require_finite(const Parameters& parameters, std::int64_t it) const {
    for (const auto& values : parameters)
      if (!std::all_of(values.begin(), values.end(),
                       [](float value) { return std::isfinite(value); }))
        throw diverged("the weights are no finite numbers", it, run_.plan.rate(it));
  }

  void save(const Trainer& trainer, std::int64_t it, bool is_regular) {
    if (!team_.leads()) return;
    require_finite(trainer.parameters(), it);
    const auto start = Clock::now();
    saver_.save(it, state_, trainer.parameters(), trainer.optimizer_state(), is_regular);
    saved_ = Clock::now();
    saving_seconds_ = std::chrono::duration<double>(saved_ - start).count();
  }

  void save_state(const Trainer& trainer, std::int64_t it) {
    require_finite(trainer.parameters(), it);
    saver_.save_state(state_, trainer.parameters(), trainer.optimizer_state());
    saved_ = Clock::now();
  }

  void tell(std::int64_t it, double rate, double loss, bool display) const {
    if (!hooks_.progress) return;
    TrainProgress progress;
    progress.iteration = it;
    progress.first_iteration = run_.plan.first_iteration;
    progress.last_iteration = run_.plan.last_iteration;
    progress.total_loss = loss;
    progress.rate = rate;
    progress.display = display;
    progress.iterations_per_second =
        static_cast<double>(it + 1 - first_here_) / seconds_since(started_);
    progress.seconds_left =
        static_cast<double>(run_.plan.last_iteration - it) / progress.iterations_per_second;
    hooks_.progress(progress);
  }

  Error diverged(const char* what, std::int64_t it, double rate) const {
    const auto last = state_.snapshots.empty() ? std::string("no snapshot was saved before")
                                               : "the last good one is " + state_.snapshots.back();
    return {ErrorKind::unsupported,
            fmt::format("{}: {} at iteration {} (learning rate {}); {}. "
                        "Use a smaller rate (multi_step in pose_cfg.yaml), check the labels "
                        "('poseheir check'), or start from pretrained weights",
                        run_.folder.string(), what, it, rate, last)};
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

  const TrainHooks& hooks_;
  Team& team_;
  PreparedRun run_;
  RunFolder files_;
  RunSaver saver_;
  TrainingState state_;
  FeatureMaps gradients_;
  std::optional<TrainingWatch> watch_;
  std::optional<EventFile> events_;
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
