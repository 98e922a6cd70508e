#include <gmock/gmock.h>

#include "base/file.h"
#include "expect_error.h"
#include "poseheir/project.h"
#include "shared.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto kNewIndex =
    "scorer,,,Ana,Ana,Ana,Ana\n"
    "bodyparts,,,hand,hand,elbow,elbow\n"
    "coords,,,x,y,x,y\n"
    "labeled-data,clip1,img7.png,1.5,2.0,,\n"
    "labeled-data,clip1,img8.png,3.0,4.0,250.05599999999998,6.0\n";

Labels labels_of(const std::string& text) {
  const TempDir folder;
  write_file(folder / "CollectedData_Ana.csv", text);
  return read_labels(folder / "CollectedData_Ana.csv");
}

TEST(LabelsCsv, ReadsTheIndexOfThreeColumns) {
  const auto labels = labels_of(kNewIndex);
  EXPECT_EQ(labels.scorer, "Ana");
  EXPECT_THAT(labels.bodyparts, ElementsAre("hand", "elbow"));
  ASSERT_EQ(labels.images.size(), 2U);
  EXPECT_THAT(labels.images[0].path, ElementsAre("labeled-data", "clip1", "img7.png"));
  EXPECT_EQ(labels.images[0].points[0].x, 1.5);
  EXPECT_TRUE(labels.images[0].points[1].missing());
  EXPECT_EQ(labels.images[1].points[1].x, 250.05599999999998);
}

TEST(LabelsCsv, SplitsThePathOfTheOldIndexAtEitherSeparator) {
  const auto labels = labels_of(
      "scorer,Ana,Ana\r\nbodyparts,hand,hand\r\ncoords,x,y\r\n"
      "labeled-data\\clip1\\img7.png,1,2\r\nlabeled-data/12/img8.png,1e2,-2\r\n");
  EXPECT_THAT(labels.images[0].path, ElementsAre("labeled-data", "clip1", "img7.png"));
  EXPECT_THAT(labels.images[1].path, ElementsAre("labeled-data", "12", "img8.png"));
  EXPECT_EQ(labels.images[1].points[0].x, 100);
}

TEST(LabelsCsv, TakesColumnsByTheirNamesAndLeavesOutLikelihoods) {
  const auto labels = labels_of(
      "scorer,Ana,Ana,Ana\nbodyparts,hand,hand,hand\ncoords,y,likelihood,x\nlabeled-data/c/"
      "i.png,2,0.5,1\n");
  EXPECT_EQ(labels.images[0].points[0].x, 1);
  EXPECT_EQ(labels.images[0].points[0].y, 2);
}

TEST(LabelsCsv, NamesLineAndColumnOfBadInput) {
  const std::string header = "scorer,Ana,Ana\nbodyparts,hand,hand\ncoords,x,y\n";
  EXPECT_ERROR(labels_of(header + "labeled-data/c/i.png,1,2\nlabeled-data/c/j.png,1,two\n"),
               ErrorKind::corrupt,
               "CollectedData_Ana.csv, line 5, column 3: 'two' is not a number");
  EXPECT_ERROR(labels_of(header + "labeled-data/c/i.png,1\n"), ErrorKind::corrupt,
               "line 4: 2 columns, expected 3");
  EXPECT_ERROR(labels_of("scorer,Ana,Ana\nbodyparts,hand\ncoords,x,y\n"), ErrorKind::corrupt,
               "line 2: 2 columns, but line 1 has 3");
  EXPECT_ERROR(labels_of("a,b\n1,2\n"), ErrorKind::corrupt, "header lines");
  EXPECT_ERROR(labels_of(""), ErrorKind::corrupt, "found an empty file");
  EXPECT_ERROR(labels_of("scorer;Ana;Ana\nbodyparts;hand;hand\ncoords;x;y\n"), ErrorKind::corrupt,
               "separated by commas");
  EXPECT_ERROR(labels_of(header + "0,1,2\n"), ErrorKind::corrupt, "numbered rows");
  EXPECT_ERROR(read_labels("/nowhere/CollectedData_Ana.csv"), ErrorKind::io,
               "/nowhere/CollectedData_Ana.csv");
}

TEST(LabelsCsv, RefusesSeveralAnimals) {
  EXPECT_ERROR(
      labels_of(
          "scorer,Ana,Ana,Ana,Ana\nindividuals,one,one,two,two\nbodyparts,hand,hand,hand,hand\n"
          "coords,x,y,x,y\nl/c/i.png,1,2,3,4\n"),
      ErrorKind::unsupported, "several individuals ('one', 'two')");
}

// A project folder with two clips, one of them labelled by another scorer.
class Merging : public ::testing::Test {
 protected:
  Merging() {
    project.folder = folder.path();
    project.scorer = "Ana";
    project.bodyparts = {"elbow", "hand"};
    project.video_stems = {"clip2", "clip1"};
    add("clip1", kNewIndex);
  }
  void add(const std::string& clip, const std::string& text) {
    std::filesystem::create_directories(folder / "labeled-data" / clip);
    write_file(folder / "labeled-data" / clip / "CollectedData_Ana.csv", text);
  }
  TempDir folder;
  Project project;
};

TEST_F(Merging, SortsRowsAndOrdersPartsAsConfigYaml) {
  add("clip2",
      "scorer,Ana,Ana\nbodyparts,hand,hand\ncoords,x,y\nlabeled-data/clip2/img3.png,1,2\n"
      "labeled-data/clip2/img12.png,3,4\n");
  const auto merged = merge_labels(project);
  EXPECT_THAT(merged.bodyparts, ElementsAre("elbow", "hand"));
  ASSERT_EQ(merged.images.size(), 4U);
  EXPECT_EQ(merged.images[0].path[2], "img7.png");
  EXPECT_EQ(merged.images[2].path[2], "img12.png");  // text order, not the order of numbers
  EXPECT_EQ(merged.images[3].path[2], "img3.png");
  EXPECT_EQ(merged.images[3].points[1].x, 1);
  EXPECT_TRUE(merged.images[3].points[0].missing());
  EXPECT_THAT(merged.warnings, ElementsAre(HasSubstr("no labels of 'elbow'")));
}

TEST_F(Merging, LeavesOutAnotherScorersFile) {
  add("clip2",
      "scorer,Bob,Bob\nbodyparts,hand,hand\ncoords,x,y\nlabeled-data/clip2/img3.png,1,2\n");
  const auto merged = merge_labels(project);
  EXPECT_EQ(merged.images.size(), 2U);
  EXPECT_THAT(merged.warnings, ElementsAre(HasSubstr("labelled by 'Bob', not by 'Ana'")));
}

TEST_F(Merging, TakesEveryFolderWhereNoVideoHasLabels) {
  project.video_stems = {"WILL BE AUTOMATICALLY UPDATED BY DEMO CODE"};
  EXPECT_EQ(merge_labels(project).images.size(), 2U);
}

TEST_F(Merging, SaysWhereItLookedWhenThereIsNothing) {
  project.scorer = "Eve";
  EXPECT_ERROR(merge_labels(project), ErrorKind::io, "CollectedData_Eve.h5 or .csv");
}

TEST_F(Merging, NamesTheFilesThatHoldNoPicture) {
  const std::string header = "scorer,Ana,Ana\nbodyparts,hand,hand\ncoords,x,y\n";
  for (const auto* clip : {"clip1", "clip2"}) add(clip, header);
  EXPECT_ERROR(merge_labels(project), ErrorKind::io, "clip2/CollectedData_Ana.csv and 1 more");
}

TEST(LabelsCsv, ReadsThoseOfTheRealProjects) {
  NEEDS_SHARED("data/projects");
  const auto root = shared_folder() / "data/projects";
  const auto mouse =
      read_labels(root / "openfield-pranav/labeled-data/m4s1/CollectedData_Pranav.csv");
  ASSERT_EQ(mouse.images.size(), 116U);
  EXPECT_EQ(mouse.images[0].points[2].y, 250.05599999999998);
  const auto horse = read_labels(
      root / "horse-brownhorse/labeled-data/BrownHorseinShadow/CollectedData_Byron.csv");
  EXPECT_EQ(horse.images.size(), 308U);
  EXPECT_EQ(horse.bodyparts.size(), 22U);
  EXPECT_ERROR(
      read_labels(root /
                  "mice3-mabe-madlc/labeled-data/EGS8X2MN4SSUGFWAV976/CollectedData_dlcscorer.csv"),
      ErrorKind::unsupported, "several individuals");
}

}  // namespace
}  // namespace poseheir
