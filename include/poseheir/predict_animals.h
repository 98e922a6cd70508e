// Several animals: what a snapshot sees in pictures and videos, and who is who over time, with
// DeepLabCut's files for all of it (spec 11).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "poseheir/animal_files.h"
#include "poseheir/assembly.h"
#include "poseheir/predict.h"
#include "poseheir/track_table.h"
#include "poseheir/tracks.h"

namespace poseheir {

// How test/pose_cfg.yaml wants peaks and limbs to be found. Throws Error(usage) that names file and
// key.
DetectionOptions detection_options(const PoseConfig& test_config);

struct VideoDetections {
  FullPickle found;  // frames without any peak in their batch have no entry, as in DeepLabCut
  AnalysisAbout about;
  std::vector<std::int64_t> lost;     // frames that could not be decoded
  std::vector<std::string> problems;  // what could not be decoded, a line each
  std::int64_t frames = 0;            // that the video really has, lost ones counted
  std::int64_t declared = 0;          // that it says it has
};

VideoDetections detect_in_video(const PoseModel& model, const std::filesystem::path& video,
                                const VideoOptions& options, const Progress& progress = {});

// Files of one video: <base>_full.pickle and so on.
struct AnimalFiles {
  std::filesystem::path base;  // folder/<video><scorer>
  std::filesystem::path full() const { return base.string() + "_full.pickle"; }
  std::filesystem::path meta() const { return base.string() + "_meta.pickle"; }
  std::filesystem::path assemblies() const { return base.string() + "_assemblies.pickle"; }
  std::filesystem::path tracklets(TrackerKind kind) const;  // _el.pickle, _bx.pickle
  std::filesystem::path tracks(TrackerKind kind) const;     // _el.h5, _bx.h5
};

// `about` is completed by the test configuration. Both files or none.
void write_detections(const AnimalFiles& files, const VideoDetections& detections,
                      const PoseConfig& test_config);

// DeepLabCut's arguments of convert_detections2tracklets and stitch_tracklets.
struct FollowOptions {
  TrackerKind tracker = TrackerKind::ellipse;
  bool calibrate = false;      // link lengths by the labelled animals
  bool identity_only = false;  // where the network has identities
  bool greedy = false;
  int window = 0;                              // frames
  std::vector<std::string> ignored_bodyparts;  // when tracking
  int tracks = 0;                              // [n_tracks]; 0: one a name
  std::vector<std::string> names;              // [animal_names]; empty: config.yaml's
  bool stitch = true;
  StitchOptions stitching;  // `tracks` is taken from above
};

// "ellipse" or "box"; empty: config.yaml's default_track_method, else ellipse. Throws Error(usage)
// for another word, Error(unsupported) for DeepLabCut's other trackers. A project of a single body
// part always takes boxes, as in DeepLabCut.
TrackerKind choose_tracker(const Project& project, const std::string& name);

struct Followed {
  std::vector<AnimalsOfFrame> animals;
  Tracklets tracklets;
};

// From detections to tracklets. Throws Error(mismatch) when the detections are of other body parts
// than the project's, Error(usage) for an unknown body part to ignore.
Followed follow_animals(const Project& project, const FullPickle& detections,
                        const InferenceConfig& inference, const FollowOptions& options,
                        const Calibration* calibration = nullptr);

struct Tracks {
  TrackTable table;
  std::vector<std::string> notes;  // where the answer is less than the best
};
// From tracklets to individuals. Throws Error(usage) for names that are not as many as the tracks,
// and what stitch() throws.
Tracks stitch_animals(const Project& project, const Tracklets& tracklets, const std::string& scorer,
                      const FollowOptions& options);

// The labelled animals of the model's training set; nothing where they cannot calibrate.
std::optional<Calibration> calibrate(const Project& project, const ModelPaths& paths);

// _assemblies.pickle and the tracklets' pickle, both or none.
void write_followed(const AnimalFiles& files, const Followed& followed, const std::string& scorer,
                    const Project& project, const DetectionsAbout& about, TrackerKind tracker);
// The table as h5 and csv.
void write_tracks(const AnimalFiles& files, const TrackTable& table, TrackerKind tracker);

// Of a `_full.pickle`, DeepLabCut's or ours. Throws Error naming the file.
FullPickle read_full_pickle(const std::filesystem::path& path);

}  // namespace poseheir
