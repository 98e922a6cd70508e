// The options of `train` that say how: they become TrainOptions.
#pragma once

#include <CLI/CLI.hpp>

#include "poseheir/train.h"

namespace poseheir {

void add_training_options(CLI::App& command, TrainOptions& options);

// What --repeat takes from run.json cannot be asked for beside it; throws CLI::ParseError that
// names the option.
void refuse_beside_record(const CLI::App& command);

}  // namespace poseheir
