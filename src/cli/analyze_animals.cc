#include "cli/analyze_animals.h"

#include <fmt/format.h>
#include <iostream>
#include <nlohmann/json.hpp>

#include "poseheir/error.h"

namespace poseheir {
namespace {

nlohmann::json as_json(const Analyzed& video) {
  nlohmann::json one = {{"video", video.video.string()}, {"result", video.result.string()},
                        {"frames", video.frames},        {"frames_declared", video.declared},
                        {"frames_lost", video.lost},     {"problems", video.problems},
                        {"skipped", video.skipped}};
  for (const auto& [what, count] : video.also) one[what] = count;
  return one;
}

std::string line_of(const Analyzed& video) {
  auto line = fmt::format("{}  {} frames", video.result.string(), video.frames);
  if (video.declared > 0 && video.frames != video.declared)
    line += fmt::format(" (the file says {})", video.declared);
  for (const auto& [what, count] : video.also) line += fmt::format(", {} {}", count, what);
  if (!video.lost.empty()) line += fmt::format(", {} lost to damage", video.lost.size());
  return line;
}

}  // namespace

void print_analyzed(const std::vector<Analyzed>& videos, bool json) {
  auto list = nlohmann::json::array();
  for (const auto& video : videos) {
    list.push_back(as_json(video));
    if (!json && !video.skipped) std::cout << line_of(video) << '\n';
    for (const auto& problem : video.problems)
      std::cerr << "warning: " << video.video.string() << ": " << problem << '\n';
  }
  if (json) std::cout << list.dump(2) << '\n';
}

void add_follow_options(CLI::App& command, FollowArguments& arguments) {
  constexpr auto kGroup = "Several animals";
  auto& follow = arguments.follow;
  const auto add = [&](const char* name, auto& value, const char* description) {
    return command.add_option(name, value, description)->group(kGroup);
  };
  add("--tracker", arguments.tracker,
      "ellipse or box (default: config.yaml's default_track_method, else ellipse)");
  add("--n-tracks", follow.tracks, "Individuals in the video (default: one a name)")
      ->check(above_zero());
  add("--animal-names", follow.names, "Their names (default: config.yaml's individuals)")
      ->delimiter(',');
  add("--window-size", follow.window, "Prefer limbs like those of so many frames before")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  add("--ignore-bodyparts", follow.ignored_bodyparts, "Body parts that tracking leaves out")
      ->delimiter(',');
  add("--min-length", follow.stitching.minimal_length,
      "Frames of a tracklet that takes part in stitching; shorter ones are fitted in at the end")
      ->capture_default_str();
  add("--max-gap", follow.stitching.max_gap,
      "Frames between two tracklets of a track (default: from the data)")
      ->check(above_zero());
  const auto flag = [&](const char* name, bool& value, const char* description) {
    command.add_flag(name, value, description)->group(kGroup);
  };
  flag("--calibrate", follow.calibrate, "Judge limbs by the labelled animals' sizes");
  flag("--identity-only", follow.identity_only,
       "Who is who by the network's identities alone, where it has them");
  flag("--greedy", follow.greedy, "Strongest limbs first instead of the best assignment");
  flag("--no-stitch", arguments.no_stitch, "Stop at tracklets");
  flag("--no-split", arguments.no_split, "Keep tracklets whole at their gaps");
  flag("--no-prestitch", arguments.no_join, "Do not join short tracklets before they are fitted");
}

AnimalFiles files_of(const std::filesystem::path& video, const std::string& folder,
                     const std::string& scorer, const std::optional<FrameRange>& frames) {
  auto name = video.stem().string();
  if (frames) name += fmt::format("_frames{}-{}", frames->first, frames->end - 1);
  return {(folder.empty() ? video.parent_path() : std::filesystem::path(folder)) / (name + scorer)};
}

Follower::Follower(const Project& project, const ModelPaths& paths, std::string scorer,
                   const FollowArguments& arguments)
    : project_(project), scorer_(std::move(scorer)), options_(arguments.follow) {
  options_.tracker = choose_tracker(project, arguments.tracker);
  options_.stitch = !arguments.no_stitch;
  options_.stitching.split = !arguments.no_split;
  options_.stitching.join_residuals = !arguments.no_join;
  inference_ =
      read_inference_config(paths.test_pose_config.parent_path() / "inference_cfg.yaml", project);
  if (!options_.calibrate) return;
  calibration_ = calibrate(project, paths);
  if (!calibration_)
    std::cerr << "warning: too few complete labelled animals to calibrate; going on without\n";
}

std::filesystem::path Follower::result(const AnimalFiles& files) const {
  return options_.stitch ? files.tracks(options_.tracker) : files.tracklets(options_.tracker);
}

void Follower::follow(const AnimalFiles& files, const FullPickle& detections,
                      Analyzed& analyzed) const {
  const auto followed = follow_animals(project_, detections, inference_, options_,
                                       calibration_ ? &*calibration_ : nullptr);
  write_followed(files, followed, scorer_, project_, detections.about, options_.tracker);
  analyzed.also = {{"tracklets", followed.tracklets.animals.size()}};
  analyzed.result = files.tracklets(options_.tracker);
  if (!options_.stitch) return;
  try {
    const auto tracks = stitch_animals(project_, followed.tracklets, scorer_, options_);
    write_tracks(files, tracks.table, options_.tracker);
    analyzed.also.emplace_back("individuals", tracks.table.individuals.size());
    analyzed.problems.insert(analyzed.problems.end(), tracks.notes.begin(), tracks.notes.end());
    analyzed.result = files.tracks(options_.tracker);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::mismatch) throw;
    analyzed.problems.push_back(fmt::format("no tracks: {}", error.what()));
  }
}

}  // namespace poseheir
