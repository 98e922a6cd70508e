// From animals of single frames to individuals over time: tracklets, and their stitching into
// tracks (spec 11.3).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "poseheir/assembly.h"

namespace poseheir {

using PoseInTime = std::vector<AssembledPoint>;  // [keypoint of animals]

// One animal over frames that ascend, no frame twice unless two tracklets were joined that overlap.
struct Tracklet {
  std::vector<int> frames;
  std::vector<PoseInTime> poses;  // [frame]

  int start() const { return frames.front(); }
  int end() const { return frames.back(); }
  std::size_t size() const { return frames.size(); }
};

struct UniqueTrack {
  std::vector<int> frames;
  std::vector<std::vector<PredictedPoint>> points;  // [frame][unique keypoint]
};

struct NumberedTracklet {
  int id = 0;
  Tracklet tracklet;
};

struct Tracklets {
  std::vector<NumberedTracklet> animals;  // in the order in which the trackers reported them
  UniqueTrack unique;
};

enum class TrackerKind { ellipse, box };

struct TrackerOptions {
  TrackerKind kind = TrackerKind::ellipse;
  int max_age = 1;   // frames that a tracker lives without a detection
  int min_hits = 1;  // detections in a row before it is reported
  double iou_threshold = 0.6;
  double box_slack_pixels = 0;         // [boundingboxslack]
  int individuals = 1;                 // [topktoretain]; a single one needs no tracker
  bool identity_only = false;          // the identity channels alone say who is who
  std::vector<int> ignored_keypoints;  // left out of ellipses and boxes
};

// DeepLabCut's convert_detections2tracklets. Frames ascend; one without animals does not age the
// trackers.
Tracklets track(std::span<const AnimalsOfFrame> frames, const TrackerOptions& options);

struct StitchOptions {
  int tracks = 1;
  int minimal_length = 10;     // frames; shorter tracklets are fitted in afterwards; at least 3
  bool split = true;           // tracklets at their gaps
  bool join_residuals = true;  // [prestitch_residuals]
  int max_gap = 0;             // frames between two tracklets of a track; 0: from the data
};

struct Stitched {
  std::vector<Tracklet> tracks;    // ordered by identity; at most as many as asked for
  std::vector<std::string> notes;  // where the answer is less than the best, one line each
};

// DeepLabCut's stitch_tracklets: the cheapest way to join tracklets to as many tracks as asked for.
// Throws Error(usage) for fewer than one track or a length below 3, Error(mismatch) if no tracklet
// is long enough or no track can be made.
Stitched stitch(const Tracklets& tracklets, const StitchOptions& options);

}  // namespace poseheir
