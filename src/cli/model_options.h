// Options that name a model of a project and say how to compute; the same in every command.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <string>

#include "cli/output.h"
#include "poseheir/engine.h"
#include "poseheir/project.h"

namespace poseheir {

struct ModelOptions {
  std::string config;
  ModelChoice choice;
};
// CONFIG, the options of add_choice_options and --run-name.
void add_model_options(CLI::App& command, ModelOptions& options);

// --shuffle, --trainset-index, --iteration, --modelprefix
void add_choice_options(CLI::App& command, ModelChoice& choice);

// --threads, --precision, --engine, --device
void add_engine_options(CLI::App& command, EngineOptions& options);

// An option whose value is one of a few words; another word is refused with the list of those
// known.
template <typename T>
CLI::Option* add_choice(CLI::App& command, const std::string& name, T& value,
                        const std::map<std::string, T>& choices, const std::string& description) {
  const auto choose = [&value, name, choices](const std::string& word) {
    const auto found = choices.find(word);
    if (found == choices.end()) {
      std::string known;
      for (const auto& choice : choices) known += (known.empty() ? "" : ", ") + choice.first;
      throw CLI::ValidationError(name, "expected one of " + known + "; found '" + word + "'");
    }
    value = found->second;
  };
  return command.add_option_function<std::string>(name, choose, description);
}

// A number above zero. (CLI11's own check prints the largest double when it refuses.)
CLI::Validator above_zero();
CLI::Validator whole_above_zero();
CLI::Validator whole_from_zero();
CLI::Validator memory_size();  // a transform: "4GB" to bytes
// One folder, not a path.
CLI::Validator folder_name();

// Warnings of the project go to stderr.
NamedModel read_model_telling(const ModelOptions& options, const Output& output);

}  // namespace poseheir
