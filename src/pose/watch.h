// Errors while training: a sample of the labelled pictures, predicted with the weights of the
// moment.
#pragma once

#include "pose/decode.h"
#include "pose/loader.h"
#include "pose/training_plan.h"
#include "poseheir/engine.h"
#include "poseheir/metrics.h"
#include "poseheir/project.h"

namespace poseheir {

constexpr int kWatched = 32;

// Iterations between two measurements so that they take at most a twentieth of the time.
std::int64_t affordable_interval(const Dataset& dataset, const TrainingPlan& plan, Freeze freeze);

class TrainingWatch {
 public:
  // At most kWatched pictures of the training set and of the test set each, evenly spread; without
  // those that cannot be decoded.
  TrainingWatch(const Project& project, const Dataset& dataset, const PoseConfig& config,
                const EngineOptions& engine);

  ErrorSummary measure(const Network& network, const Parameters& parameters);

 private:
  TrainingWatch(const Project& project, const Dataset& dataset, const std::vector<int>& train,
                const std::vector<int>& test, const PoseConfig& config,
                const EngineOptions& engine);

  Labels labels_;
  Split split_;
  PictureCache pictures_;
  DecodeOptions decoding_;
  EngineOptions engine_;
  double pcutoff_;
};

}  // namespace poseheir
