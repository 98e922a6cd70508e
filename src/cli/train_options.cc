#include "cli/train_options.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <string>
#include <vector>

#include "cli/model_options.h"

namespace poseheir {
namespace {

// "base=0.3"
LayerRate parse_rate(const std::string& text) {
  const auto equal = text.rfind('=');
  LayerRate rate{text.substr(0, equal), -1};
  if (equal == std::string::npos || rate.group.empty() ||
      !CLI::detail::lexical_cast(text.substr(equal + 1), rate.factor) || !(rate.factor >= 0))
    throw CLI::ValidationError("--rate",
                               "expected LAYERS=FACTOR, such as base=0.3; found '" + text + "'");
  return rate;
}

void add_layer_options(CLI::App& command, TrainOptions& options) {
  const auto freeze = [&options](const std::vector<std::string>& words) {
    for (const auto& word : words) {
      if (word == "base")
        options.freeze = std::max(options.freeze, Freeze::base);
      else if (word == "backbone")
        options.freeze = Freeze::backbone;
      else if (word != "none")
        options.frozen.push_back(word);
    }
  };
  command
      .add_option_function<std::vector<std::string>>(
          "--freeze", freeze,
          "Keep as it starts: none, base, backbone, or LAYERS: a word of their names or "
          "re:EXPRESSION (repeatable)")
      ->type_name("LAYERS")
      ->expected(1)
      ->take_all();
  const auto rate = [&options](const std::vector<std::string>& words) {
    for (const auto& word : words) options.layer_rates.push_back(parse_rate(word));
  };
  command
      .add_option_function<std::vector<std::string>>(
          "--rate", rate,
          "Learning rate of base, backbone, heads or LAYERS times FACTOR (repeatable; the last "
          "that names a layer counts)")
      ->type_name("LAYERS=FACTOR")
      ->expected(1)
      ->take_all();
  command
      .add_option("--heads-first", options.heads_first,
                  "Warm-up of new heads: so many iterations nothing else moves")
      ->check(whole_above_zero());
  add_choice<OptimizerChoice>(command, "--optimizer", options.optimizer,
                              {{"sgd", OptimizerChoice::sgd},
                               {"adam", OptimizerChoice::adam},
                               {"auto", OptimizerChoice::without_cuda}},
                              "Of --recipe dlc: sgd or adam instead of pose_cfg.yaml's, or auto: "
                              "what DeepLabCut takes on a TensorFlow without CUDA");
}

}  // namespace

void add_training_options(CLI::App& command, TrainOptions& options) {
  add_choice<Recipe>(command, "--recipe", options.recipe,
                     {{"dlc", Recipe::dlc}, {"fast", Recipe::fast}},
                     "fast (default), or dlc: DeepLabCut's own training, value for value");
  command.add_option(
      "--init", options.init,
      "Start weights instead of init_weights: a snapshot, ImageNet weights, or random");
  command.add_option("--maxiters", options.max_iterations, "Iterations to train")
      ->check(whole_above_zero());
  command.add_option("--saveiters", options.save_iterations, "Iterations between snapshots")
      ->check(whole_above_zero());
  command
      .add_option("--max-snapshots-to-keep", options.max_snapshots,
                  "Of those of every --saveiters, the newest; the best stays beside them")
      ->check(whole_above_zero())
      ->capture_default_str();
  command
      .add_option("--displayiters", options.display_iterations,
                  "Iterations between rows of learning_stats.csv")
      ->check(whole_above_zero());
  command
      .add_option("--eval-iters", options.eval_iterations,
                  "Iterations between errors measured while training (0: never)")
      ->check(whole_from_zero());
  command.add_option("--batch-size", options.batch_size, "Pictures in a batch")
      ->check(whole_above_zero());
  command.add_option("--seed", options.seed, "Of start values and batches")
      ->check(whole_from_zero())
      ->capture_default_str();
  add_layer_options(command, options);
  command.add_option("--minutes", options.minutes, "Stop, resumable, after so many minutes")
      ->check(above_zero());
  command
      .add_option("--patience", options.patience,
                  "Stop early after so many measurements without a better test error")
      ->check(whole_above_zero());
  command.add_flag("--exact-joints", options.exact_joints,
                   "Learn joints where they were labelled; DeepLabCut cuts them to whole pixels");
  command.add_flag("--strict", options.strict,
                   "Refuse a picture that cannot be decoded, instead of passing it over");
  command
      .add_option("--memory", options.memory_bytes,
                  "Stay within so much, such as 4GB (default: what the machine has left)")
      ->transform(memory_size());
  command.add_flag("--overwrite", options.overwrite, "Begin anew although there is a run already");
}

void refuse_beside_record(const CLI::App& command) {
  static const std::set<std::string> kFree = {"repeat",  "run-name", "overwrite", "minutes",
                                              "memory",  "dry-run",  "json",      "quiet",
                                              "verbose", "color"};
  if (command.count("--repeat") == 0) return;
  for (const auto* option : command.get_options()) {
    const auto& names = option->get_lnames();
    if (option->count() > 0 && !names.empty() && !kFree.contains(names.front()))
      throw CLI::ParseError(
          fmt::format("--repeat trains as run.json says; leave out --{}", names.front()),
          CLI::ExitCodes::ExcludesError);
  }
}

}  // namespace poseheir
