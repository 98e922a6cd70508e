#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/model_options.h"
#include "cli/progress.h"
#include "poseheir/error.h"
#include "poseheir/predict.h"

namespace poseheir {
namespace {

namespace fs = std::filesystem;

struct AnalyzeArguments {
  ModelOptions model;
  VideoOptions video;
  int batch_size = 0;
  std::string snapshot, folder;
  std::vector<std::string> videos;
  std::vector<int> crop;
  bool overwrite = false, quiet = false, json = false;
};

struct Analyzed {
  fs::path video, result;
  std::int64_t frames = 0, declared = 0;
  std::vector<std::string> problems;
  bool skipped = false;
};

// DeepLabCut's columns of several outputs would need names of their own.
void check_single_output(const PoseModel& model) {
  if (model.test_config.number("num_outputs", 1) != 1)
    throw Error(ErrorKind::unsupported,
                model.test_config.path.string() + ": num_outputs above 1 cannot be written yet");
}

Analyzed analyze(const AnalyzeArguments& arguments, const PoseModel& model,
                 const std::string& scorer, const fs::path& video) {
  const auto folder = arguments.folder.empty() ? video.parent_path() : fs::path(arguments.folder);
  const auto base = folder / (video.stem().string() + scorer);
  Analyzed analyzed{video, base.string() + ".h5", 0, 0, {}, false};
  ProgressLine line(arguments.quiet);
  if (fs::exists(analyzed.result) && !arguments.overwrite) {
    line.say(analyzed.result.string() + " exists; not analyzed again (--overwrite does)");
    analyzed.skipped = true;
    return analyzed;
  }
  const auto poses =
      predict_video(model, video, arguments.video, [&](std::int64_t done, std::int64_t total) {
        line.update([&] {
          return fmt::format("{}: frame {} of {}", video.filename().string(), done, total);
        });
      });
  if (!arguments.folder.empty()) fs::create_directories(folder);
  const Predictions predictions{scorer, model.test_config.keypoint_names, {}, poses.poses};
  write_predictions_table(analyzed.result, predictions);
  write_predictions_csv(base.string() + ".csv", predictions);
  analyzed.frames = static_cast<std::int64_t>(poses.poses.size());
  analyzed.declared = poses.video.declared_frames;
  analyzed.problems = poses.problems;
  return analyzed;
}

void print(const std::vector<Analyzed>& videos, bool json) {
  auto list = nlohmann::json::array();
  for (const auto& video : videos) {
    list.push_back({{"video", video.video.string()},
                    {"result", video.result.string()},
                    {"frames", video.frames},
                    {"frames_declared", video.declared},
                    {"problems", video.problems},
                    {"skipped", video.skipped}});
    if (json || video.skipped) continue;
    std::cout << fmt::format("{}  {} frames", video.result.string(), video.frames);
    if (video.frames != video.declared)
      std::cout << fmt::format(" (the file says {})", video.declared);
    std::cout << '\n';
    for (const auto& problem : video.problems)
      std::cerr << "warning: " << video.video.string() << ": " << problem << '\n';
  }
  if (json) std::cout << list.dump(2) << '\n';
}

void run_analyze(AnalyzeArguments& arguments) {
  const auto project = read_project_telling(arguments.model.config);
  const auto& choice = arguments.model.choice;
  const auto paths = model_paths(project, choice);
  const auto snapshots =
      choose_snapshots(project, paths, arguments.snapshot == "all" ? "last" : arguments.snapshot);
  const auto& snapshot = snapshots.back();
  const auto model = load_model(project, choice, snapshot);
  check_single_output(model);
  auto& video = arguments.video;
  video.batch_size = arguments.batch_size > 0 ? arguments.batch_size : project.batch_size;
  if (!arguments.crop.empty())
    video.crop = Crop{arguments.crop[0], arguments.crop[1], arguments.crop[2], arguments.crop[3]};
  const auto scorer = scorer_name(project, model.train_config, choice.shuffle, snapshot.iteration);
  std::vector<Analyzed> analyzed;
  for (const auto& file : arguments.videos)
    analyzed.push_back(analyze(arguments, model, scorer, file));
  print(analyzed, arguments.json);
}

}  // namespace

void add_analyze(CLI::App& app) {
  const auto arguments = std::make_shared<AnalyzeArguments>();
  auto* command = app.add_subcommand("analyze", "Predict the poses in videos");
  add_model_options(*command, arguments->model);
  command->add_option("videos", arguments->videos, "Video files")->required();
  command->add_option("--snapshot", arguments->snapshot,
                      "N, best or last (default: config.yaml's snapshotindex)");
  command
      ->add_option("--batch-size", arguments->batch_size,
                   "Frames computed together (default: config.yaml's batch_size)")
      ->check(above_zero());
  command
      ->add_option("--crop", arguments->crop, "x1 x2 y1 y2 in pixels; positions are relative to it")
      ->delimiter(',')
      ->expected(4);
  command->add_option("--destfolder", arguments->folder,
                      "Where results go (default: beside the video)");
  add_engine_options(*command, arguments->video.engine);
  command->add_flag("--overwrite", arguments->overwrite, "Analyze again what was analyzed before");
  command->add_flag("--quiet", arguments->quiet, "No progress");
  command->add_flag("--json", arguments->json, "The result as JSON");
  command->footer(
      "Examples:\n"
      "  poseheir analyze my-project/config.yaml videos/day1.mp4\n"
      "  poseheir analyze my-project/config.yaml day1.mp4 day2.mp4 --snapshot best --crop "
      "0,640,0,400");
  command->callback([arguments] { run_analyze(*arguments); });
}

}  // namespace poseheir
