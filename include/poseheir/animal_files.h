// DeepLabCut's files between detections and tracks: `_full.pickle`, `_assemblies.pickle`,
// `_el.pickle`, and the table of tracks (spec 11.2).
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "poseheir/detections.h"
#include "poseheir/track_table.h"
#include "poseheir/tracks.h"

namespace poseheir {

// What the detections of a video were made with.
struct DetectionsAbout {
  DetectionOptions options;
  std::vector<std::string> keypoint_names;  // of the animals, then the unique ones
  int frames = 0;                           // of the video
};

struct DetectionsOfFrame {
  int frame = 0;
  Detections detections;
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
