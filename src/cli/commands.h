// The list of commands. Each adds itself to the program in a file of its own name.
#pragma once

#include <CLI/CLI.hpp>

namespace poseheir {

// Commands that need no network: part of the program itself.
void add_inspect(CLI::App& app);
void add_transfer(CLI::App& app);
void add_convert(CLI::App& app);

// Commands of the runtime module, which the program opens only when one of them is asked for.
void add_train(CLI::App& app);
void add_evaluate(CLI::App& app);
void add_analyze(CLI::App& app);
void add_track(CLI::App& app);
void add_compare(CLI::App& app);
void add_demo(CLI::App& app);
void add_system(CLI::App& app);
void add_create_training_dataset(CLI::App& app);
void add_check(CLI::App& app);
void add_import(CLI::App& app);

}  // namespace poseheir
