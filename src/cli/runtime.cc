// Entry of the runtime module: the commands that need an engine.
#include "cli/commands.h"

extern "C" void poseheir_add_runtime_commands(CLI::App& app) { static_cast<void>(app); }
