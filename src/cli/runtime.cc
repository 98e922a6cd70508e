// Entry of the runtime module: the commands that need an engine or larger libraries.
#include "cli/commands.h"

extern "C" void poseheir_add_runtime_commands(CLI::App& app) {
  poseheir::add_create_training_dataset(app);
  poseheir::add_check(app);
  poseheir::add_import(app);
  poseheir::add_compare(app);
  poseheir::add_demo(app);
  poseheir::add_train(app);
  poseheir::add_evaluate(app);
  poseheir::add_analyze(app);
  poseheir::add_system(app);
  poseheir::add_track(app);
}
