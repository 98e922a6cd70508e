#include "poseheir/tracks.h"

#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "animals/shapes.h"
#include "expect_error.h"

namespace poseheir {
namespace {

using nlohmann::json;

double number(const json& value) { return value.is_null() ? kMissing : value.get<double>(); }

std::vector<AnimalsOfFrame> frames_of(const json& example) {
  std::vector<AnimalsOfFrame> frames;
  for (const auto& here : example["frames"]) {
    frames.push_back({static_cast<int>(frames.size()), {}});
    for (const auto& animal : here) {
      auto& points = frames.back().found.animals.emplace_back().points;
      for (const auto& p : animal)
        points.push_back({number(p[0]), number(p[1]), number(p[2]), number(p[3])});
    }
  }
  return frames;
}

TrackerOptions tracker_of(const json& given) {
  TrackerOptions options;
  options.kind = given["kind"] == "box" ? TrackerKind::box : TrackerKind::ellipse;
  options.max_age = given["max_age"];
  options.min_hits = given["min_hits"];
  options.iou_threshold = given["iou_threshold"];
  options.box_slack_pixels = given["slack"];
  options.individuals = given["individuals"];
  options.identity_only = given.value("identity_only", false);
  return options;
}

// Which animal of its frame a pose is.
int animal_of(const std::vector<AnimalsOfFrame>& frames, int frame, const PoseInTime& pose) {
  const auto& animals = frames[frame].found.animals;
  for (std::size_t n = 0; n < animals.size(); ++n) {
    bool same = true;
    for (std::size_t label = 0; label < pose.size(); ++label)
      same = same && (animals[n].points[label].x == pose[label].x ||
                      (animals[n].points[label].missing() && pose[label].missing()));
    if (same) return static_cast<int>(n);
  }
  return -1;
}

// [[frame, animal], …]; of two poses in one frame the last counts.
json poses_of(const std::vector<AnimalsOfFrame>& frames, const Tracklet& tracklet) {
  json poses = json::array();
  for (std::size_t n = 0; n < tracklet.size(); ++n) {
    const int frame = tracklet.frames[n];
    if (!poses.empty() && poses.back()[0] == frame) poses.erase(poses.size() - 1);
    poses.push_back({frame, animal_of(frames, frame, tracklet.poses[n])});
  }
  return poses;
}

json read_examples() {
  std::ifstream stream(POSEHEIR_TEST_DATA "/animals/tracks.json");
  return json::parse(stream);
}

// data/animals/make_tracks.py had DeepLabCut's own trackers make these.
TEST(Tracking, GivesEachTrackletThePosesThatDeepLabCutGives) {
  for (const auto& example : read_examples()) {
    const auto frames = frames_of(example);
    json found = json::array();
    for (const auto& [id, tracklet] : track(frames, tracker_of(example["options"])).animals)
      found.push_back({id, poses_of(frames, tracklet)});
    EXPECT_EQ(found, example["tracklets"]) << example["name"];
  }
}

TEST(Stitching, MakesTheTracksThatDeepLabCutMakes) {
  int compared = 0;
  for (const auto& example : read_examples()) {
    if (example["tracks"].is_null()) continue;  // DeepLabCut guesses there
    const auto frames = frames_of(example);
    StitchOptions options;
    options.tracks = example["options"]["tracks"];
    options.minimal_length = example["options"]["minimal_length"];
    json found = json::array();
    for (const auto& one : stitch(track(frames, tracker_of(example["options"])), options).tracks)
      found.push_back(poses_of(frames, one));
    EXPECT_EQ(found, example["tracks"]) << example["name"];
    ++compared;
  }
  EXPECT_GE(compared, 4);
}

Tracklet at_rest(int first, int count, double x) {
  Tracklet tracklet;
  for (int n = 0; n < count; ++n) {
    tracklet.frames.push_back(first + n);
    tracklet.poses.push_back({{x, 0, 1, -1}, {x, 10, 1, -1}});
  }
  return tracklet;
}

TEST(Stitching, TakesTheNearestContinuation) {
  Tracklets tracklets;
  tracklets.animals = {{0, at_rest(0, 5, 0)},
                       {1, at_rest(0, 5, 100)},
                       {2, at_rest(6, 5, 96)},
                       {3, at_rest(6, 5, 3)}};
  const auto [tracks, notes] = stitch(tracklets, {.tracks = 2, .minimal_length = 5});
  ASSERT_EQ(tracks.size(), 2U);
  EXPECT_TRUE(notes.empty());
  EXPECT_EQ(tracks[0].size(), 10U);
  EXPECT_EQ(tracks[0].poses.back()[0].x, 3);
  EXPECT_EQ(tracks[1].poses.back()[0].x, 96);
}

TEST(Stitching, SaysWhenThereAreFewerTracksThanAskedFor) {
  Tracklets tracklets;
  tracklets.animals = {{0, at_rest(0, 5, 0)}, {1, at_rest(6, 5, 3)}};
  const auto [tracks, notes] = stitch(tracklets, {.tracks = 3, .minimal_length = 5});
  EXPECT_EQ(tracks.size(), 2U);
  EXPECT_THAT(notes, testing::Contains(testing::HasSubstr("only 2 of 3 tracks")));
}

TEST(Stitching, KeepsTheLongestWaysWhenThereAreMoreAnimalsThanTracks) {
  Tracklets tracklets;
  tracklets.animals = {{0, at_rest(0, 5, 0)}, {1, at_rest(0, 5, 100)}, {2, at_rest(6, 5, 1)}};
  const auto [tracks, notes] = stitch(tracklets, {.tracks = 1, .minimal_length = 5});
  ASSERT_EQ(tracks.size(), 1U);
  EXPECT_EQ(tracks[0].size(), 10U);
  EXPECT_THAT(notes, testing::Contains(testing::HasSubstr("no 1 tracks hold all 3 tracklets")));
}

TEST(Stitching, AsksForTrackletsThatAreLongEnough) {
  Tracklets tracklets;
  tracklets.animals = {{0, at_rest(0, 5, 0)}};
  EXPECT_ERROR(stitch(tracklets, {.tracks = 1}), ErrorKind::mismatch,
               "no tracklet of 10 frames or more");
  EXPECT_ERROR(stitch(tracklets, {.tracks = 0}), ErrorKind::usage, "at least one");
  EXPECT_ERROR(stitch(tracklets, {.tracks = 1, .minimal_length = 2}), ErrorKind::usage,
               "3 is the least");
}

TEST(Ellipse, LiesAlongItsPoints) {
  const PoseInTime points = {{0, 0, 1, -1}, {4, 4, 1, -1}, {1.5, 2.5, 1, -1}, {2.5, 1.5, 1, -1}};
  const auto ellipse = fit_ellipse(points);
  ASSERT_TRUE(ellipse.has_value());
  EXPECT_NEAR(ellipse->angle, 0.78539816339744830, 1e-12);  // 45 degrees
  EXPECT_DOUBLE_EQ(ellipse->x, 2);
  // Sample variances along and across: 16/3 and 1/3; four standard deviations.
  EXPECT_NEAR(ellipse->width, 4 * std::sqrt(16.0 / 3), 1e-12);
  EXPECT_NEAR(ellipse->height, 4 * std::sqrt(1.0 / 3), 1e-12);
}

TEST(Ellipse, NeedsThreePoints) {
  const PoseInTime points = {{0, 0, 1, -1}, {4, 4, 1, -1}, {}};
  EXPECT_FALSE(fit_ellipse(points).has_value());
}

}  // namespace
}  // namespace poseheir
