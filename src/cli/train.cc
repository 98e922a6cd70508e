#include "poseheir/train.h"

#include <chrono>
#include <csignal>
#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/commands.h"
#include "cli/model_options.h"
#include "cli/progress.h"
#include "cli/train_forecast.h"
#include "cli/train_options.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

constexpr int kInterrupted = 130;
volatile std::sig_atomic_t interrupted = 0;

// The first Ctrl-C asks for an orderly end, the second one ends at once. Batch systems send SIGTERM
// several times, and mean one.
void on_interrupt(int signal) {
  interrupted = 1;
  if (signal == SIGINT) std::signal(signal, SIG_DFL);
}

struct TrainArguments {
  ModelOptions model;
  TrainOptions train;
  Output output;
  std::string repeat;
  bool fresh_heads = false, json = false, dry_run = false;
  Ranks* ranks = nullptr;  // with others: all those that train together
};

bool leads(const TrainArguments& arguments) {
  return arguments.ranks == nullptr || arguments.ranks->rank() == 0;
}

std::string error_text(const ErrorSummary& errors) {
  return fmt::format("train {:.2f} px, test {:.2f} px", errors.train, errors.test);
}

std::string progress_text(const TrainProgress& progress) {
  const double done = static_cast<double>(progress.iteration - progress.first_iteration) /
                      static_cast<double>(std::max<std::int64_t>(
                          progress.last_iteration - progress.first_iteration, 1));
  return fmt::format(
      "iteration {} of {} ({:.0f} %)  loss {:.5f}  rate {:.2g}  {:.1f} it/s  {} left",
      progress.iteration, progress.last_iteration, 100 * done, progress.total_loss, progress.rate,
      progress.iterations_per_second, time_text(progress.seconds_left));
}

nlohmann::json error_json(const std::optional<ErrorPoint>& point) {
  if (!point) return nullptr;
  return {{"iteration", point->iteration},
          {"train", point->errors.train},
          {"test", point->errors.test}};
}

void print_result(const TrainArguments& arguments, const TrainResult& result) {
  if (arguments.json) {
    const nlohmann::json json = {{"finished", result.finished},
                                 {"stopped_early", result.stopped_early},
                                 {"resumed", result.resumed},
                                 {"first_iteration", result.first_iteration},
                                 {"last_iteration", result.last_iteration},
                                 {"snapshot", result.snapshot.string()},
                                 {"seconds", result.seconds},
                                 {"last_error", error_json(result.last_error)},
                                 {"best_error", error_json(result.best_error)},
                                 {"ranks", result.ranks},
                                 {"bytes_per_step", result.bytes_per_step},
                                 {"waited_seconds_per_step", result.waited_seconds_per_step}};
    std::cout << json.dump(2) << '\n';
    return;
  }
  std::cout << fmt::format("{}  trained to iteration {} in {}\n", result.snapshot.string(),
                           result.last_iteration, time_text(result.seconds));
  if (result.last_error)
    std::cout << fmt::format("error on a sample at iteration {}: {}\n",
                             result.last_error->iteration, error_text(result.last_error->errors));
  if (result.best_error)
    std::cout << fmt::format("best: snapshot-{}: {} (--snapshot best)\n",
                             result.best_error->iteration, error_text(result.best_error->errors));
  if (!result.finished) std::cout << "interrupted; the same command goes on from here\n";
}

// The options of the run that is repeated, and a place of its own for the repetition.
void take_record(TrainArguments& arguments) {
  auto record = read_run_record(arguments.repeat);
  const int ranks = arguments.ranks ? arguments.ranks->size() : 1;
  if (ranks != record.ranks && leads(arguments))
    arguments.output.note(
        fmt::format("that run had {} process{}, this one has {}: the results "
                    "will be the same to rounding, not bit for bit",
                    record.ranks, record.ranks == 1 ? "" : "es", ranks));
  const auto now = arguments.train;
  auto name = arguments.model.choice.run_name;
  if (name.empty())
    name = record.choice.run_name.empty() ? "repeat" : record.choice.run_name + "-repeat";
  if (arguments.model.config.empty()) arguments.model.config = record.config.string();
  arguments.model.choice = record.choice;
  arguments.model.choice.run_name = name;
  arguments.fresh_heads = !record.options.keep_heads;
  arguments.train = record.options;
  arguments.train.overwrite = now.overwrite;
  arguments.train.minutes = now.minutes;
  arguments.train.memory_bytes = now.memory_bytes;
}

std::string bytes_of(const std::filesystem::path& snapshot) {
  std::ifstream file(snapshot.string() + ".data-00000-of-00001", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Whether the repetition ended with the weights of the run beside `run_json`.
void tell_repetition(const TrainArguments& arguments, const TrainResult& result) {
  const auto first =
      std::filesystem::path(arguments.repeat).parent_path() / result.snapshot.filename();
  const auto bytes = bytes_of(first);
  if (bytes.empty())
    arguments.output.note(first.string() + " is gone, so the weights were not compared");
  else if (bytes == bytes_of(result.snapshot))
    arguments.output.note("the same weights, bit for bit, as " + first.string());
  else
    arguments.output.warn("other weights than " + first.string() +
                          ": the same data and options on another processor or library");
}

TrainHooks hooks_of_others(const TrainArguments& arguments) {
  TrainHooks hooks;
  hooks.note = [&](const std::string& text) {
    arguments.output.note(name_of(*arguments.ranks) + ": " + text);
  };
  hooks.warning = [&](const std::string& text) {
    arguments.output.warn(name_of(*arguments.ranks) + ": " + text);
  };
  hooks.stop = [] { return interrupted != 0; };
  return hooks;
}

TrainHooks hooks_of_first(const TrainArguments& arguments, ProgressLine& line) {
  TrainHooks hooks;
  hooks.note = [&](const std::string& text) { line.say(text); };
  hooks.warning = [&](const std::string& text) {
    line.clear();
    arguments.output.warn(text);
  };
  hooks.evaluated = [&](const ErrorPoint& point) {
    line.say(fmt::format("iteration {}: {}", point.iteration, error_text(point.errors)));
  };
  hooks.progress = [&](const TrainProgress& progress) {
    line.update([&] { return progress_text(progress); });
  };
  hooks.stop = [] { return interrupted != 0; };
  return hooks;
}

void tell_sums(const TrainArguments& arguments, const TrainResult& result) {
  arguments.output.detail(
      fmt::format("{} processes; each summed {:.2f} MB of gradients a step with the others and "
                  "waited {:.1f} ms "
                  "for the sums",
                  result.ranks, static_cast<double>(result.bytes_per_step) / 1e6,
                  1000 * result.waited_seconds_per_step));
}

// One signal ends all.
bool was_interrupted(Ranks* ranks) {
  double count[] = {interrupted != 0 ? 1.0 : 0.0};
  if (ranks != nullptr) ranks->sum(count);
  return count[0] > 0;
}

void train_in_ranks(TrainArguments& arguments) {
  const bool is_first = leads(arguments);
  std::optional<NamedModel> model;
  agree(arguments.ranks, [&] {
    if (!arguments.repeat.empty()) take_record(arguments);
    if (arguments.model.config.empty())
      throw Error(ErrorKind::usage, "config is required: config.yaml of a DeepLabCut project");
    model =
        read_model_telling(arguments.model, is_first ? arguments.output : Output{.quiet = true});
  });
  ProgressLine line(arguments.output.quiet || !is_first);
  const auto hooks = is_first ? hooks_of_first(arguments, line) : hooks_of_others(arguments);
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  auto options = arguments.train;
  options.keep_heads = !arguments.fresh_heads;
  if (arguments.dry_run) {
    const auto forecast =
        forecast_training(model->project, model->choice, options, arguments.ranks);
    if (is_first) print_forecast(forecast, arguments.output, arguments.json);
    return;
  }
  const auto result = train(model->project, model->choice, options, hooks, arguments.ranks);
  if (is_first) {
    line.clear();
    print_result(arguments, result);
    if (result.ranks > 1) tell_sums(arguments, result);
    if (!arguments.repeat.empty() && result.finished) tell_repetition(arguments, result);
  }
  if (was_interrupted(arguments.ranks) && !result.finished) throw CLI::RuntimeError(kInterrupted);
}

int exit_code(const Error& error) { return error.kind() == ErrorKind::usage ? 2 : 1; }

// Of several processes the first one tells what is the same for all, and does so while all are
// still joined: mpirun kills the others as soon as one has ended with an error.
void run_joined(TrainArguments& arguments, Ranks& ranks) try {
  arguments.ranks = &ranks;
  train_in_ranks(arguments);
} catch (const Error& error) {
  if (ranks.rank() == 0) arguments.output.fail(error.what());
  throw CLI::RuntimeError(exit_code(error));
}

// Processes that nothing connects: the first one tells for all, before a launcher that sees one of
// the others end can end it.
bool tells_for_all(const Launch& launch) {
  if (launch.rank > 0) std::this_thread::sleep_for(std::chrono::seconds(1));
  return launch.rank == 0;
}

void run_train(TrainArguments& arguments) try {
  const auto ranks = join_ranks();
  if (ranks != nullptr) return run_joined(arguments, *ranks);
  if (const int tasks = reserved_tasks(); tasks > 1)
    arguments.output.note(
        fmt::format("SLURM has reserved {} tasks, of which this is one alone: "
                    "srun --mpi=pmix poseheir train ... takes all",
                    tasks));
  train_in_ranks(arguments);
} catch (const Error& error) {
  const auto launch = find_launch();
  if (launch && !tells_for_all(*launch)) throw CLI::RuntimeError(exit_code(error));
  throw;
}

// What is wrong with the options, told once where several processes were started with them.
std::string failure_text(const CLI::App* app, const CLI::Error& error) {
  auto text = CLI::FailureMessage::simple(app, error);
  const auto launch = find_launch();
  if (!launch) return text;
  std::unique_ptr<Ranks> ranks;
  try {
    ranks = join_ranks();
  } catch (const Error&) {
    return tells_for_all(*launch) ? text : std::string();
  }
  if (ranks == nullptr) return text;
  text.erase(text.find_last_not_of('\n') + 1);
  try {
    agree(ranks.get(), [&] { throw Error(ErrorKind::usage, text); });
  } catch (const Error& all) {
    if (ranks->rank() == 0) std::cerr << all.what() << '\n' << std::flush;  // while all are joined
  }
  return {};
}

}  // namespace

void add_train(CLI::App& app) {
  const auto arguments = std::make_shared<TrainArguments>();
  auto* command = app.add_subcommand("train", "Train a model of a DeepLabCut project");
  add_model_options(*command, arguments->model);
  command->get_option("config")->required(false);
  command
      ->add_option("--repeat", arguments->repeat,
                   "Do again, bit for bit, what this run.json tells of; into train/runs/repeat "
                   "or --run-name")
      ->check(CLI::ExistingFile);
  add_training_options(*command, arguments->train);
  add_engine_options(*command, arguments->train.engine);
  command->add_flag("--fresh-heads", arguments->fresh_heads,
                    "Take only the backbone of a snapshot (keepdeconvweights false)");
  command->add_flag("--dry-run", arguments->dry_run,
                    "Check everything and tell what would be done; write nothing");
  command->add_flag("--json", arguments->json, "The result as JSON");
  add_output_options(*command, arguments->output);
  command->footer(
      "Examples:\n"
      "  poseheir train my-project/config.yaml\n"
      "  poseheir train my-project/config.yaml --recipe dlc --maxiters 10000 --run-name dlc");
  app.failure_message([command](const CLI::App* failed, const CLI::Error& error) {
    return command->parsed() ? failure_text(failed, error)
                             : CLI::FailureMessage::simple(failed, error);
  });
  command->callback([arguments, command] {
    refuse_beside_record(*command);
    run_train(*arguments);
  });
}

}  // namespace poseheir
