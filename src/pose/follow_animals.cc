// From the detections of a video to tracklets and tracks, with a project's names and settings.
#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/file.h"
#include "base/text.h"
#include "poseheir/error.h"
#include "poseheir/predict_animals.h"

namespace poseheir {
namespace {

const char* suffix(TrackerKind tracker) { return tracker == TrackerKind::box ? "_bx" : "_el"; }

void check_keypoints(const Project& project, const FullPickle& detections) {
  if (detections.about.keypoint_names == project.bodyparts) return;
  throw Error(ErrorKind::mismatch,
              fmt::format("the detections are of [{}], but config.yaml lists [{}]",
                          fmt::join(detections.about.keypoint_names, ", "),
                          fmt::join(project.bodyparts, ", ")));
}

AssemblyOptions assembly_options(const Project& project, const FullPickle& detections,
                                 const InferenceConfig& inference, const FollowOptions& options) {
  AssemblyOptions assembly;
  assembly.individuals = inference.individuals;
  assembly.keypoints_of_animals = static_cast<int>(animal_bodyparts(project).size());
  assembly.confidence_cutoff = inference.confidence_cutoff;
  assembly.minimal_affinity = inference.minimal_affinity;
  assembly.minimal_links = inference.minimal_links;
  assembly.greedy = options.greedy;
  assembly.identity_only = options.identity_only;
  assembly.window = options.window;
  assembly.graph = detections.about.options.graph;
  assembly.limbs = detections.about.options.limbs;
  return assembly;
}

std::vector<int> ignored_keypoints(const Project& project, const std::vector<std::string>& names) {
  const auto known = animal_bodyparts(project);
  std::vector<int> ignored;
  for (const auto& name : names) {
    const auto found = std::find(known.begin(), known.end(), name);
    if (found == known.end())
      throw Error(ErrorKind::usage,
                  fmt::format("body part '{}' to ignore is none of config.yaml's{}", name,
                              nearest_hint(name, known)));
    ignored.push_back(static_cast<int>(found - known.begin()));
  }
  return ignored;
}

// A box around a single point needs some width to overlap with another.
constexpr double kSlackOfPoints = 40;

TrackerOptions tracker_options(const Project& project, const FullPickle& detections,
                               const InferenceConfig& inference, const FollowOptions& options) {
  TrackerOptions tracker;
  tracker.kind = options.tracker;
  tracker.max_age = inference.max_age;
  tracker.min_hits = inference.min_hits;
  tracker.iou_threshold = inference.iou_threshold;
  tracker.box_slack_pixels = inference.box_slack_pixels;
  if (animal_bodyparts(project).size() == 1)
    tracker.box_slack_pixels = std::max(tracker.box_slack_pixels, kSlackOfPoints);
  tracker.individuals = inference.individuals;
  tracker.identity_only = options.identity_only && detections.about.options.identity_channels > 0;
  tracker.ignored_keypoints = ignored_keypoints(project, options.ignored_bodyparts);
  return tracker;
}

}  // namespace

std::filesystem::path AnimalFiles::tracklets(TrackerKind kind) const {
  return base.string() + suffix(kind) + ".pickle";
}

std::filesystem::path AnimalFiles::tracks(TrackerKind kind) const {
  return base.string() + suffix(kind) + ".h5";
}

TrackerKind choose_tracker(const Project& project, const std::string& name) {
  if (animal_bodyparts(project).size() == 1) return TrackerKind::box;
  const auto& wanted = name.empty() ? project.track_method : name;
  if (wanted.empty() || wanted == "ellipse") return TrackerKind::ellipse;
  if (wanted == "box") return TrackerKind::box;
  if (wanted == "skeleton" || wanted == "transformer" || wanted == "ctd")
    throw Error(ErrorKind::unsupported,
                fmt::format("DeepLabCut's tracker '{}' is not built in; take ellipse or box "
                            "(--tracker, or default_track_method in config.yaml)",
                            wanted));
  throw Error(ErrorKind::usage,
              fmt::format("unknown tracker '{}'; there are ellipse and box", wanted));
}

Followed follow_animals(const Project& project, const FullPickle& detections,
                        const InferenceConfig& inference, const FollowOptions& options,
                        const Calibration* calibration) {
  check_keypoints(project, detections);
  const auto tracker = tracker_options(project, detections, inference, options);
  Followed followed;
  followed.animals = assemble(
      detections.frames, assembly_options(project, detections, inference, options), calibration);
  followed.tracklets = track(followed.animals, tracker);
  return followed;
}

Tracks stitch_animals(const Project& project, const Tracklets& tracklets, const std::string& scorer,
                      const FollowOptions& options) {
  const auto& names = options.names.empty() ? project.individuals : options.names;
  const auto count = static_cast<int>(names.size());
  if (!options.names.empty() && options.tracks > 0 && options.tracks != count)
    throw Error(ErrorKind::usage,
                fmt::format("{} tracks asked for, but {} names are given", options.tracks, count));
  auto stitching = options.stitching;
  stitching.tracks = options.tracks > 0 ? options.tracks : count;
  auto stitched = stitch(tracklets, stitching);
  Tracks tracks;
  tracks.table = tabulate(stitched, tracklets.unique, scorer, names, stitching.tracks,
                          animal_bodyparts(project), project.unique_bodyparts);
  tracks.notes = std::move(stitched.notes);
  return tracks;
}

std::optional<Calibration> calibrate(const Project& project, const ModelPaths& paths) {
  std::vector<AnimalPose> poses;
  for (const auto& image : read_training_animals(project, paths).images)
    poses.insert(poses.end(), image.animals.begin(), image.animals.end());
  return calibrate(poses);
}

void write_followed(const AnimalFiles& files, const Followed& followed, const std::string& scorer,
                    const Project& project, const DetectionsAbout& about, TrackerKind tracker) {
  FileTransaction both;
  both.append(both.add(files.assemblies()), format_assemblies_pickle(followed.animals));
  both.append(both.add(files.tracklets(tracker)),
              format_tracklets_pickle(followed.tracklets, scorer, about,
                                      !project.unique_bodyparts.empty()));
  both.commit();
}

void write_tracks(const AnimalFiles& files, const TrackTable& table, TrackerKind tracker) {
  const auto path = files.tracks(tracker);
  write_track_table(path, table);
  write_track_csv(std::filesystem::path(path).replace_extension(".csv"), table);
}

}  // namespace poseheir
