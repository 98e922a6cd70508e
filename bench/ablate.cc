// ./run bench ablate CONFIG [OPTIONS]: what each choice of the recipe `fast` is worth. Trains a
// project's model once for each change and seed, all from the same weights on equally many
// pictures, and prints the errors over all its pictures. Runs that are finished are not trained
// again. docs/training.md has the figures.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "pose/schedule.h"
#include "pose/train_adjusted.h"
#include "pose/training_options.h"
#include "poseheir/error.h"
#include "poseheir/predict.h"

namespace poseheir::bench {
namespace {

struct Arguments {
  std::string config, init;
  std::vector<std::string> only;
  ModelChoice choice;
  std::int64_t iterations = 400;
  int seeds = 3, threads = 0;
  bool times = false;
};

struct Variant {
  std::string name, about;
  std::function<void(TrainOptions&)> options;
  std::function<void(TrainingPlan&)> plan;
};

void scale_rate(TrainingPlan& plan, double factor) {
  plan.rate = [rate = plan.rate, factor](std::int64_t it) { return factor * rate(it); };
}

// As many pictures in larger or smaller batches.
void set_batch(TrainOptions& options, int size) {
  options.batch_size = size;
  options.max_iterations = *options.max_iterations * 4 / size;
}

std::vector<Variant> variants(const Network& network, const PoseConfig& config) {
  const auto inherited = [&network](TrainingPlan& plan, float factor) {
    for (const auto& variable : network.variables)
      plan.rate_factors.push_back(variable.part == NetworkPart::head ? 1.0F : factor);
  };
  const auto dlc = batch_options(config);
  return {
      {"fast", "the recipe as it is", {}, {}},
      {"sgd",
       "SGD with momentum, 20 times the rate, instead of Adam",
       {},
       [](TrainingPlan& plan) {
         plan.optimizer.kind = OptimizerKind::sgd_momentum;
         scale_rate(plan, 20);
       }},
      {"no-decay",
       "the rate stays at its peak",
       {},
       [](TrainingPlan& plan) {
         const double peak = plan.rate(plan.first_iteration + 30);
         plan.rate = [rate = plan.rate, peak, first = plan.first_iteration](std::int64_t it) {
           return it - first < 30 ? rate(it) : peak;
         };
       }},
      {"no-warm-up",
       "the rate begins at its peak",
       {},
       [](TrainingPlan& plan) {
         plan.rate = [rate = plan.rate, first = plan.first_iteration](std::int64_t it) {
           return rate(std::max(it, first + 30));
         };
       }},
      {"rate-third",
       "a third of the rate",
       {},
       [](TrainingPlan& plan) { scale_rate(plan, 1.0 / 3); }},
      {"rate-triple", "three times the rate", {}, [](TrainingPlan& plan) { scale_rate(plan, 3); }},
      {"gentle",
       "inherited layers at a third of the heads' rate",
       {},
       [=](TrainingPlan& plan) { inherited(plan, 1.0F / 3); }},
      {"batch-1",
       "single pictures, four times the steps",
       [](TrainOptions& options) { set_batch(options, 1); },
       {}},
      {"batch-8",
       "batches of 8, half the steps",
       [](TrainOptions& options) { set_batch(options, 8); },
       {}},
      {"no-jitter",
       "pictures at one scale",
       {},
       [](TrainingPlan& plan) {
         plan.batches.scale_jitter = {1, 1};
       }},
      {"dlc-pictures",
       "DeepLabCut's augmentation and scales instead of one resampling",
       {},
       [=](TrainingPlan& plan) {
         const auto [size, seed] = std::pair{plan.batches.batch_size, plan.batches.seed};
         plan.batches = dlc;
         plan.batches.batch_size = size;
         plan.batches.seed = seed;
       }},
      {"exact-joints",
       "joints are not cut to whole pixels",
       [](TrainOptions& options) { options.exact_joints = true; },
       {}},
      {"bf16",
       "--precision bf16",
       [](TrainOptions& options) { options.engine.precision = Precision::bf16; },
       {}},
      {"freeze-base",
       "--freeze base",
       [](TrainOptions& options) { options.freeze = Freeze::base; },
       {}},
      {"freeze-backbone",
       "--freeze backbone",
       [](TrainOptions& options) { options.freeze = Freeze::backbone; },
       {}},
      {"dlc",
       "the recipe dlc: single pictures, four times the steps",
       [](TrainOptions& options) {
         options.recipe = Recipe::dlc;
         options.max_iterations = *options.max_iterations * 4;
       },
       {}},
  };
}

class Ablation {
 public:
  explicit Ablation(const Arguments& arguments)
      : arguments_(arguments),
        model_(read_model(arguments.config, arguments.choice)),
        config_(read_train_config(model_.project, model_.choice)),
        network_(build_network(config_.network)) {}

  void run() const {
    if (arguments_.times)
      fmt::print("{:<16} {:>12}\n", "", "ms a picture");
    else
      fmt::print("{:<16} {:>22} {:>22}\n", "px: mean (seeds)", "test", "train");
    for (const auto& variant : variants(network_, config_))
      if (arguments_.only.empty() || contains(arguments_.only, variant.name))
        arguments_.times ? time(variant) : compare(variant);
  }

 private:
  static bool contains(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  }

  TrainOptions options_of(const Variant& variant, int seed) const {
    TrainOptions options;
    options.init = arguments_.init;
    options.seed = static_cast<std::uint64_t>(seed);
    options.max_iterations = arguments_.iterations;
    options.engine.threads = arguments_.threads;
    if (variant.options) variant.options(options);
    return options;
  }

  void compare(const Variant& variant) const {
    std::vector<double> test, train;
    for (int seed = 0; seed < arguments_.seeds; ++seed) {
      const auto errors = errors_of(variant, seed);
      test.push_back(errors.test);
      train.push_back(errors.train);
    }
    fmt::print("{:<16} {:>22} {:>22}  {}\n", variant.name, text(test), text(train), variant.about);
    std::fflush(stdout);
  }

  static std::string text(const std::vector<double>& errors) {
    double sum = 0;
    std::string each;
    for (const double error : errors) {
      sum += error;
      each += fmt::format("{}{:.1f}", each.empty() ? "" : " ", error);
    }
    return fmt::format("{:.2f} ({})", sum / static_cast<double>(errors.size()), each);
  }

  ErrorSummary errors_of(const Variant& variant, int seed) const {
    auto choice = model_.choice;
    choice.run_name = fmt::format("ablate-{}-{}", variant.name, seed);
    const auto options = options_of(variant, seed);
    train_adjusted(model_.project, choice, options, {}, variant.plan);
    const auto snapshots =
        choose_snapshots(model_.project, model_paths(model_.project, choice), "last");
    const auto dataset = read_dataset(model_.project, choice, config_);
    const auto loaded = load_model(model_.project, choice, snapshots.back());
    return evaluate_model(model_.project, choice, loaded, dataset, options.engine).metrics.all;
  }

  // By the clock, loading included: the median of some steps after the first ones.
  void time(const Variant& variant) const {
    constexpr std::size_t kWarmUp = 12, kSteps = 20;
    using Clock = std::chrono::steady_clock;
    auto choice = model_.choice;
    choice.run_name = "ablate-times";
    auto options = options_of(variant, 0);
    options.overwrite = true;
    options.eval_iterations = 0;
    std::vector<Clock::time_point> ends;
    TrainHooks hooks;
    hooks.progress = [&](const TrainProgress&) { ends.push_back(Clock::now()); };
    hooks.stop = [&] { return ends.size() > kWarmUp + kSteps; };
    int batch = 1;
    train_adjusted(model_.project, choice, options, hooks, [&](TrainingPlan& plan) {
      if (variant.plan) variant.plan(plan);
      batch = plan.batches.batch_size;
    });
    std::vector<double> steps;
    for (std::size_t i = kWarmUp + 1; i < ends.size(); ++i)
      steps.push_back(std::chrono::duration<double>(ends[i] - ends[i - 1]).count());
    std::nth_element(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2),
                     steps.end());
    fmt::print("{:<16} {:>12.1f}\n", variant.name, 1000 * steps.at(steps.size() / 2) / batch);
    std::fflush(stdout);
  }

  const Arguments& arguments_;
  NamedModel model_;
  PoseConfig config_;
  Network network_;
};

int run(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("What each choice of the recipe fast is worth");
  app.add_option("config", arguments.config, "config.yaml of a DeepLabCut project")->required();
  app.add_option("--init", arguments.init, "Start weights; default: the model's");
  app.add_option("--shuffle", arguments.choice.shuffle)->capture_default_str();
  app.add_option("--maxiters", arguments.iterations, "Steps of four pictures")
      ->capture_default_str();
  app.add_option("--seeds", arguments.seeds)->capture_default_str();
  app.add_option("--threads", arguments.threads, "0: all")->capture_default_str();
  app.add_option("--only", arguments.only, "Names of variants");
  app.add_flag("--times", arguments.times, "How long a picture takes, and nothing else");
  CLI11_PARSE(app, argc, argv);
  Ablation(arguments).run();
  return 0;
}

}  // namespace
}  // namespace poseheir::bench

int main(int argc, char** argv) try {
  return poseheir::bench::run(argc, argv);
} catch (const poseheir::Error& error) {
  fmt::print(stderr, "ablate: {}\n", error.what());
  return 1;
}
