// Training: from start weights to snapshots, with everything needed to go on exactly.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "poseheir/engine.h"
#include "poseheir/metrics.h"
#include "poseheir/project.h"
#include "poseheir/ranks.h"

namespace poseheir {

enum class Recipe {
  dlc,   // DeepLabCut's schedule, augmentation and optimizer, and its N + 1 iterations
  fast,  // the same network and loss, trained to the same error in a fraction of the time
};

// What keeps the values it starts with.
enum class Freeze { none, base, backbone };

// Of the recipe dlc.
enum class OptimizerChoice {
  by_config,  // pose_cfg.yaml's [optimizer] and [multi_step]
  sgd,        // these with momentum, or Adam
  adam,
  without_cuda,  // DeepLabCut's automatic choice on a TensorFlow built without CUDA
};

// Variables, named as in --freeze: base, backbone, heads, a word of their names or re:EXPRESSION;
// and the factor on their learning rate.
struct LayerRate {
  std::string group;
  double factor = 1;
};

struct TrainOptions {
  Recipe recipe = Recipe::fast;
  std::string init;        // start weights; empty: pose_cfg.yaml's init_weights; "random": none
  bool keep_heads = true;  // [keepdeconvweights]
  std::optional<std::int64_t> max_iterations, save_iterations, display_iterations;
  std::optional<std::int64_t> eval_iterations;  // 0: never
  std::optional<int> batch_size;
  int max_snapshots = 5;  // [max_snapshots_to_keep]: of regular ones; the best stays beside them
  std::uint64_t seed = 0;
  Freeze freeze = Freeze::none;
  std::vector<std::string> frozen;     // more that keeps its values, by groups as in LayerRate
  std::vector<LayerRate> layer_rates;  // the last one that names a variable counts
  std::int64_t heads_first = 0;        // so many iterations only the heads move
  OptimizerChoice optimizer = OptimizerChoice::by_config;
  std::optional<double> minutes;  // stops, resumable, after so long
  std::optional<int> patience;    // measurements in a row without a better test error: it stops
  bool exact_joints = false;      // joints where they were labelled, not cut to whole pixels
  bool strict = false;  // refuse a picture that cannot be decoded, instead of passing over
  std::optional<std::size_t> memory_bytes;  // to stay within; what the machine has left if absent
  EngineOptions engine;
  bool overwrite = false;  // begin anew although the run is finished or can go on
  std::string repeats;     // RunRecord::identity: refuse unless this run would be the same
};

// What a run's run.json tells of it: enough to do the same again.
struct RunRecord {
  std::filesystem::path config;  // of its project
  ModelChoice choice;
  TrainOptions options;
  int ranks = 1;
};
// Throws Error(corrupt) that names the file and what it lacks.
RunRecord read_run_record(const std::filesystem::path& run_json);

struct TrainProgress {
  std::int64_t iteration = 0, first_iteration = 0, last_iteration = 0;
  double total_loss = 0, rate = 0;
  double iterations_per_second = 0, seconds_left = 0;
  bool display = false;  // a row of learning_stats.csv was written; the loss is its mean
};

struct TrainHooks {
  std::function<void(const TrainProgress&)> progress;  // after each iteration
  std::function<void(const ErrorPoint&)> evaluated;    // after each evaluation while training
  std::function<void(const std::string&)> note;        // a line worth telling
  std::function<void(const std::string&)> warning;     // the same when something is wrong
  std::function<bool()> stop;                          // true: save the state and return
};

struct TrainResult {
  std::int64_t first_iteration = 0, last_iteration = 0;  // of this call
  bool finished = false;                                 // else interrupted: the same call goes on
  bool resumed = false;
  bool stopped_early = false;      // finished because the test error got no better
  std::filesystem::path snapshot;  // the newest, as a prefix
  double seconds = 0;              // of the whole run, earlier calls included
  std::optional<ErrorPoint> last_error, best_error;
  int ranks = 1;
  std::size_t bytes_per_step = 0;      // of gradients that each rank sums with the others
  double waited_seconds_per_step = 0;  // for those sums, when there was nothing left to compute
};

// What train() would do, and what stands ready for it.
struct TrainingForecast {
  std::filesystem::path folder;
  std::string net_type, optimizer;
  std::size_t labelled = 0, train = 0, test = 0, records = 0;  // pictures; records are trained on
  std::string start;                                           // the weights, in words
  std::string beginning;  // anew, in place of another run, or where an earlier one ended
  bool resumes = false, finished = false;  // finished: nothing would be done
  std::int64_t first_iteration = 0, next_iteration = 0, last_iteration = 0;
  int batch_size = 0, ranks = 1, threads = 0;
  double first_rate = 0, largest_rate = 0, last_rate = 0;
  std::size_t variables = 0, trained_variables = 0;
  std::vector<std::int64_t> snapshots;  // to be saved, beside those for the best error
  int kept_snapshots = 0;
  std::int64_t eval_iterations = 0;                     // 0: never
  std::size_t memory_needed = 0, memory_available = 0;  // bytes, of this process
  std::uint64_t snapshot_bytes = 0, disk_needed = 0;    // for one save
  std::optional<std::uint64_t> disk_available;
  std::vector<std::string> files;  // in `folder`
  std::vector<std::string> warnings, notes;
};

// Throws what train() would before its first iteration; writes nothing. With `ranks` as train().
TrainingForecast forecast_training(const Project& project, const ModelChoice& choice,
                                   const TrainOptions& options, Ranks* ranks = nullptr);

// Trains the chosen model in its train folder (or runs/<run_name> in it). Writes snapshot-N,
// checkpoint, learning_stats.csv as DeepLabCut; learning_curve.csv, error_curve.csv,
// best_snapshot.json, run.json, train_state.safetensors and TensorBoard's event files (log/)
// beside. Called again with the same options after an interruption, be it kill -9, it goes on, bit
// for bit as if it had not been interrupted. Throws Error(io) where another process is at work in
// the folder; Error(usage) that names a batch that fits where memory would not do; for a loss that
// is not finite Error(unsupported) with advice: the last good snapshot stays.
//
// With `ranks` every rank calls this with the same arguments and computes its share of each batch;
// rank 0 alone writes, tells and decides. An Error that is thrown is thrown on all ranks; what goes
// wrong on one in the middle of an iteration is told on stderr and ends the processes of all.
TrainResult train(const Project& project, const ModelChoice& choice, const TrainOptions& options,
                  const TrainHooks& hooks = {}, Ranks* ranks = nullptr);

}  // namespace poseheir
