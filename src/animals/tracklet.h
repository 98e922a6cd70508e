// What can be asked of tracklets: where, when, how near.
#pragma once

#include "poseheir/tracks.h"

namespace poseheir {

// The mean of the keypoints, weighed by likelihood.
Point centroid(const PoseInTime& pose);
// The most frequent identity (the smallest of equals); -1 without any.
int identity_of(const Tracklet& tracklet);
bool share_a_frame(const Tracklet& a, const Tracklet& b);
// Frames from the end of one to the start of the other; 0 if they share a frame.
int time_gap(const Tracklet& a, const Tracklet& b);
// Between the facing ends of two tracklets that share no frame.
double end_distance(const Tracklet& a, const Tracklet& b);
// Of the boxes at the facing ends; 0 if they share a frame.
double end_overlap(const Tracklet& a, const Tracklet& b);

// Both together, by frame; where they share one, `a`'s pose comes first.
Tracklet joined(const Tracklet& a, const Tracklet& b);
Tracklet joined(const std::vector<const Tracklet*>& parts);

// Without the frames in which no keypoint was found, and cut where frames are missing if asked for.
std::vector<Tracklet> pure_parts(const Tracklet& tracklet, bool split);

}  // namespace poseheir
