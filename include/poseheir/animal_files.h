// DeepLabCut's files between detections and tracks: `_full.pickle`, `_assemblies.pickle`,
// `_el.pickle`, and the table of tracks (spec 11.2).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "poseheir/animal_metrics.h"
#include "poseheir/detections.h"
#include "poseheir/project.h"
#include "poseheir/track_table.h"
#include "poseheir/tracks.h"

namespace poseheir {

// What the detections of a video were made with.
struct DetectionsAbout {
  DetectionOptions options;
  std::vector<std::string> keypoint_names;  // of the animals, then the unique ones
  int frames = 0;                           // of the video
};

// "frame007": as many digits as DeepLabCut gives a video of so many frames.
std::string frame_name(int frame, int frames);

std::string format_full_pickle(const DetectionsAbout& about,
                               std::span<const DetectionsOfFrame> frames);

// Keyed by the frame's place among those with detections, as DeepLabCut keys it.
std::string format_assemblies_pickle(std::span<const AnimalsOfFrame> frames);

// `unique` says whether the project has unique keypoints.
std::string format_tracklets_pickle(const Tracklets& tracklets, const std::string& scorer,
                                    const DetectionsAbout& about, bool unique);

// One picture of an evaluation, as `_full.pickle` of evaluation-results keeps it.
struct EvaluatedPicture {
  std::vector<std::string> path;  // components
  int row = 0;                    // of the merged labels
  LabelledFrame labels;
  Detections detections;
  std::vector<LimbCosts> label_costs;  // of the labels' own cells; empty without a graph
};

struct EvaluationAbout {
  DetectionOptions options;
  std::string label_scorer;
  std::vector<std::string> individuals, bodyparts, unique_bodyparts;
};

// The places of the labels of a picture as cells of the map, for limb_costs().
std::vector<PeakCell> label_cells(const LabelledFrame& labels, double stride_pixels);

std::string format_evaluation_pickle(const EvaluationAbout& about,
                                     std::span<const EvaluatedPicture> pictures);
// `_meta.pickle` of an evaluation.
std::string format_evaluation_meta_pickle(const std::string& scorer, double train_fraction,
                                          const std::vector<std::int64_t>& train_rows,
                                          const std::vector<std::int64_t>& test_rows,
                                          const PoseConfig& config);

// `_map.pickle` of an evaluation: a table of what every set of limbs is worth, by its size, and how
// well each limb tells animals apart.
std::string format_skeleton_pickle(const SkeletonChoice& choice,
                                   const std::map<int, double>& separability);

// `_meta.pickle` of a video's analysis (spec 9.4).
struct AnalysisAbout {
  double start_seconds = 0, stop_seconds = 0;  // since the epoch
  std::string scorer;
  double frames_per_second = 0;
  int batch_size = 1;
  int height = 0, width = 0;  // before cropping
  std::int64_t frames = 0;
  int iteration = 0;  // of the project
  double training_fraction = 0;
  bool cropping = false;
  std::array<int, 4> crop{};  // x1, x2, y1, y2; the whole picture without cropping
};
std::string format_analysis_meta_pickle(const AnalysisAbout& about, const PoseConfig& config);

// Reads what DeepLabCut or we wrote. Throws Error(corrupt or unsupported) naming the frame.
struct FullPickle {
  DetectionsAbout about;
  std::vector<DetectionsOfFrame> frames;
};
FullPickle parse_full_pickle(const std::string& bytes);

// Tracks side by side from frame 0 to the last that any of them has; a row of nothing for each
// track that could not be made. Names are taken from `individuals` where there are enough of them,
// else "ind1", "ind2", ….
TrackTable tabulate(const Stitched& stitched, const UniqueTrack& unique, const std::string& scorer,
                    const std::vector<std::string>& individuals, int tracks,
                    const std::vector<std::string>& bodyparts,
                    const std::vector<std::string>& unique_bodyparts);

}  // namespace poseheir
