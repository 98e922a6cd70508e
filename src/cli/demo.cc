// demo: the whole story on the embedded world. Every step is a command that a user could type; it
// is shown, then run by this very program.
#include "poseheir/demo.h"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "cli/child.h"
#include "cli/commands.h"
#include "cli/model_options.h"
#include "poseheir/checkpoint.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

namespace fs = std::filesystem;

constexpr auto kUninherited = "random-start";

struct DemoArguments {
  std::string folder = "poseheir-demo", model_a;
  std::uint64_t seed = 1;
  int iterations = 500, threads = 0;
  Output output;
  bool quick = false, overwrite = false;
};

// As installed, or in the build tree.
fs::path shipped_model() {
  const auto program = fs::read_symlink("/proc/self/exe").parent_path();
  for (const auto& base : {program, program.parent_path()}) {
    const auto folder = base / "share" / "poseheir" / "demo";
    const auto snapshots =
        fs::is_directory(folder) ? list_snapshots(folder) : std::vector<Snapshot>();
    if (!snapshots.empty()) return snapshots.back().prefix;
  }
  throw Error(
      ErrorKind::io,
      "the demo's model A was not found in share/poseheir/demo beside or above " +
          program.string() +
          "; install Poseheir whole, or make the model with 'poseheir demo --make-model-a FOLDER'");
}

std::string spoken(const std::vector<std::string>& command) {
  std::string text = "poseheir";
  for (const auto& word : command)
    text += " " + (word.find(' ') == std::string::npos ? word : "'" + word + "'");
  return text;
}

// Shows a command and runs it; of a long output only both ends are shown.
void play(const Output& output, std::vector<std::string> command, std::size_t head = 100,
          std::size_t tail = 0) {
  std::cout << "\n  $ " << spoken(command) << '\n' << std::flush;
  if (output.quiet) command.emplace_back("--quiet");
  if (output.verbose) command.emplace_back("--verbose");
  if (output.color != "auto") command.insert(command.end(), {"--color", output.color});
  const int code = run_child(command, head, tail);
  if (code != 0) throw CLI::RuntimeError(code);
}

void tell(int step, const std::string& text) {
  std::cout << fmt::format("\n[{}/8] {}\n", step, text) << std::flush;
}

// Only a folder that an earlier demo made is ever removed.
void remove_old(const fs::path& project) {
  if (!fs::exists(project)) return;
  const auto old = fs::exists(project / "config.yaml") ? read_project(project) : Project();
  if (old.scorer != "Poseheir" || (old.task != "genet" && old.task != "sixkinds"))
    throw Error(ErrorKind::usage,
                project.string() +
                    ": is no project of this demo, so it is not overwritten; name another folder");
  fs::remove_all(project);
}

DemoProjectOptions target_project(const DemoArguments& arguments) {
  DemoProjectOptions options;
  options.seed = arguments.seed;
  if (!arguments.quick) return options;
  options.clips = 2;
  options.frames = 8;
  options.labelled = 4;
  options.train_fraction = 0.5;
  return options;
}

void make_project(const fs::path& folder, const DemoProjectOptions& options) {
  if (fs::exists(folder / "config.yaml")) {
    std::cout << "  (is there already: " << folder.string() << ")\n";
    return;
  }
  make_demo_project(folder, options);
  std::cout << fmt::format(
      "  {}: {} clips, {} labelled pictures, of which {:.0f} % are for training\n", folder.string(),
      options.clips, options.clips * options.labelled, 100 * options.train_fraction);
}

std::vector<std::string> train_command(const DemoArguments& arguments, const std::string& config,
                                       std::vector<std::string> more) {
  std::vector<std::string> command = {"train",      config,
                                      "--maxiters", std::to_string(arguments.iterations),
                                      "--seed",     std::to_string(arguments.seed)};
  if (arguments.threads > 0)
    more.insert(more.end(), {"--threads", std::to_string(arguments.threads)});
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

void run_demo(DemoArguments arguments) {
  const auto model_a = shipped_model().string();
  if (arguments.quick) arguments.iterations = 8;
  const auto project = fs::path(arguments.folder) / "genet-project";
  const auto config = (project / "config.yaml").string();
  if (arguments.overwrite) remove_old(project);

  tell(1,
       "A small DeepLabCut project: clips of an animal, rendered here, with exact labels of 11 "
       "keypoints.\n      This is model C's world; few pictures are labelled, as in life.");
  make_project(project, target_project(arguments));
  tell(2,
       "Model A: trained by Poseheir on six other kinds of animals with 16 other keypoints. What "
       "is in it?");
  play(arguments.output, {"inspect", model_a}, 6, 4);
  const std::vector<std::string> transfer = {"transfer",
                                             "--from",
                                             model_a,
                                             "--to",
                                             config,
                                             "--keypoints",
                                             (project / "keypoints.csv").string()};
  tell(3, "The plan of the transfer, tensor by tensor, before anything is written.");
  auto dry = transfer;
  dry.emplace_back("--dry-run");
  play(arguments.output, dry, 8, 6);
  tell(4, "The transfer: model B, the start of model C.");
  if (fs::exists(model_paths(read_project(config), {}).train / "snapshot-0.index"))
    std::cout << "  (is there already)\n";
  else
    play(arguments.output, transfer);
  tell(5, "Model C trained from it ...");
  play(arguments.output, train_command(arguments, config, {}));
  tell(6,
       "... and the same without the inheritance: same pictures, same seed, same number of "
       "iterations.");
  play(arguments.output,
       train_command(arguments, config, {"--init", "random", "--run-name", kUninherited}));
  tell(7, "Both against the labels they have not seen.");
  play(arguments.output, {"evaluate", config, "--snapshot", "last"});
  play(arguments.output, {"evaluate", config, "--snapshot", "last", "--run-name", kUninherited});
  tell(8, "Both on one page.");
  play(arguments.output,
       {"compare", config, "--output", (fs::path(arguments.folder) / "report").string()});
  std::cout << "\nOpen " << (fs::path(arguments.folder) / "report" / "report.html").string()
            << " in a browser: curves, errors, pictures.\n";
}

// How the shipped model A came to be; docs/demo.md.
void make_model_a(DemoArguments arguments, bool iterations_given) {
  const auto folder = fs::path(arguments.model_a);
  const auto project = folder / "sixkinds-project";
  const auto config = (project / "config.yaml").string();
  if (arguments.overwrite) remove_old(project);
  if (!iterations_given) arguments.iterations = arguments.quick ? 8 : 3000;
  DemoProjectOptions options;
  options.world = DemoWorld::pretraining;
  options.seed = arguments.seed;
  options.clips = arguments.quick ? 6 : 240;
  options.frames = options.labelled = arguments.quick ? 2 : 3;
  options.frames_per_second = 5;  // far enough apart to differ
  options.train_fraction = 0.9;
  options.videos = false;
  make_project(project, options);
  play(arguments.output, train_command(arguments, config, {"--init", "random"}));
  const auto paths = model_paths(read_project(config), {});
  const auto snapshots = list_snapshots(paths.train);
  if (snapshots.empty())
    throw Error(ErrorKind::io, paths.train.string() + ": training left no snapshot");
  for (const auto* suffix : {".index", ".data-00000-of-00001"})
    fs::copy_file(snapshots.back().prefix.string() + suffix,
                  folder / (snapshots.back().prefix.filename().string() + suffix),
                  fs::copy_options::overwrite_existing);
  fs::copy_file(paths.train_pose_config, folder / "pose_cfg.yaml",
                fs::copy_options::overwrite_existing);
  set_pose_config_value(folder / "pose_cfg.yaml", "project_path", ".");
  std::cout << "\nModel A: " << (folder / snapshots.back().prefix.filename()).string()
            << " and pose_cfg.yaml beside it\n";
}

}  // namespace

void add_demo(CLI::App& app) {
  auto arguments = std::make_shared<DemoArguments>();
  auto* command = app.add_subcommand("demo", "The whole story on an embedded example, in minutes");
  command->add_option("folder", arguments->folder, "Where the demo's project and report go")
      ->capture_default_str();
  command->add_option("--seed", arguments->seed, "Of the animals, the split and the training")
      ->capture_default_str();
  auto* iterations = command->add_option("--iterations", arguments->iterations, "Of each training")
                         ->check(above_zero())
                         ->capture_default_str();
  command->add_option("--threads", arguments->threads,
                      "Threads (default: all that the process may use)");
  command->add_flag("--quick", arguments->quick,
                    "A few pictures and iterations, to see that everything works; teaches nothing");
  command->add_flag("--overwrite", arguments->overwrite,
                    "Begin anew instead of going on where an earlier demo stopped");
  add_output_options(*command, arguments->output);
  command->add_option("--make-model-a", arguments->model_a,
                      "Instead: train the demo's model A afresh, into this folder");
  command->footer(
      "Examples:\n"
      "  poseheir demo\n"
      "  poseheir demo my-demo --seed 3 --overwrite");
  command->callback([arguments, iterations] {
    if (arguments->model_a.empty())
      run_demo(*arguments);
    else
      make_model_a(*arguments, iterations->count() > 0);
  });
}

}  // namespace poseheir
