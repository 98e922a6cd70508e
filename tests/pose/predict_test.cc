#include "poseheir/predict.h"

#include <cmath>
#include <gtest/gtest.h>

#include "expect_error.h"
#include "openfield.h"

namespace poseheir {
namespace {

constexpr auto kModel = "dlc-models/iteration-0/openfieldOct30-trainset95shuffle1";
constexpr auto kScorer = "DLC_mobnet_35_openfieldOct30shuffle1_4000";

struct Openfield {
  OpenfieldProject folder;
  Project project = read_project(folder.path());
  ModelChoice choice;
  ModelPaths paths = model_paths(project, choice);

  PoseModel model() const {
    return load_model(project, choice, choose_snapshots(project, paths, "last").front());
  }
};

struct Distance {
  double pixels = 0, likelihood = 0;
  int ties = 0;
};

// Scores closer than this are equal to rounding: either of two such cells may win.
constexpr double kTie = 2e-5;

// Largest differences over all points that are no ties.
Distance distance(const Poses& ours, const Poses& expected) {
  Distance largest;
  EXPECT_EQ(ours.size(), expected.size());
  for (std::size_t row = 0; row < std::min(ours.size(), expected.size()); ++row) {
    for (std::size_t i = 0; i < expected[row].size(); ++i) {
      const auto &a = ours[row].at(i), &b = expected[row][i];
      const double pixels = std::hypot(a.x - b.x, a.y - b.y);
      const double likelihood = std::abs(a.likelihood - b.likelihood);
      largest.likelihood = std::max(largest.likelihood, likelihood);
      if (pixels > 0.1 && likelihood <= kTie) {
        ++largest.ties;
      } else {
        largest.pixels = std::max(largest.pixels, pixels);
      }
    }
  }
  return largest;
}

TEST(PredictVideo, GivesDeepLabCutsNumbersFrameByFrameAndInBatches) {
  NEEDS_OPENFIELD;
  const Openfield openfield;
  const auto model = openfield.model();
  const auto video = openfield.folder / "videos/m3v1_50.mp4";
  for (const int batch_size : {1, 8}) {  // 50 frames: the last batch of 8 holds 6 stale ones
    SCOPED_TRACE(batch_size);
    const auto folder = openfield.folder / (batch_size == 1 ? "videos" : "videos/batch8");
    const auto expected = read_predictions(folder / (std::string("m3v1_50") + kScorer + ".h5"));
    VideoOptions options;
    options.batch_size = batch_size;
    const auto result = predict_video(model, video, options);
    const auto found = distance(result.poses, expected.poses);
    EXPECT_EQ(result.poses.size(), 50U);
    EXPECT_EQ(found.ties, 0);
    EXPECT_LE(found.pixels, 0.1);
    EXPECT_LE(found.likelihood, 1e-3);
    RecordProperty("largest_pixels_batch_" + std::to_string(batch_size),
                   std::to_string(found.pixels));
  }
}

TEST(PredictVideo, RefusesACropThatLeavesTheFrame) {
  NEEDS_OPENFIELD;
  const Openfield openfield;
  VideoOptions options;
  options.crop = Crop{0, 641, 0, 480};
  EXPECT_ERROR(predict_video(openfield.model(), openfield.folder / "videos/m3v1_50.mp4", options),
               ErrorKind::usage, "does not lie in its 640 x 480 pixels");
}

TEST(EvaluateModel, GivesDeepLabCutsErrorsOfItsOwnSnapshot) {
  NEEDS_OPENFIELD;
  const Openfield openfield;
  const auto model = openfield.model();
  const auto dataset = read_dataset(openfield.project, openfield.choice, model.train_config);
  const auto evaluation =
      evaluate_model(openfield.project, openfield.choice, model, dataset, EngineOptions());
  const auto& all = evaluation.metrics.all;
  EXPECT_NEAR(all.train, 15.49, 0.02);
  EXPECT_NEAR(all.test, 27.31, 0.02);
  EXPECT_NEAR(all.train_cutoff, 14.14, 0.05);
  EXPECT_NEAR(all.test_cutoff, 15.61, 0.05);
  EXPECT_EQ(evaluation.predictions.scorer, kScorer);
  const auto expected =
      read_predictions(openfield.paths.evaluation / (std::string(kScorer) + "-snapshot-4000.h5"));
  EXPECT_EQ(evaluation.predictions.rows, expected.rows);
  const auto found = distance(evaluation.predictions.poses, expected.poses);
  EXPECT_LE(found.ties, 1) << "of 464 points";  // the snout in one picture, scores of 0.49009
  EXPECT_LE(found.pixels, 0.1);
  EXPECT_LE(found.likelihood, 1e-3);
}

TEST(ChooseSnapshots, FollowsNumbersWordsAndTheConfigsIndex) {
  NEEDS_OPENFIELD;
  const Openfield openfield;
  const auto chosen = [&](const std::string& which) {
    return choose_snapshots(openfield.project, openfield.paths, which).front().iteration;
  };
  EXPECT_EQ(chosen(""), 4000);  // snapshotindex -1
  EXPECT_EQ(chosen("last"), 4000);
  EXPECT_EQ(chosen("4000"), 4000);
  EXPECT_ERROR(chosen("500"), ErrorKind::usage,
               "snapshot 500 does not exist; there are snapshot-4000");
  EXPECT_ERROR(chosen("newest"), ErrorKind::usage, "'newest' is neither a number nor");
  EXPECT_ERROR(chosen("best"), ErrorKind::usage, "no snapshot of this run has an error measured");
}

TEST(LoadModel, ListsTheModelsThereAreWhenTheChoiceHasNone) {
  NEEDS_OPENFIELD;
  const Openfield openfield;
  ModelChoice choice;
  choice.shuffle = 7;
  EXPECT_ERROR(read_train_config(openfield.project, choice), ErrorKind::usage,
               "there is openfieldOct30-trainset95shuffle1; choose another --shuffle");
}

TEST(LoadModel, SaysWhatTheSnapshotHoldsWhenThePoseConfigContradictsIt) {
  NEEDS_OPENFIELD;
  const Openfield openfield;
  const auto test_config = openfield.folder / (std::string(kModel) + "/test/pose_cfg.yaml");
  set_pose_config_value(test_config, "net_type", "mobilenet_v2_1.0");
  EXPECT_ERROR(openfield.model(), ErrorKind::mismatch,
               "does not fit mobilenet_v2_1.0 with 4 keypoints");
  set_pose_config_value(test_config, "net_type", "resnet_50");
  EXPECT_ERROR(openfield.model(), ErrorKind::mismatch,
               "test/pose_cfg.yaml must say net_type: mobilenet_v2_0.35");
}

TEST(PredictPictures, RefusesASettingsFileWithoutLocationRefinement) {
  NEEDS_OPENFIELD;
  const Openfield openfield;
  set_pose_config_value(openfield.folder / (std::string(kModel) + "/test/pose_cfg.yaml"),
                        "location_refinement", "false");
  const auto picture =
      shared_folder() / "data/projects/openfield-pranav/labeled-data/m4s1/img0000.png";
  EXPECT_ERROR(predict_pictures(openfield.model(), {picture}, {}), ErrorKind::unsupported,
               "location_refinement is false; poses are decoded with it only");
}

TEST(PredictPictures, NamesAMissingPicture) {
  NEEDS_OPENFIELD;
  const Openfield openfield;
  EXPECT_ERROR(predict_pictures(openfield.model(), {openfield.folder / "absent.png"}, {}),
               ErrorKind::io, "absent.png");
}

}  // namespace
}  // namespace poseheir
