// poseheir track: individuals over time from the detections that analyze (or DeepLabCut) left.
#include <fmt/format.h>
#include <iostream>
#include <memory>

#include "cli/analyze_animals.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

struct TrackArguments {
  ModelOptions model;
  FollowArguments follow;
  std::string snapshot, folder;
  std::vector<std::string> videos;
  Output output;
  bool overwrite = false, json = false;
};

Analyzed track(const TrackArguments& arguments, const Follower& follower, const std::string& scorer,
               const std::filesystem::path& video) {
  const auto files = files_of(video, arguments.folder, scorer, {});
  Analyzed analyzed;
  analyzed.video = video;
  analyzed.result = follower.result(files);
  ProgressLine line(arguments.output.quiet);
  if (follower.is_done(files) && !arguments.overwrite) {
    line.say(analyzed.result.string() + " exists; not tracked again (--overwrite does)");
    analyzed.skipped = true;
    return analyzed;
  }
  if (!std::filesystem::exists(files.full()))
    throw Error(ErrorKind::usage, fmt::format("{}: not found; run 'poseheir analyze' on {} first",
                                              files.full().string(), video.string()));
  const auto detections = read_full_pickle(files.full());
  analyzed.frames = analyzed.declared = detections.about.frames;
  follower.follow(files, detections, analyzed);
  return analyzed;
}

void run_track(const TrackArguments& arguments) {
  const auto [project, choice] = read_model_telling(arguments.model, arguments.output);
  if (!project.multi_animal)
    throw Error(ErrorKind::usage, project.folder.string() +
                                      ": a project of a single animal (multianimalproject is "
                                      "false); there is nothing to track");
  const auto paths = model_paths(project, choice);
  const auto config = read_train_config(project, choice);
  const auto snapshots =
      choose_snapshots(project, paths, arguments.snapshot == "all" ? "last" : arguments.snapshot);
  const auto scorer = scorer_name(project, config, choice.shuffle, snapshots.back().iteration);
  const Follower follower(project, paths, scorer, arguments.follow);
  std::vector<Analyzed> analyzed;
  for (const auto& video : arguments.videos)
    analyzed.push_back(track(arguments, follower, scorer, video));
  print_analyzed(analyzed, arguments.json);
}

}  // namespace

void add_track(CLI::App& app) {
  const auto arguments = std::make_shared<TrackArguments>();
  auto* command = app.add_subcommand(
      "track", "Assemble and track the animals that analyze (or DeepLabCut) detected");
  add_model_options(*command, arguments->model);
  command->add_option("videos", arguments->videos, "Videos whose _full.pickle is there")
      ->required();
  command->add_option("--snapshot", arguments->snapshot,
                      "N, best or last (default: config.yaml's snapshotindex)");
  command->add_option("--destfolder", arguments->folder,
                      "Where detections lie and results go (default: beside the video)");
  add_follow_options(*command, arguments->follow);
  command->add_flag("--overwrite", arguments->overwrite, "Track again what was tracked before");
  command->add_flag("--json", arguments->json, "The result as JSON");
  add_output_options(*command, arguments->output);
  command->footer(
      "Examples:\n"
      "  poseheir track my-project/config.yaml videos/day1.mp4 --tracker box --overwrite\n"
      "  poseheir track my-project/config.yaml day1.mp4 --n-tracks 2 --window-size 5");
  command->callback([arguments] { run_track(*arguments); });
}

}  // namespace poseheir
