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

  // What is wrong with pictures that were left out.
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  // The chosen ones of `rows`, which can be decoded.
  std::vector<int> watched(const Project& project, const Labels& labels,
                           const std::vector<int>& rows);

  std::vector<std::string> problems_;
  std::vector<int> train_, test_;  // rows of all labels
  Labels labels_;
  Split split_;
  PictureCache pictures_;
  DecodeOptions decoding_;
  EngineOptions engine_;
  double pcutoff_;
};

}  // namespace poseheir
