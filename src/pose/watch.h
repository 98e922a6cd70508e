// Errors while training: a sample of the labelled pictures, predicted with the weights of the
// moment.
#pragma once

#include <optional>

#include "pose/decode.h"
#include "pose/loader.h"
#include "pose/training_plan.h"
#include "poseheir/detections.h"
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
  // those that cannot be decoded. `config` is that of training, `test_config` that of inference.
  TrainingWatch(const Project& project, const Dataset& dataset, const PoseConfig& config,
                const PoseConfig& test_config, const EngineOptions& engine);

  // Of several animals: of body parts, each with the nearest peak, as evaluate tells them.
  ErrorSummary measure(const Network& network, const Parameters& parameters);

  // What is wrong with pictures that were left out.
  const std::vector<std::string>& problems() const { return sample_.problems; }

  struct Sample {
    Labels labels;         // test rows behind the training rows
    AnimalLabels animals;  // or these
    Split split;
    std::vector<std::filesystem::path> paths;
    std::vector<std::string> problems;
  };

 private:
  ErrorSummary measure_animal(Predictor& predictor);
  ErrorSummary measure_animals(Predictor& predictor);

  Sample sample_;
  PictureCache pictures_;
  DecodeOptions decoding_;
  std::optional<DetectionOptions> detection_;  // of several animals
  EngineOptions engine_;
  double pcutoff_;
};

}  // namespace poseheir
