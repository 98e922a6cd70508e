// Zero-shot inference with a SuperAnimal snapshot: no project, the picture at several sizes (spec
// superanimal-and-dlc3 7.1).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "poseheir/predict.h"
#include "poseheir/pyramid.h"

namespace poseheir {

// A snapshot with the keypoints of SuperAnimal-Quadruped (39) or SuperAnimal-TopViewMouse (27), as
// its shapes tell. Throws Error(mismatch) that says what the file holds instead.
PoseModel load_superanimal(const std::filesystem::path& snapshot);

// "DLC_snapshot-700000"
std::string superanimal_scorer(const PoseModel& model);

struct PyramidSettings {
  std::vector<int> heights;  // pixels; empty: the picture's own and 50 pixels around it
  PyramidOptions combine;
};

// The best pose of one animal in each picture, frame after frame.
Poses predict_pyramid(const PoseModel& model, const std::vector<std::filesystem::path>& pictures,
                      const PyramidSettings& settings, const EngineOptions& engine,
                      const Progress& progress = {});
VideoPoses predict_pyramid_video(const PoseModel& model, const std::filesystem::path& video,
                                 const PyramidSettings& settings, const VideoOptions& options,
                                 const Progress& progress = {});

}  // namespace poseheir
