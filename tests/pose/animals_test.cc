// From detections to individuals with a project's names and settings.
#include <cmath>
#include <gmock/gmock.h>

#include "base/file.h"
#include "expect_error.h"
#include "pose/frame_batches.h"
#include "poseheir/predict_animals.h"
#include "poseheir/predict_superanimal.h"
#include "shared.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

using ::testing::ElementsAre;

Project cage() {
  Project project;
  project.multi_animal = true;
  project.bodyparts = {"nose", "tail"};
  project.individuals = {"mia", "ada"};
  return project;
}

// Two animals walk in parallel; the limb tells them apart.
FullPickle walk(int frames) {
  FullPickle full;
  full.about.keypoint_names = {"nose", "tail"};
  full.about.options.keypoints = 2;
  full.about.options.graph = {{0, 1}};
  full.about.frames = frames;
  for (int frame = 0; frame < frames; ++frame) {
    const double x = 20 + frame;
    Detections found;
    found.peaks = {{{x, 30, 0.9F}, {x, 90, 0.8F}}, {{x + 9, 91, 0.9F}, {x + 9, 31, 0.7F}}};
    found.costs = {{0, 2, 2, {0.1F, 0.9F, 0.8F, 0.1F}, {7, 1, 1, 7}}};
    full.frames.push_back({frame, found});
  }
  return full;
}

InferenceConfig two_animals() {
  InferenceConfig inference;
  inference.individuals = 2;
  inference.minimal_links = 1;
  inference.box_slack_pixels = 10;
  return inference;
}

TEST(FollowAnimals, GivesEachIndividualItsOwnBodyParts) {
  FollowOptions options;
  options.tracker = TrackerKind::box;
  const auto followed = follow_animals(cage(), walk(12), two_animals(), options);
  ASSERT_EQ(followed.tracklets.animals.size(), 2U);
  const auto tracks = stitch_animals(cage(), followed.tracklets, "DLC_x", options);
  ASSERT_EQ(tracks.table.frames.size(), 12U);
  EXPECT_THAT(tracks.table.individuals, ElementsAre("mia", "ada"));
  const auto& row = tracks.table.frames[5];
  EXPECT_EQ(std::abs(row[0].y - row[1].y), 1);  // nose and tail of the same animal
  EXPECT_EQ(std::abs(row[0].y - row[2].y), 60);
}

TEST(FollowAnimals, RefusesDetectionsOfOtherBodyParts) {
  auto project = cage();
  project.bodyparts = {"nose", "ear"};
  EXPECT_ERROR(follow_animals(project, walk(3), two_animals(), {}), ErrorKind::mismatch,
               "the detections are of [nose, tail], but config.yaml lists [nose, ear]");
}

TEST(FollowAnimals, NamesTheNearestBodyPartToAnUnknownOne) {
  FollowOptions options;
  options.ignored_bodyparts = {"tial"};
  EXPECT_ERROR(follow_animals(cage(), walk(3), two_animals(), options), ErrorKind::usage,
               "'tial' to ignore is none of config.yaml's (nearest known: 'tail')");
}

TEST(StitchAnimals, WantsAsManyNamesAsTracks) {
  FollowOptions options;
  options.names = {"mia", "ada", "zoe"};
  options.tracks = 2;
  EXPECT_ERROR(stitch_animals(cage(), {}, "DLC_x", options), ErrorKind::usage,
               "2 tracks asked for, but 3 names are given");
}

TEST(ChooseTracker, KnowsDeepLabCutsTrackersAndSaysWhichAreHere) {
  auto project = cage();
  EXPECT_EQ(choose_tracker(project, ""), TrackerKind::ellipse);
  project.track_method = "box";
  EXPECT_EQ(choose_tracker(project, ""), TrackerKind::box);
  EXPECT_EQ(choose_tracker(project, "ellipse"), TrackerKind::ellipse);
  EXPECT_ERROR(choose_tracker(project, "skeleton"), ErrorKind::unsupported,
               "'skeleton' is not built in; take ellipse or box");
  EXPECT_ERROR(choose_tracker(project, "elipse"), ErrorKind::usage, "unknown tracker 'elipse'");
  project.bodyparts = {"nose"};
  EXPECT_EQ(choose_tracker(project, "ellipse"), TrackerKind::box);
}

TEST(DetectionOptions, ReadTheSkeletonAndRefuseALimbThatIsNone) {
  constexpr auto kConfig =
      "net_type: resnet_50\nnum_joints: 3\nlocation_refinement: true\n"
      "dataset_type: multi-animal-imgaug\npartaffinityfield_predict: true\n"
      "partaffinityfield_graph: [[0, 1], [1, 2]]\nminconfidence: 0.2\n";
  auto config = parse_pose_config(std::string(kConfig) + "paf_best: [1]\n");
  const auto options = detection_options(config);
  EXPECT_EQ(options.graph, (std::vector<std::array<int, 2>>{{0, 1}, {1, 2}}));
  EXPECT_THAT(options.limbs, ElementsAre(1));
  EXPECT_EQ(options.minimal_confidence, 0.2);
  EXPECT_ERROR(detection_options(parse_pose_config(std::string(kConfig) + "paf_best: [2]\n")),
               ErrorKind::usage, "paf_best names limb 2 of 2");
}

TEST(SuperAnimal, SaysWhatAnotherSnapshotHolds) {
  NEEDS_SHARED("reference/dlc-project");
  EXPECT_ERROR(
      load_superanimal(shared_folder() / "reference/dlc-project/dlc-models/iteration-0/"
                                         "openfieldOct30-trainset95shuffle1/train/snapshot-4000"),
      ErrorKind::mismatch, "MobileNetV2 0.35, 4 keypoints");
}

constexpr auto kClip = "reference/dlc-project/videos/m3v1_50.mp4";

std::vector<std::int64_t> frames_in(FrameBatches& batches) {
  std::vector<std::int64_t> frames;
  while (const auto* batch = batches.next())
    frames.insert(frames.end(), batch->frames.begin(), batch->frames.end());
  return frames;
}

TEST(FrameBatches, GiveTheFramesOfARangeWithTheirNumbers) {
  NEEDS_SHARED(kClip);
  VideoOptions options;
  options.batch_size = 4;
  options.frames = FrameRange{3, 9};
  FrameBatches batches(shared_folder() / kClip, options);
  EXPECT_THAT(frames_in(batches), ElementsAre(3, 4, 5, 6, 7, 8));
  EXPECT_EQ(batches.frame_count(), 9);
}

TEST(FrameBatches, RefuseARangeBehindTheEnd) {
  NEEDS_SHARED(kClip);
  VideoOptions options;
  options.frames = FrameRange{50, 60};
  EXPECT_ERROR(FrameBatches(shared_folder() / kClip, options), ErrorKind::usage,
               "begin after its last frame, 49");
}

TEST(FrameBatches, FillTheLastBatchWithFramesOfTheOneBefore) {
  NEEDS_SHARED(kClip);
  VideoOptions options;
  options.batch_size = 4;
  options.frames = FrameRange{0, 6};
  FrameBatches batches(shared_folder() / kClip, options);
  const auto first = batches.next()->pixels;
  const auto* second = batches.next();
  ASSERT_EQ(second->frames.size(), 2U);
  const auto half = static_cast<std::ptrdiff_t>(first.size() / 2);
  EXPECT_TRUE(std::equal(first.begin() + half, first.end(), second->pixels.begin() + half));
  EXPECT_FALSE(std::equal(first.begin(), first.begin() + half, second->pixels.begin()));
  EXPECT_EQ(batches.next(), nullptr);
}

TEST(FrameBatches, AreGivenUpInTheMiddleWithoutWaiting) {
  NEEDS_SHARED(kClip);
  VideoOptions options;
  options.batch_size = 1;
  FrameBatches batches(shared_folder() / kClip, options);
  ASSERT_NE(batches.next(), nullptr);
}

}  // namespace
}  // namespace poseheir
