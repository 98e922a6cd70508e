#include <cmath>
#include <cstdlib>
#include <gmock/gmock.h>

#include "base/file.h"
#include "dlc/table.h"
#include "expect_error.h"
#include "oracle.h"
#include "poseheir/predictions.h"
#include "poseheir/project.h"
#include "shared.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Equal, and missing in the same places.
void expect_same(const Table& a, const Table& b, const std::string& what) {
  EXPECT_EQ(a.columns, b.columns) << what;
  EXPECT_EQ(a.level_names, b.level_names) << what;
  EXPECT_EQ(a.rows, b.rows) << what;
  ASSERT_EQ(a.values.size(), b.values.size()) << what;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    if (std::isnan(a.values[i]) && std::isnan(b.values[i])) continue;
    ASSERT_EQ(a.values[i], b.values[i]) << what << ", value " << i;
  }
}

std::filesystem::path without_extension(std::filesystem::path path) {
  return path.replace_extension();
}

TEST(LabelsH5, HoldTheSameAsTheCsvBesideThem) {
  NEEDS_SHARED("data/projects");
  std::size_t count = 0;
  for (const auto* folder : {"data/projects", "reference"}) {
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(shared_folder() / folder)) {
      if (entry.path().extension() != ".h5") continue;
      auto csv = without_extension(entry.path());
      csv += ".csv";
      if (!std::filesystem::exists(csv)) continue;
      // Single precision: its csv was rounded another way than the doubles here.
      if (csv.string().find("dlc3-project") != std::string::npos) continue;
      expect_same(read_table(entry.path()), read_table(csv), entry.path().string());
      ++count;
    }
  }
  EXPECT_EQ(count, 12U);  // labels of three projects in both formats, evaluation, videos
}

TEST(LabelsH5, GiveTheMouseItsEars) {
  NEEDS_SHARED("data/projects/openfield-pranav");
  const auto labels = read_labels(
      shared_folder() / "data/projects/openfield-pranav/labeled-data/m4s1/CollectedData_Pranav.h5");
  ASSERT_EQ(labels.images.size(), 116U);
  EXPECT_THAT(labels.images[0].path, ElementsAre("labeled-data", "m4s1", "img0000.png"));
  EXPECT_EQ(labels.images[0].points[2].y, 250.05599999999998);
}

TEST(LabelsH5, MergeToWhatDeepLabCutMerged) {
  NEEDS_SHARED("reference/dlc-project");
  const auto merged =
      merge_labels(read_project(shared_folder() / "data/projects/openfield-pranav"));
  EXPECT_THAT(merged.warnings, IsEmpty());
  const TempDir folder;
  write_labels(folder / "CollectedData_Pranav", merged);
  const auto theirs =
      shared_folder() /
      "reference/dlc-project/training-datasets/iteration-0/UnaugmentedDataSet_openfieldOct30/";
  EXPECT_EQ(read_file(folder / "CollectedData_Pranav.csv"),
            read_file(theirs / "CollectedData_Pranav.csv"));
  expect_same(read_table(folder / "CollectedData_Pranav.h5"),
              read_table(theirs / "CollectedData_Pranav.h5"), "h5");
}

TEST(PredictionsFiles, RealH5BecomeDeepLabCutsCsvByteForByte) {
  NEEDS_SHARED("reference/dlc-project/videos");
  const TempDir folder;
  std::size_t count = 0;
  for (const auto* place : {"reference/dlc-project/videos", "reference/evaluation"}) {
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(shared_folder() / place)) {
      auto csv = without_extension(entry.path());
      csv += ".csv";
      if (entry.path().extension() != ".h5" || !std::filesystem::exists(csv)) continue;
      if (csv.filename().string().starts_with("CollectedData")) continue;
      write_predictions_csv(folder / "out.csv", read_predictions(entry.path()));
      EXPECT_EQ(read_file(folder / "out.csv"), read_file(csv)) << csv;
      ++count;
    }
  }
  EXPECT_EQ(count, 6U);
}

TEST(PredictionsFiles, ReadEveryRealResult) {
  NEEDS_SHARED("data/dlc-outputs");
  const auto old = read_predictions(
      shared_folder() /
      "data/dlc-outputs/openfield-analyses/m3v1mp4DLC_resnet50_openfieldOct30shuffle1_100000.h5");
  EXPECT_EQ(old.poses.size(), 2330U);
  EXPECT_THAT(old.rows, IsEmpty());
  EXPECT_THAT(old.bodyparts, ElementsAre("snout", "leftear", "rightear", "tailbase"));
  for (const auto& entry :
       std::filesystem::directory_iterator(shared_folder() / "data/dlc-outputs/eval_h5")) {
    const auto predictions = read_predictions(entry.path());
    ASSERT_EQ(predictions.rows.size(), predictions.poses.size()) << entry.path();
    EXPECT_EQ(predictions.rows[0].size(), 3U) << entry.path();
    EXPECT_GE(predictions.poses[0][0].likelihood, 0) << entry.path();
    EXPECT_LE(predictions.poses[0][0].likelihood, 1) << entry.path();
  }
  EXPECT_ERROR(
      read_predictions(shared_folder() /
                       "data/projects/mice3-mabe-madlc/videos/EGS8X2MN4SSUGFWAV976_fulltrack.h5"),
      ErrorKind::unsupported, "several individuals");
}

Predictions small_predictions(bool video) {
  Predictions predictions;
  predictions.scorer = "DLC_resnet50_reachJul3shuffle1_10";
  predictions.bodyparts = {"wrist", "Ellbogen ä", "arm"};
  for (int row = 0; row < 3; ++row) {
    if (!video)
      predictions.rows.push_back(
          {"labeled-data", row == 1 ? "12" : "clip", "img" + std::to_string(9 - row) + ".png"});
    predictions.poses.push_back(
        {{1.5 + row, 2, 0.1}, {kMissing, kMissing, kMissing}, {-3, 1e-5, 0.99999}});
  }
  return predictions;
}

TEST(PredictionsFiles, ComeBackFromEachFormat) {
  const TempDir folder;
  for (const bool video : {false, true}) {
    const auto predictions = small_predictions(video);
    write_predictions_csv(folder / "p.csv", predictions);
    write_predictions_fixed(folder / "fixed.h5", predictions);
    const auto csv = read_table(folder / "p.csv");
    expect_same(read_table(folder / "fixed.h5"), csv, "fixed");
    if (!video) continue;
    write_predictions_table(folder / "table.h5", predictions);
    expect_same(read_table(folder / "table.h5"), csv, "table");
  }
  EXPECT_THAT(read_predictions(folder / "table.h5").rows, IsEmpty());
}

TEST(PredictionsFiles, CarryColumnsInTheOrderOfTheirCodes) {
  const TempDir folder;
  write_predictions_fixed(folder / "fixed.h5", small_predictions(false));
  const auto again = read_predictions(folder / "fixed.h5");
  EXPECT_THAT(again.bodyparts, ElementsAre("wrist", "Ellbogen ä", "arm"));
  EXPECT_EQ(again.poses[2][0].x, 3.5);
  EXPECT_EQ(again.poses[2][2].likelihood, 0.99999);
  EXPECT_THAT(again.rows[1], ElementsAre("labeled-data", "12", "img8.png"));
}

TEST(H5, DamageIsAnErrorThatNamesTheFile) {
  const TempDir folder;
  for (const bool table : {false, true}) {
    if (table) {
      write_predictions_table(folder / "p.h5", small_predictions(true));
    } else {
      write_predictions_fixed(folder / "p.h5", small_predictions(false));
    }
    const auto whole = read_file(folder / "p.h5");
    for (std::size_t size = 0; size < whole.size(); size += size < 200 ? 1 : 97)
      EXPECT_ERROR(parse_table_h5(whole.substr(0, size), "cut.h5"), ErrorKind::corrupt,
                   "cut.h5: damaged");
  }
  write_file(folder / "text.h5", "scorer,a\n");
  EXPECT_ERROR(read_predictions(folder / "text.h5"), ErrorKind::corrupt, "not an HDF5 file");
  EXPECT_ERROR(read_predictions(folder / "none.h5"), ErrorKind::io, "none.h5");
}

TEST(H5, DamageLeavesNothingOnStderr) {
  const TempDir folder;
  write_predictions_fixed(folder / "p.h5", small_predictions(false));
  write_file(folder / "cut.h5", read_file(folder / "p.h5").substr(0, 3000));
  ::testing::internal::CaptureStderr();
  EXPECT_THROW(read_predictions(folder / "cut.h5"), Error);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST(H5, RefusesMoreColumnNamesThanPandasTableFormatHolds) {
  Predictions wide;
  wide.scorer = "s";
  for (int i = 0; i < 2000; ++i)
    wide.bodyparts.push_back("a rather long name of a body part number " + std::to_string(i));
  wide.poses.assign(1, std::vector<PredictedPoint>(2000));
  const TempDir folder;
  EXPECT_ERROR(write_predictions_table(folder / "w.h5", wide), ErrorKind::unsupported, "64,000");
  EXPECT_FALSE(std::filesystem::exists(folder / "w.h5"));
}

TEST(Oracle, PandasReadsWhatWeWrite) {
  NEEDS_ORACLE();
  const TempDir folder;
  write_predictions_fixed(folder / "fixed.h5", small_predictions(false));
  write_predictions_csv(folder / "fixed.csv", small_predictions(false));
  write_predictions_fixed(folder / "numbers.h5", small_predictions(true));
  write_predictions_table(folder / "table.h5", small_predictions(true));
  write_predictions_csv(folder / "table.csv", small_predictions(true));
  EXPECT_EQ(run_oracle("dlc/check_with_pandas.py", folder.path().string()), 0);
}

}  // namespace
}  // namespace poseheir
