// How good a snapshot of several animals is, and which limbs serve it best: DeepLabCut's evaluation
// and its files (spec 8.4).
#pragma once

#include "poseheir/animal_metrics.h"
#include "poseheir/metrics.h"
#include "poseheir/predict_animals.h"

namespace poseheir {

struct AnimalEvaluation {
  std::int64_t iterations = 0;
  std::string scorer;
  EvaluationAbout about;
  std::vector<EvaluatedPicture> pictures;  // with labels, and with peaks
  AnimalErrorTable errors;                 // of every row of the labels
  Metrics metrics;                         // body parts of all individuals together
  // Nothing for a single body part, or where no skeleton is learned.
  std::optional<Skeletons> skeletons;
  std::optional<SkeletonChoice> choice;
};

// Throws Error(mismatch) when the model's keypoints are not those of the labels, Error(unsupported)
// for settings of test/pose_cfg.yaml that change the pictures.
AnimalEvaluation evaluate_animals(const Project& project, const ModelChoice& choice,
                                  const PoseModel& model, const AnimalLabels& labels,
                                  const Split& split, const EngineOptions& engine,
                                  const Progress& progress = {});

// The best limbs for assembly with these settings, by all labelled pictures.
void choose_limbs(AnimalEvaluation& evaluation, const AnimalLabels& labels, const Split& split,
                  const InferenceConfig& inference, const PoseConfig& test_config);

// _full.pickle, _meta.pickle, _map.pickle, dist_<iteration>.csv, predicted_poses_<iteration>.h5 and
// -keypoint-results.csv; and paf_best in test/pose_cfg.yaml.
void write_evaluation(const ModelPaths& paths, const Snapshot& snapshot,
                      const AnimalEvaluation& evaluation, const PoseModel& model,
                      const Split& split, double train_fraction);
std::filesystem::path evaluation_pickle(const ModelPaths& paths, const Snapshot& snapshot,
                                        const std::string& scorer);

}  // namespace poseheir
