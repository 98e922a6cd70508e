#include "poseheir/train.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>

#include "base/file.h"
#include "pose/loader.h"
#include "pose/losses.h"
#include "pose/run_folder.h"
#include "pose/start_weights.h"
#include "pose/training_plan.h"
#include "pose/watch.h"
#include "poseheir/error.h"
#include "poseheir/predict.h"

namespace poseheir {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kPictureBytes = 1024U << 20U;
constexpr int kBatchesAhead = 8;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

const char* name_of(Recipe recipe) { return recipe == Recipe::dlc ? "dlc" : "fast"; }

const char* name_of(Freeze freeze) {
  return freeze == Freeze::none ? "none" : freeze == Freeze::base ? "base" : "backbone";
}

std::uint64_t checksum_of(const std::string& text) {
  std::uint64_t hash = 0xCBF29CE484222325U;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  return hash;
}

// What must agree for an interrupted run to go on. The number of iterations is not part of
// DeepLabCut's recipe: its schedule does not know where it will end.
nlohmann::json identity_of(const TrainOptions& options, const PoseConfig& config,
                           const StartWeights& start, const TrainingPlan& plan,
                           std::size_t pictures) {
  nlohmann::json identity = {
      {"recipe", name_of(options.recipe)},
      {"seed", options.seed},
      {"freeze", name_of(options.freeze)},
      {"precision", options.engine.precision == Precision::fp32 ? "fp32" : "bf16"},
      {"batch_size", plan.batches.batch_size},
      {"first_iteration", plan.first_iteration},
      {"start_weights", start.description},
      {"start_weights_fnv1a", fmt::format("{:016x}", start.checksum)},
      {"pose_cfg_fnv1a", fmt::format("{:016x}", checksum_of(read_file(config.path)))},
      {"training_pictures", pictures}};
  if (options.recipe == Recipe::fast) identity["last_iteration"] = plan.last_iteration;
  return identity;
}

// "seed (0 there, 1 now)"
std::string difference(const nlohmann::json& there, const nlohmann::json& now) {
  std::string text;
  for (const auto& [key, value] : now.items()) {
    const auto old = there.contains(key) ? there[key] : nlohmann::json();
    if (old == value) continue;
    text += fmt::format("{}{} ({} there, {} now)", text.empty() ? "" : ", ", key, old.dump(),
                        value.dump());
  }
  return text;
}

class Run {
 public:
  Run(const Project& project, const ModelChoice& choice, const TrainOptions& options,
      const TrainHooks& hooks)
      : project_(project),
        options_(options),
        hooks_(hooks),
        config_(read_train_config(project, choice)),
        network_(build_network(config_.network)),
        dataset_(read_dataset(project, choice, config_)),
        folder_(model_paths(project, choice).train),
        files_(folder_) {
    if (dataset_.records.empty())
      throw Error(ErrorKind::usage, fmt::format("{}: no labelled picture in its training set",
                                                config_.path.string()));
    start_ = load_start_weights(network_, config_, project.folder, options.init, options.keep_heads,
                                options.seed);
    plan_ = plan_training(network_, config_, dataset_.records, options, start_.first_iteration);
    identity_ = identity_of(options, config_, start_, plan_, dataset_.records.size());
  }

  TrainResult train() {
    const bool resumed = prepare();
    TrainResult result;
    result.resumed = resumed;
    result.first_iteration = state_.next_iteration;
    if (state_.next_iteration <= plan_.last_iteration) compute(result);
    result.finished = state_.next_iteration > plan_.last_iteration;
    result.last_iteration = state_.next_iteration - 1;
    result.seconds = state_.seconds;
    if (!state_.snapshots.empty()) result.snapshot = folder_ / state_.snapshots.back();
    report_errors(result);
    return result;
  }

 private:
  // Finds out where to begin; true if that is in the middle of an earlier run.
  bool prepare() {
    std::filesystem::create_directories(folder_);
    const auto earlier = read_training_state_header(files_.state_file());
    if (earlier && !options_.overwrite) {
      const auto differs = difference(nlohmann::json::parse(earlier->identity), identity_);
      if (!differs.empty())
        throw Error(
            ErrorKind::usage,
            fmt::format("{}: holds another run, which differs in {}; --overwrite replaces it, "
                        "--run-name NAME keeps both",
                        folder_.string(), differs));
      state_ = read_training_state(files_.state_file(), network_);
      files_.cut_curves(state_.next_iteration);
      note(state_.next_iteration > plan_.last_iteration
               ? fmt::format("already trained to iteration {}; --overwrite trains again",
                             state_.next_iteration - 1)
               : fmt::format("going on at iteration {}", state_.next_iteration));
      return true;
    }
    files_.clear();
    note(start_.description);
    const auto old = list_snapshots(folder_);
    if (!old.empty() && old.back().iteration > plan_.last_iteration)
      note(fmt::format("the folder also holds later snapshots of an earlier run, up to {}",
                       old.back().prefix.filename().string()));
    state_.identity = identity_.dump();
    state_.next_iteration = plan_.first_iteration;
    state_.parameters = std::move(start_.parameters);
    write_run_file();
    return false;
  }

  void write_run_file() const {
    auto json = identity_;
    json["program"] = "poseheir";
    json["version"] = POSEHEIR_VERSION;
    json["pose_cfg"] = config_.path.lexically_relative(project_.folder).string();
    json["net_type"] = config_.network.net_type;
    json["last_iteration"] = plan_.last_iteration;
    json["threads"] = options_.engine.threads;
    write_file(folder_ / "run.json", json.dump(2) + "\n");
  }

  std::vector<std::filesystem::path> picture_paths() const {
    std::vector<std::filesystem::path> paths;
    for (const auto& record : dataset_.records)
      paths.push_back(image_path(project_, {record.path, {}}));
    return paths;
  }

  void compute(TrainResult& result) {
    // Batches are prepared by threads of our own; OpenCV's would only take cores from the engine.
    cv::setNumThreads(1);
    PictureCache pictures(picture_paths(), kPictureBytes);
    Trainer trainer(network_, state_.parameters, plan_.optimizer, options_.engine);
    trainer.set_trained(plan_.trained);
    if (result.resumed) trainer.restore(state_.parameters, state_.optimizer);
    const auto make = [&](std::int64_t iteration) {
      const auto choice = choose_batch(dataset_.records, plan_.batches, iteration);
      return assemble_batch(
          dataset_.records, [&](std::size_t i) { return pictures.get(i); }, plan_.batches, choice);
    };
    const int workers = std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / 4);
    BatchLoader loader(make, state_.next_iteration, workers, kBatchesAhead);
    started_ = Clock::now();
    seconds_before_ = state_.seconds;
    first_here_ = state_.next_iteration;
    while (state_.next_iteration <= plan_.last_iteration) {
      iterate(trainer, loader);
      if (!must_stop() || state_.next_iteration > plan_.last_iteration) continue;
      save(trainer, state_.next_iteration - 1);
      break;
    }
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
    const auto losses =
        compute_losses(outputs, batch.targets, batch.pairwise ? &*batch.pairwise : nullptr,
                       plan_.losses, gradients_);
    if (!std::isfinite(losses.total)) throw diverged(it, rate);
    trainer.backward(gradients_);
    trainer.step(static_cast<float>(rate));
    add(losses);
    ++state_.next_iteration;
    state_.seconds = seconds_before_ + seconds_since(started_);
    const bool display = it % plan_.display_iterations == 0 && it > plan_.first_iteration;
    const double mean = state_.sums.total / static_cast<double>(state_.sums.count);
    if (display) write_losses(it, rate);
    const bool save_now = (it % plan_.save_iterations == 0 && it != plan_.first_iteration) ||
                          it == plan_.last_iteration;
    const bool eval_now = plan_.eval_iterations > 0 &&
                          (it % plan_.eval_iterations == 0 || save_now) &&
                          it > plan_.first_iteration;
    if (eval_now) measure(trainer, it);
    if (save_now) save(trainer, it);
    tell(it, rate, display ? mean : losses.total, display);
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
    if (plan_.batches.animals)
      files_.add_animal_stats(it,
                              {sums.total / interval, sums.part / interval, sums.locref / interval,
                               0, sums.pairwise / interval},
                              rate);
    else
      files_.add_learning_stats(it, sums.total / interval, rate);
    const auto count = static_cast<double>(sums.count);
    files_.add_loss(
        {it, sums.total / count, sums.part / count, sums.locref / count, rate, state_.seconds});
    sums = {};
  }

  void measure(Trainer& trainer, std::int64_t it) {
    if (!watch_) watch_.emplace(project_, dataset_, config_, options_.engine);
    const auto errors = watch_->measure(network_, trainer.parameters());
    const ErrorPoint point{it, errors, state_.seconds};
    files_.add_error(point);
    if (hooks_.evaluated) hooks_.evaluated(point);
  }

  void save(Trainer& trainer, std::int64_t it) {
    state_.parameters = trainer.parameters();
    state_.optimizer = trainer.optimizer_state();
    files_.save(it, network_, state_);
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

  Error diverged(std::int64_t it, double rate) const {
    const auto last = state_.snapshots.empty() ? std::string("no snapshot was saved before")
                                               : "the last good one is " + state_.snapshots.back();
    return {
        ErrorKind::unsupported,
        fmt::format("{}: the loss is not a finite number at iteration {} (learning rate {}); {}. "
                    "Use a smaller rate (multi_step in pose_cfg.yaml), check the labels "
                    "('poseheir check'), or start from pretrained weights",
                    folder_.string(), it, rate, last)};
  }

  void report_errors(TrainResult& result) const {
    const auto file = folder_ / "error_curve.csv";
    if (!std::filesystem::exists(file)) return;
    for (const auto& point : read_error_curve(file)) {
      result.last_error = point;
      if (!result.best_error || point.errors.test < result.best_error->errors.test)
        result.best_error = point;
    }
  }

  void note(const std::string& text) const {
    if (hooks_.note) hooks_.note(text);
  }

  const Project& project_;
  const TrainOptions& options_;
  const TrainHooks& hooks_;
  PoseConfig config_;
  Network network_;
  Dataset dataset_;
  std::filesystem::path folder_;
  RunFolder files_;
  StartWeights start_;
  TrainingPlan plan_;
  nlohmann::json identity_;
  TrainingState state_;
  FeatureMaps gradients_;
  std::optional<TrainingWatch> watch_;
  Clock::time_point started_;
  double seconds_before_ = 0;
  std::int64_t first_here_ = 0;
};

}  // namespace

TrainResult train(const Project& project, const ModelChoice& choice, const TrainOptions& options,
                  const TrainHooks& hooks) {
  return Run(project, choice, options, hooks).train();
}

}  // namespace poseheir
