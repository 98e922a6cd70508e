#include <cmath>
#include <gtest/gtest.h>

#include "base/file.h"
#include "expect_error.h"
#include "oracle.h"
#include "poseheir/animal_files.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

std::string stored() { return read_file(POSEHEIR_TEST_DATA "/animals/full.pickle"); }

// data/animals/make_full_pickle.py wrote it as DeepLabCut does.
TEST(FullPickle, IsReadAsDeepLabCutWritesIt) {
  const auto [about, frames] = parse_full_pickle(stored());
  EXPECT_EQ(about.keypoint_names, (std::vector<std::string>{"nose", "ear", "tail"}));
  EXPECT_EQ(about.options.limbs, (std::vector<int>{0, 1}));
  EXPECT_EQ(about.options.identity_channels, 2);
  EXPECT_EQ(about.frames, 12);
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(frames[1].frame, 11);
  const auto& first = frames[0].detections;
  ASSERT_EQ(first.peaks[0].size(), 2U);
  EXPECT_EQ(first.peaks[0][0].y, 2.25);
  EXPECT_EQ(first.peaks[0][1].confidence, 0.5F);
  EXPECT_TRUE(first.peaks[2].empty());
  EXPECT_EQ(first.costs[0].affinity, (std::vector<float>{0.5F, 0.25F}));
  EXPECT_EQ(first.costs[1].rows, 0);
  EXPECT_EQ(first.identity[1], (std::vector<float>{0.3F, 0.7F}));
}

TEST(FullPickle, SurvivesWritingAndReading) {
  const auto once = parse_full_pickle(stored());
  const auto written = format_full_pickle(once.about, once.frames);
  const auto [about, frames] = parse_full_pickle(written);
  EXPECT_EQ(format_full_pickle(about, frames), written);
  EXPECT_THAT(written, testing::HasSubstr("frame11"));
  EXPECT_EQ(frames[1].detections.peaks[2][0].y, 8.5);
}

TEST(FullPickle, IsRefusedWhereverItIsCutShort) {
  const auto bytes = stored();
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_THROW(parse_full_pickle(bytes.substr(0, size)), Error) << size << " bytes";
}

TEST(FullPickle, NamesTheFrameWhoseMatricesDoNotFit) {
  auto full = parse_full_pickle(stored());
  full.frames[0].detections.peaks[1].push_back({1, 1, 0.5F});
  EXPECT_ERROR(parse_full_pickle(format_full_pickle(full.about, full.frames)), ErrorKind::corrupt,
               "frame00: limb 0 has costs of 2 x 1 pairs for 2 x 2 peaks");
}

TEST(FrameNames, HaveAsManyDigitsAsDeepLabCutGivesThem) {
  EXPECT_EQ(frame_name(7, 10), "frame7");
  EXPECT_EQ(frame_name(7, 11), "frame07");
  EXPECT_EQ(frame_name(7, 1000), "frame007");
  EXPECT_EQ(frame_name(1000, 1001), "frame1000");
}

AnimalsOfFrame frame_of(int frame, double x, double y) {
  const std::vector<AssembledPoint> near = {
      {x, y, 0.9, -1}, {x + 8, y + 3, 0.8, -1}, {x, y + 9, 0.7, -1}};
  const std::vector<AssembledPoint> far = {
      {200 - x, 150, 0.5, -1}, {190 - x, 160, 0.5, -1}, {205 - x, 165, 0.5, -1}};
  FrameAnimals found{{{near, 1.5, 2}, {far, 1, 2}}, std::nullopt};
  if (frame % 2 == 0) found.unique = {{3.0, double(frame), 0.6}};
  return {frame, found};
}

struct Tracked {
  std::vector<AnimalsOfFrame> frames;
  Tracklets tracklets;
  Stitched stitched;
  TrackTable table;
};

Tracked track_two_animals() {
  Tracked tracked;
  for (int frame = 0; frame < 12; ++frame) tracked.frames.push_back(frame_of(frame, frame, 20));
  TrackerOptions options;
  options.individuals = 2;
  tracked.tracklets = track(tracked.frames, options);
  tracked.stitched = stitch(tracked.tracklets, {.tracks = 2, .minimal_length = 5});
  tracked.table = tabulate(tracked.stitched, tracked.tracklets.unique, "DLC_x", {"mia", "ada"}, 2,
                           {"nose", "ear", "tail"}, {"lamp"});
  return tracked;
}

TEST(TrackTable, HoldsEveryIndividualInEveryFrame) {
  const auto table = track_two_animals().table;
  EXPECT_EQ(table.individuals, (std::vector<std::string>{"mia", "ada"}));
  ASSERT_EQ(table.frames.size(), 12U);
  ASSERT_EQ(table.frames[4].size(), 7U);
  EXPECT_EQ(table.frames[4][6].y, 4);                                    // the lamp
  EXPECT_TRUE(std::isnan(table.frames[5][6].x));                         // not seen in odd frames
  EXPECT_NEAR(table.frames[4][0].x + table.frames[4][3].x, 200, 1e-12);  // both noses
}

TEST(TrackTable, NamesIndividualsItselfWhereNamesAreLacking) {
  const auto table = tabulate({}, {}, "DLC_x", {"mia"}, 2, {"nose"}, {});
  EXPECT_EQ(table.individuals, (std::vector<std::string>{"ind1", "ind2"}));
}

EvaluatedPicture picture(int row, double shift) {
  const auto full = parse_full_pickle(stored());
  EvaluatedPicture evaluated{{"labeled-data", "v", "img" + std::to_string(row) + ".png"},
                             row,
                             {{{{1, 2}, {5, 6 + shift}, {}}, {{31, 40}, {}, {7, 8}}}, {}},
                             full.frames[0].detections,
                             {}};
  return evaluated;
}

TEST(LabelCells, AreCutAsDeepLabCutCutsThem) {
  // (5 - 4) / 8, (13 - 4) / 8, and 2 pixels before the first centre: towards 0.
  const LabelledFrame labels{{{{5, 13}, {2, 2}, {}}}, {{20, 28}}};
  EXPECT_EQ(label_cells(labels, 8),
            (std::vector<PeakCell>{{0, 1, 0, 0}, {0, 0, 0, 1}, {0, 3, 2, 3}}));
}

TEST(Oracle, DeepLabCutEvaluatesFromOurPickles) {
  NEEDS_ORACLE();
  const TempDir folder;
  EvaluationAbout about;
  about.options = parse_full_pickle(stored()).about.options;
  about.label_scorer = "me";
  about.individuals = {"mia", "ada"};
  about.bodyparts = {"nose", "ear", "tail"};
  const std::vector<EvaluatedPicture> pictures = {picture(0, 0), picture(3, 1)};
  PoseConfig config;
  config.values = {{"stride", "8.0"}, {"location_refinement", "true"}, {"net_type", "resnet_50"}};
  write_file(folder / "e_full.pickle", format_evaluation_pickle(about, pictures));
  write_file(folder / "e_meta.pickle",
             format_evaluation_meta_pickle("DLC_x", 0.5, {0}, {3}, config));
  write_file(folder / "v_meta.pickle", format_analysis_meta_pickle({.start_seconds = 1.5,
                                                                    .stop_seconds = 3,
                                                                    .scorer = "DLC_x",
                                                                    .frames_per_second = 30,
                                                                    .height = 48,
                                                                    .width = 64,
                                                                    .frames = 12,
                                                                    .crop = {0, 64, 0, 48}},
                                                                   config));
  AnimalErrorTable errors{"me", {"mia", "ada"}, {"nose", "ear"}, {"lamp"}, {}, {}};
  errors.predicted = {{{1, 2, 0.5}, {3, 4, 0.25}, {}, {5, 6, 0.125}, {7, 8, 1}},
                      {{}, {3.5, 4.5, 0.75}, {1.5, 2, 0.5}, {}, {}}};
  errors.distances = {{0.5, 1.25, kMissing, 2, 3}, {kMissing, 4, 5, kMissing, kMissing}};
  write_distances_csv(folder / "dist_7.csv", errors);
  write_predicted_poses(folder / "predicted_poses_7.h5", errors);
  EXPECT_EQ(run_oracle("animals/check_evaluation.py", folder.path().string()), 0);
}

TEST(Oracle, DeepLabCutGoesOnFromOurPickles) {
  NEEDS_ORACLE();
  const TempDir folder;
  const auto tracked = track_two_animals();
  auto full = parse_full_pickle(stored());
  write_file(folder / "v_full.pickle", format_full_pickle(full.about, full.frames));
  write_file(folder / "v_assemblies.pickle", format_assemblies_pickle(tracked.frames));
  full.about.keypoint_names = {"nose", "ear", "tail", "lamp"};
  write_file(folder / "v_el.pickle",
             format_tracklets_pickle(tracked.tracklets, "DLC_x", full.about, true));
  write_track_table(folder / "v_el.h5", tracked.table);
  write_track_csv(folder / "v_el.csv", tracked.table);
  EXPECT_EQ(run_oracle("animals/check_with_deeplabcut.py", folder.path().string()), 0);
}

}  // namespace
}  // namespace poseheir
