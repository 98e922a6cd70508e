#include "cli/model_options.h"

#include <fmt/format.h>
#include <map>

namespace poseheir {
namespace {

bool is_digits(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

}  // namespace

void add_model_options(CLI::App& command, ModelOptions& options) {
  command
      .add_option("config", options.config,
                  "config.yaml of a DeepLabCut project, its folder, or a model's pose_cfg.yaml")
      ->required();
  add_choice_options(command, options.choice);
  command
      .add_option("--run-name", options.choice.run_name, "A run beside the others: train/runs/NAME")
      ->check(folder_name());
}

void add_choice_options(CLI::App& command, ModelChoice& choice) {
  command.add_option("--shuffle", choice.shuffle, "Shuffle of the training set")
      ->capture_default_str();
  command
      .add_option("--trainset-index", choice.trainset_index,
                  "Which of config.yaml's TrainingFraction, from 0")
      ->capture_default_str();
  command.add_option("--iteration", choice.iteration,
                     "Iteration of the project (default: config.yaml's)");
  command.add_option("--modelprefix", choice.model_prefix,
                     "Folder in the project that holds dlc-models");
}

void add_engine_options(CLI::App& command, EngineOptions& options) {
  command.add_option("--threads", options.threads, "Threads (0: all that the process may use)")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  add_choice<Precision>(command, "--precision", options.precision,
                        {{"fp32", Precision::fp32}, {"bf16", Precision::bf16}},
                        "fp32 or bf16 (default: fp32)");
  add_choice<EngineKind>(command, "--engine", options.engine,
                         {{"onednn", EngineKind::onednn}, {"torch", EngineKind::torch}},
                         "onednn (default), or torch: libtorch, in builds that have it");
  command.add_option("--device", options.device,
                     "auto (default: a GPU where the engine can take one), cpu, cuda or cuda:N");
}

NamedModel read_model_telling(const ModelOptions& options, const Output& output) {
  auto model = read_model(options.config, options.choice);
  for (const auto& warning : model.project.warnings) output.warn(warning);
  const auto paths = model_paths(model.project, model.choice);
  output.detail(fmt::format("project: {}", model.project.folder.string()));
  output.detail(fmt::format("model: {}, in {}", paths.model_name, paths.train.string()));
  return model;
}

CLI::Validator above_zero() {
  return {[](const std::string& text) -> std::string {
            double value = 0;
            if (CLI::detail::lexical_cast(text, value) && value > 0) return "";
            return "expected a number above 0, found '" + text + "'";
          },
          "ABOVE 0"};
}

CLI::Validator whole_above_zero() {
  return {[](const std::string& text) -> std::string {
            const auto first = text.find_first_not_of('0');
            if (is_digits(text) && first != std::string::npos && text.size() - first < 10)
              return "";
            return "expected a whole number above 0, found '" + text + "'";
          },
          "WHOLE ABOVE 0"};
}

CLI::Validator whole_from_zero() {
  return {[](const std::string& text) -> std::string {
            constexpr std::size_t kMostDigits = 18;
            if (is_digits(text) && text.size() <= kMostDigits) return "";
            return "expected a whole number from 0 on, found '" + text + "'";
          },
          "WHOLE FROM 0"};
}

CLI::Validator memory_size() {
  return {[](std::string& text) -> std::string {
            const auto given = text;
            // CLI11 would take a negative number for one near 2^64.
            const bool is_size = text.find('-') == std::string::npos &&
                                 CLI::AsSizeValue(true)(text).empty() && is_digits(text);
            return is_size ? "" : "expected a size, such as 4GB; found '" + given + "'";
          },
          "SIZE"};
}

CLI::Validator folder_name() {
  return {[](const std::string& text) -> std::string {
            const bool is_one = !text.empty() && text != "." && text != ".." &&
                                text.find_first_of("/\\") == std::string::npos;
            return is_one ? "" : "expected a name for a folder, found '" + text + "'";
          },
          ""};
}

}  // namespace poseheir
