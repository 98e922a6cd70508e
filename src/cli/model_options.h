// Options that name a model of a project and say how to compute; the same in every command.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "poseheir/engine.h"
#include "poseheir/project.h"

namespace poseheir {

struct ModelOptions {
  std::string config;
  ModelChoice choice;
};
void add_model_options(CLI::App& command, ModelOptions& options);

// --threads, --precision
void add_engine_options(CLI::App& command, EngineOptions& options);

// Warnings of the project go to stderr.
Project read_project_telling(const std::string& config);

}  // namespace poseheir
