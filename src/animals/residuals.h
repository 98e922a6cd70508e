// Tracklets that are too short to be stitched: joined among themselves before, fitted in
// afterwards.
#pragma once

#include <vector>

#include "poseheir/tracks.h"

namespace poseheir {

// Replaces residuals that follow each other closely by one.
void join_residuals(std::vector<Tracklet>& residuals);

// Adds residuals of two frames or more to the tracks that have room for them.
void fit_residuals(std::vector<Tracklet>& tracks, const std::vector<Tracklet>& residuals);

}  // namespace poseheir
