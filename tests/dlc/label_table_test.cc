// Annotation files that pandas wrote (tests/data/labels, made by make_labels.py): each style as h5
// and as csv.
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

std::filesystem::path file(const std::string& name) {
  return std::filesystem::path(POSEHEIR_TEST_DATA) / "labels" / name;
}

class EveryIndex : public ::testing::TestWithParam<std::string> {};

TEST_P(EveryIndex, NamesTheSamePicturesAndPoints) {
  for (const auto* extension : {".h5", ".csv"}) {
    const auto labels = read_labels(file(GetParam() + extension), "Ana");
    EXPECT_EQ(labels.scorer, "Ana");
    EXPECT_THAT(labels.bodyparts, ElementsAre("hand", "elbow"));
    ASSERT_EQ(labels.images.size(), 2U) << extension;
    const auto* clip = GetParam() == "numbered_folder" ? "12" : "clip1";
    EXPECT_THAT(labels.images[1].path, ElementsAre("labeled-data", clip, "img8.png"));
    EXPECT_EQ(labels.images[0].points[0].y, 1);
    if (GetParam() != "likelihoods") {
      EXPECT_TRUE(labels.images[0].points[1].missing());
    }
    const double width = GetParam() == "two_scorers" ? 8 : GetParam() == "likelihoods" ? 6 : 4;
    EXPECT_EQ(labels.images[1].points[0].x, width);
  }
}

INSTANTIATE_TEST_SUITE_P(Pandas, EveryIndex,
                         ::testing::Values("three_levels", "one_path", "windows", "two_scorers",
                                           "one_individual", "likelihoods", "named_levels",
                                           "named_path", "numbered_folder"),
                         [](const auto& info) { return info.param; });

TEST(LabelTable, HoldsIndividualsAndScorers) {
  for (const auto* extension : {".h5", ".csv"}) {
    const auto table = read_label_table(file(std::string("two_individuals") + extension));
    EXPECT_TRUE(table.individuals);
    ASSERT_EQ(table.columns.size(), 4U);
    EXPECT_EQ(table.columns[2], (LabelColumn{"Ana", "m2", "hand"}));
    EXPECT_EQ(table.images[1].points[3].y, 15);
    EXPECT_ERROR(read_labels(file(std::string("two_individuals") + extension)),
                 ErrorKind::unsupported, "several individuals ('m1', 'm2')");
  }
}

TEST(LabelTable, WantsOneColumnOfXAndOneOfYForEachPoint) {
  const TempDir folder;
  for (const auto* coordinates : {"x,x,x,y", "x,y,y,y", "x,y,x,likelihood"}) {
    write_file(folder / "a.csv", std::string("scorer,A,A,A,A\nbodyparts,n,n,m,m\ncoords,") +
                                     coordinates + "\nlabeled-data/c/1.png,1,2,3,4\n");
    EXPECT_ERROR(read_label_table(folder / "a.csv"), ErrorKind::corrupt, "expected one of each");
  }
}

TEST(LabelTable, WantsAPictureForEachRow) {
  const TempDir folder;
  write_file(folder / "a.csv",
             "scorer,A,A\nbodyparts,n,n\ncoords,x,y\nlabeled-data/c/1.png,1,2\n,3,4\n");
  EXPECT_ERROR(read_label_table(folder / "a.csv"), ErrorKind::corrupt,
               "row 2 of the points names no picture");
}

TEST(LabelTable, KnowsBackslashesAndLikelihoods) {
  EXPECT_TRUE(read_label_table(file("windows.h5")).windows_paths);
  EXPECT_FALSE(read_label_table(file("one_path.h5")).windows_paths);
  EXPECT_TRUE(read_label_table(file("likelihoods.h5")).likelihoods);
}

TEST(LabelTable, OfSeveralScorersNeedsOneNamed) {
  EXPECT_ERROR(read_labels(file("two_scorers.h5")), ErrorKind::unsupported,
               "several scorers, 'Ana', 'Bob'");
  EXPECT_ERROR(read_labels(file("two_scorers.h5"), "Eve"), ErrorKind::unsupported, "none is 'Eve'");
  const auto bob = read_labels(file("two_scorers.csv"), "Bob");
  EXPECT_EQ(bob.images[1].points[0].x, 12);
  EXPECT_THAT(bob.warnings, ElementsAre(HasSubstr("labels of 'Ana' are left out")));
}

TEST(LabelTable, OfSeveralAnimalsComesBackAsWritten) {
  const TempDir folder;
  const auto data = format_collected_data(read_label_table(file("two_individuals.h5")));
  EXPECT_EQ(data.csv, read_file(file("two_individuals.csv")));
  write_file(folder / "again.h5", data.h5);
  const auto again = read_label_table(folder / "again.h5");
  EXPECT_EQ(again.columns, read_label_table(file("two_individuals.h5")).columns);
  EXPECT_EQ(again.images[1].points[3].y, 15);
}

}  // namespace
}  // namespace poseheir
