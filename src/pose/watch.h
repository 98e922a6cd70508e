// Errors while training: a sample of the labelled pictures, predicted with the weights of the
// moment.
#pragma once

#include "pose/decode.h"
#include "pose/loader.h"
#include "poseheir/engine.h"
#include "poseheir/metrics.h"
#include "poseheir/project.h"

namespace poseheir {

class TrainingWatch {
 public:
  // At most `limit` pictures of the training set and of the test set each, evenly spread.
  TrainingWatch(const Project& project, const Dataset& dataset, const PoseConfig& config,
                const EngineOptions& engine, int limit = 32);

  ErrorSummary measure(const Network& network, const Parameters& parameters);

 private:
  Labels labels_;
  Split split_;
  PictureCache pictures_;
  DecodeOptions decoding_;
  EngineOptions engine_;
  double pcutoff_;
};

}  // namespace poseheir
