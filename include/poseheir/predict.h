// Poses from a trained snapshot: of pictures and of videos.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "poseheir/animal_files.h"
#include "poseheir/engine.h"
#include "poseheir/media.h"
#include "poseheir/metrics.h"
#include "poseheir/predictions.h"
#include "poseheir/project.h"

namespace poseheir {

// A snapshot ready to run, with the settings it is run with (spec 9.2).
struct PoseModel {
  Snapshot snapshot;
  PoseConfig train_config, test_config;
  Network network;  // as test/pose_cfg.yaml describes it
  Parameters parameters;
};

// Throws Error(usage) that lists the project's models when it has none of this choice.
PoseConfig read_train_config(const Project& project, const ModelChoice& choice);

// Settings of inference. Without the test file, or in a run of its own, the train file says the
// same.
PoseConfig read_test_config(const Project& project, const ModelChoice& choice);

// `which` is a number, "last", "best" (smallest test error seen while training) or "all"; empty:
// config.yaml's snapshotindex. Ascending by iteration. Throws Error(usage) that lists what there
// is.
std::vector<Snapshot> choose_snapshots(const Project& project, const ModelPaths& paths,
                                       const std::string& which);

// Throws Error(mismatch) when the snapshot holds another network than the pose_cfg.yaml describes.
PoseModel load_model(const Project& project, const ModelChoice& choice, const Snapshot& snapshot);

// Done and total, in pictures or frames; total 0: unknown.
using Progress = std::function<void(std::int64_t done, std::int64_t total)>;

using Poses = std::vector<std::vector<PredictedPoint>>;  // [row][body part * outputs + rank]

// One forward pass a picture, as DeepLabCut's evaluation.
Poses predict_pictures(const PoseModel& model, const std::vector<std::filesystem::path>& pictures,
                       const EngineOptions& engine, const Progress& progress = {});

struct FrameRange {
  std::int64_t first = 0, end = std::numeric_limits<std::int64_t>::max();  // end is outside
};

struct VideoOptions {
  int batch_size = 8;
  std::optional<Crop> crop;          // positions in the result are relative to it, as DeepLabCut's
  std::optional<FrameRange> frames;  // all without
  EngineOptions engine;
};

struct VideoPoses {
  // A row for each frame from the first of the video on; missing where the frame was lost to damage
  // or not asked for.
  Poses poses;
  std::vector<std::int64_t> lost;     // frames of the range that could not be decoded
  std::vector<std::string> problems;  // what could not be decoded, a line each
  VideoInfo video;
  AnalysisAbout about;
};

// The next batches are decoded while the network computes. Batches as DeepLabCut's: the unused
// places of the last one hold frames of the batch before, which matters to networks that normalise
// with the statistics of a batch.
VideoPoses predict_video(const PoseModel& model, const std::filesystem::path& video,
                         const VideoOptions& options, const Progress& progress = {});

// `_meta.pickle` beside the results of a video.
void write_analysis_meta(const std::filesystem::path& path, const AnalysisAbout& about,
                         const PoseConfig& test_config);

struct Evaluation {
  std::int64_t iterations = 0;
  Predictions predictions;
  Metrics metrics;
  double seconds = 0;  // in the network
};

// Predicts every labelled picture of the model's training set and compares (spec 8.1).
Evaluation evaluate_model(const Project& project, const ModelChoice& choice, const PoseModel& model,
                          const Dataset& dataset, const EngineOptions& engine,
                          const Progress& progress = {});

}  // namespace poseheir
