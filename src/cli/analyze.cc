#include <fmt/format.h>
#include <memory>

#include "cli/analyze_superanimal.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "poseheir/error.h"
#include "poseheir/predict.h"

namespace poseheir {
namespace {

namespace fs = std::filesystem;

struct AnalyzeArguments {
  ModelOptions model;
  VideoOptions video;
  FollowArguments follow;
  int batch_size = 0;
  std::string snapshot, folder, frames, superanimal, scales;
  std::vector<std::string> videos;
  std::vector<int> crop;
  Output output;
  bool no_track = false, overwrite = false, json = false;
};

// A model of a project, and what its results are called.
struct Analysis {
  const AnalyzeArguments& arguments;
  Project project;
  ModelChoice choice;
  ModelPaths paths;
  PoseModel model;
  std::string scorer;

  explicit Analysis(const AnalyzeArguments& given)
      : Analysis(given, read_model_telling(given.model, given.output)) {}

  Analysis(const AnalyzeArguments& given, NamedModel named)
      : arguments(given),
        project(std::move(named.project)),
        choice(std::move(named.choice)),
        paths(model_paths(project, choice)),
        model(load_model(project, choice, snapshot())),
        scorer(scorer_name(project, model.train_config, choice.shuffle, model.snapshot.iteration)) {
  }

  Snapshot snapshot() const {
    const auto& wanted = arguments.snapshot;
    return choose_snapshots(project, paths, wanted == "all" ? "last" : wanted).back();
  }
  void complete(AnalysisAbout& about) const {
    const auto count = static_cast<int>(project.training_fractions.size());
    const int index = choice.trainset_index;
    about.scorer = scorer;
    about.iteration = choice.iteration.value_or(project.iteration);
    about.training_fraction =
        project.training_fractions.at(static_cast<std::size_t>(index < 0 ? index + count : index));
  }
};

// DeepLabCut's columns of several outputs would need names of their own.
void check_single_output(const PoseModel& model) {
  if (model.test_config.number("num_outputs", 1) != 1)
    throw Error(ErrorKind::unsupported,
                model.test_config.path.string() + ": num_outputs above 1 cannot be written yet");
}

Progress progress_of(ProgressLine& line, const fs::path& video) {
  return [&line, name = video.filename().string()](std::int64_t done, std::int64_t total) {
    line.update([&] { return fmt::format("{}: frame {} of {}", name, done, total); });
  };
}

void say_exists(ProgressLine& line, Analyzed& analyzed) {
  line.say(analyzed.result.string() + " exists; not analyzed again (--overwrite does)");
  analyzed.skipped = true;
}

Analyzed analyze_animal(const Analysis& analysis, const VideoOptions& options,
                        const fs::path& video) {
  const auto& arguments = analysis.arguments;
  const auto files = files_of(video, arguments.folder, analysis.scorer, options.frames);
  Analyzed analyzed;
  analyzed.video = video;
  analyzed.result = files.base.string() + ".h5";
  ProgressLine line(arguments.output.quiet);
  if (fs::exists(analyzed.result) && !arguments.overwrite) {
    say_exists(line, analyzed);
    return analyzed;
  }
  auto poses = predict_video(analysis.model, video, options, progress_of(line, video));
  analysis.complete(poses.about);
  const Predictions predictions{
      analysis.scorer, analysis.model.test_config.keypoint_names, {}, poses.poses};
  write_analysis_meta(files.meta(), poses.about, analysis.model.test_config);
  write_predictions_csv(files.base.string() + ".csv", predictions);
  write_predictions_table(analyzed.result, predictions);
  analyzed.frames = static_cast<std::int64_t>(poses.poses.size());
  if (!options.frames) analyzed.declared = poses.video.declared_frames;
  analyzed.lost = poses.lost;
  analyzed.problems = poses.problems;
  return analyzed;
}

// Detections that are there already are taken as they are.
FullPickle detections_of(const Analysis& analysis, const VideoOptions& options,
                         const AnimalFiles& files, Analyzed& analyzed, ProgressLine& line) {
  if (fs::exists(files.full()) && fs::exists(files.meta()) && !analysis.arguments.overwrite) {
    line.say(files.full().string() + " exists; not detected again (--overwrite does)");
    auto found = read_full_pickle(files.full());
    analyzed.frames = analyzed.declared = found.about.frames;
    return found;
  }
  auto detections =
      detect_in_video(analysis.model, analyzed.video, options, progress_of(line, analyzed.video));
  analysis.complete(detections.about);
  write_detections(files, detections, analysis.model.test_config);
  analyzed.frames = detections.frames;
  if (!options.frames) analyzed.declared = detections.declared;
  analyzed.lost = detections.lost;
  analyzed.problems = detections.problems;
  return std::move(detections.found);
}

Analyzed analyze_animals(const Analysis& analysis, const VideoOptions& options,
                         const Follower* follower, const fs::path& video) {
  const auto& arguments = analysis.arguments;
  const auto files = files_of(video, arguments.folder, analysis.scorer, options.frames);
  Analyzed analyzed;
  analyzed.video = video;
  analyzed.result = follower != nullptr ? follower->result(files) : files.full();
  ProgressLine line(arguments.output.quiet);
  if (fs::exists(analyzed.result) && !arguments.overwrite) {
    say_exists(line, analyzed);
    return analyzed;
  }
  const auto detections = detections_of(analysis, options, files, analyzed, line);
  if (follower != nullptr) follower->follow(files, detections, analyzed);
  return analyzed;
}

FrameRange parse_range(const std::string& text) {
  FrameRange range;
  const auto colon = text.find(':');
  const auto whole = [&](const std::string& part, std::int64_t& value) {
    return part.empty() || CLI::detail::lexical_cast(part, value);
  };
  if (colon == std::string::npos || !whole(text.substr(0, colon), range.first) ||
      !whole(text.substr(colon + 1), range.end))
    throw Error(ErrorKind::usage,
                fmt::format("--frames: expected A:B, such as 0:1000, found '{}'", text));
  return range;
}

VideoOptions video_options(const AnalyzeArguments& arguments, const Project& project) {
  auto options = arguments.video;
  options.batch_size = arguments.batch_size > 0 ? arguments.batch_size : project.batch_size;
  options.crop = project.crop;
  const auto& crop = arguments.crop;
  if (!crop.empty()) options.crop = Crop{crop[0], crop[1], crop[2], crop[3]};
  if (!arguments.frames.empty()) options.frames = parse_range(arguments.frames);
  return options;
}

// Without a project the first positional argument is a picture or video like the others.
void run_superanimal(const AnalyzeArguments& arguments) {
  SuperAnimalArguments given{arguments.superanimal, arguments.scales, {arguments.model.config},
                             arguments.folder,      arguments.video,  arguments.overwrite,
                             arguments.output.quiet};
  given.files.insert(given.files.end(), arguments.videos.begin(), arguments.videos.end());
  if (!arguments.frames.empty()) given.video.frames = parse_range(arguments.frames);
  if (!arguments.folder.empty()) fs::create_directories(arguments.folder);
  print_analyzed(analyze_superanimal(given), arguments.json);
}

void run_analyze(const AnalyzeArguments& arguments) {
  if (!arguments.superanimal.empty()) {
    run_superanimal(arguments);
    return;
  }
  if (!arguments.scales.empty())
    throw Error(ErrorKind::usage, "--scales goes with --model SNAPSHOT of a SuperAnimal model");
  if (arguments.videos.empty())
    throw Error(ErrorKind::usage,
                "no videos given; expected CONFIG VIDEO…, or --model SNAPSHOT "
                "and pictures or videos");
  const Analysis analysis(arguments);
  const auto options = video_options(arguments, analysis.project);
  const bool several = analysis.model.test_config.network.multi_animal;
  if (!several) check_single_output(analysis.model);
  std::optional<Follower> follower;
  if (several && !arguments.no_track)
    follower.emplace(analysis.project, analysis.paths, analysis.scorer, arguments.follow);
  if (!arguments.folder.empty()) fs::create_directories(arguments.folder);
  std::vector<Analyzed> analyzed;
  for (const auto& video : arguments.videos)
    analyzed.push_back(
        several ? analyze_animals(analysis, options, follower ? &*follower : nullptr, video)
                : analyze_animal(analysis, options, video));
  print_analyzed(analyzed, arguments.json);
}

}  // namespace

void add_analyze(CLI::App& app) {
  const auto arguments = std::make_shared<AnalyzeArguments>();
  auto* command = app.add_subcommand("analyze", "Predict the poses in videos");
  add_model_options(*command, arguments->model);
  command->add_option("videos", arguments->videos, "Video files");
  command
      ->add_option("--model", arguments->superanimal,
                   "A SuperAnimal snapshot instead of a project: pictures and videos follow")
      ->group("Without a project");
  command
      ->add_option("--scales", arguments->scales,
                   "Heights to look at a picture with: FROM:TO:STEP or with commas (default: its "
                   "own and 50 pixels around it)")
      ->group("Without a project");
  command->add_option("--snapshot", arguments->snapshot,
                      "N, best or last (default: config.yaml's snapshotindex)");
  command
      ->add_option("--batch-size", arguments->batch_size,
                   "Frames computed together (default: config.yaml's batch_size)")
      ->check(above_zero());
  command
      ->add_option(
          "--crop", arguments->crop,
          "x1 x2 y1 y2 in pixels (default: config.yaml's if its cropping is true); positions "
          "are relative to it")
      ->delimiter(',')
      ->expected(4);
  command->add_option("--frames", arguments->frames,
                      "A:B: only frames A to B - 1, into files of their own name");
  command->add_option("--destfolder", arguments->folder,
                      "Where results go (default: beside the video)");
  add_engine_options(*command, arguments->video.engine);
  add_follow_options(*command, arguments->follow);
  command->add_flag("--no-track", arguments->no_track, "Stop at detections")
      ->group("Several animals");
  command->add_flag("--overwrite", arguments->overwrite, "Analyze again what was analyzed before");
  command->add_flag("--json", arguments->json, "The result as JSON");
  add_output_options(*command, arguments->output);
  command->footer(
      "Examples:\n"
      "  poseheir analyze my-project/config.yaml videos/day1.mp4\n"
      "  poseheir analyze my-project/config.yaml day1.mp4 day2.mp4 --snapshot best --crop "
      "0,640,0,400 --frames 0:9000\n"
      "  poseheir analyze --model superquad/snapshot-700000 horse.mp4 --scales 200:600:50");
  command->callback([arguments] { run_analyze(*arguments); });
}

}  // namespace poseheir
