#include "poseheir/check.h"

#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>

#include "base/file.h"
#include "expect_error.h"
#include "poseheir/media.h"
#include "shared.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;

// A project that is all right: one clip, two small pictures, labels in both files.
class Checking : public ::testing::Test {
 protected:
  Checking() {
    fs::create_directories(folder / "labeled-data/clip1");
    fs::create_directories(folder / "videos");
    write_file(folder / "videos/clip1.mp4", "no matter");
    write_config("hand, elbow", folder.path().string());
    for (const auto* name : {"img1.png", "img2.png"}) write_picture(name, name[3] * 40);
    labels = {"Ana",
              {"hand", "elbow"},
              {{{"labeled-data", "clip1", "img1.png"}, {{1, 2}, {3, 4}}},
               {{"labeled-data", "clip1", "img2.png"}, {{5, 6}, {}}}},
              {}};
    save();
  }
  void write_config(const std::string& parts, const std::string& path) const {
    write_file(folder / "config.yaml",
               "Task: reach\nscorer: Ana\ndate: Jan1\nproject_path: " + path +
                   "  # stays\nvideo_sets:\n  " + (folder / "videos/clip1.mp4").string() +
                   ":\n    crop: 0, 40, 0, 30\nbodyparts: [" + parts +
                   "]\nTrainingFraction: [0.5]\n");
  }
  void write_picture(const std::string& name, int grey) const {
    Image image{30, 40, std::vector<std::uint8_t>(30 * 40 * 3, static_cast<std::uint8_t>(grey))};
    write_image(folder / "labeled-data/clip1" / name, image);
  }
  void save() const { write_labels(stem(), labels); }
  fs::path stem() const { return folder / "labeled-data/clip1/CollectedData_Ana"; }
  std::vector<Finding> findings() const { return check_project(folder.path()).findings; }

  TempDir folder;
  Labels labels;
};

auto finding(Severity severity, const std::string& kind, const std::string& text) {
  return Contains(AllOf(Field(&Finding::severity, severity), Field(&Finding::kind, kind),
                        Field(&Finding::text, HasSubstr(text))));
}

TEST_F(Checking, FindsNothingInASoundProject) {
  const auto check = check_project(folder / "config.yaml");
  EXPECT_THAT(check.findings, IsEmpty());
  EXPECT_THAT(check.repairs, IsEmpty());
  EXPECT_EQ(check.pictures, 2);
  EXPECT_EQ(check.points, 3);
}

TEST_F(Checking, NamesMissingAndUnreadablePictures) {
  fs::rename(folder / "labeled-data/clip1/img1.png", folder / "labeled-data/clip1/IMG1.PNG");
  write_file(folder / "labeled-data/clip1/img2.png", "no picture");
  const auto found = findings();
  EXPECT_THAT(found, finding(Severity::error, "missing-picture", "'IMG1.PNG' is there"));
  EXPECT_THAT(found, finding(Severity::error, "unreadable-picture", "img2.png"));
}

TEST_F(Checking, NamesTheRestOfManyMissingPicturesAsANumber) {
  for (int i = 0; i < 10; ++i)
    labels.images.push_back({{"labeled-data", "clip1", std::to_string(i) + ".png"}, {{1, 1}, {}}});
  save();
  EXPECT_THAT(findings(), finding(Severity::error, "missing-picture", "5 more of this kind"));
}

TEST_F(Checking, NamesLabelsOutsideThePicture) {
  labels.images[0].points[1] = {40, 4};
  save();
  EXPECT_THAT(findings(), finding(Severity::warning, "outside",
                                  "elbow at (40.0, 4.0) lies outside the picture of 40 x 30"));
}

TEST_F(Checking, NamesPartsThatDiffer) {
  write_config("hand, elbov", folder.path().string());
  const auto found = findings();
  EXPECT_THAT(found,
              finding(Severity::warning, "unlabelled-part", "'elbov' (nearest known: 'elbow')"));
  EXPECT_THAT(found, finding(Severity::warning, "unknown-part", "labels of 'elbow'"));
}

TEST_F(Checking, NamesFilesOfAnotherScorer) {
  for (const auto* extension : {".h5", ".csv"})
    fs::rename(stem().string() + extension,
               folder / "labeled-data/clip1/CollectedData_Anna" += extension);
  const auto found = findings();
  EXPECT_THAT(found, finding(Severity::warning, "other-scorer", "named after 'Anna'"));
  EXPECT_THAT(found, finding(Severity::error, "no-labels", "CollectedData_Ana.h5"));
}

TEST_F(Checking, RefusesUnreadableLabelsByName) {
  write_file(stem().string() + ".h5", "garbage");
  EXPECT_THAT(findings(), finding(Severity::error, "unreadable-labels", "not an HDF5 file"));
}

TEST_F(Checking, TellsOfUnreadableLabelsOnce) {
  write_file(stem().string() + ".h5", "no HDF5");
  EXPECT_THAT(findings(), Contains(Field(&Finding::kind, "unreadable-labels")));
  EXPECT_THAT(findings(), Not(Contains(Field(&Finding::kind, "no-labels"))));
}

TEST_F(Checking, RefusesLabelFilesWithoutAnyPicture) {
  labels.images.clear();
  save();
  EXPECT_THAT(findings(), finding(Severity::error, "no-labels", "hold no picture"));
}

TEST_F(Checking, DropsDoubledRowsKeepingTheOldFiles) {
  labels.images.push_back(labels.images[0]);
  save();
  const auto before = read_file(stem().string() + ".csv");
  const auto check = check_project(folder.path());
  EXPECT_THAT(check.findings,
              finding(Severity::warning, "doubled-row", "img1.png stands there twice"));
  ASSERT_THAT(check.repairs, SizeIs(2));
  EXPECT_EQ(read_file(stem().string() + ".csv"), before);  // nothing yet
  const auto backups = apply_repairs(check.repairs);
  EXPECT_EQ(read_labels(stem().string() + ".h5").images.size(), 2U);
  EXPECT_EQ(read_labels(stem().string() + ".csv").images.size(), 2U);
  EXPECT_EQ(read_file(stem().string() + ".csv.bak"), before);
  EXPECT_EQ(backups[1], stem().string() + ".csv.bak");
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(Checking, LeavesContradictingRowsToPeople) {
  labels.images.push_back(labels.images[0]);
  labels.images[2].points[0].x = 9;
  save();
  const auto check = check_project(folder.path());
  EXPECT_THAT(check.findings, finding(Severity::error, "contradicting-rows", "img1.png"));
  EXPECT_THAT(check.repairs, IsEmpty());
}

TEST_F(Checking, PutsAMovedProjectRightInItsOwnLine) {
  write_config("hand, elbow", "C:\\data\\reach");
  const auto check = check_project(folder.path());
  EXPECT_THAT(check.findings, finding(Severity::warning, "moved-project", "C:\\data\\reach"));
  apply_repairs(check.repairs);
  EXPECT_THAT(read_file(folder / "config.yaml"),
              HasSubstr("project_path: " + fs::canonical(folder.path()).string() + "  # stays"));
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(Checking, FindsAMovedVideoUnderItsName) {
  auto text = read_file(folder / "config.yaml");
  const auto at = text.find((folder / "videos/clip1.mp4").string());
  text.replace(at, (folder / "videos/clip1.mp4").string().size(), "D:\\films\\clip1.mp4");
  write_file(folder / "config.yaml", text);
  const auto check = check_project(folder.path());
  EXPECT_THAT(check.findings, finding(Severity::warning, "moved-video", "lies in videos/"));
  apply_repairs(check.repairs);
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(Checking, ReplacesWindowsSeparatorsInLabels) {
  fs::remove(stem().string() + ".h5");
  write_file(stem().string() + ".csv",
             "scorer,Ana,Ana,Ana,Ana\nbodyparts,hand,hand,elbow,elbow\ncoords,x,y,x,y\n"
             "labeled-data\\clip1\\img1.png,1,2,3,4\n");
  const auto check = check_project(folder.path());
  EXPECT_THAT(check.findings, finding(Severity::warning, "windows-paths", "Windows"));
  EXPECT_THAT(check.findings, finding(Severity::warning, "no-h5", "reads only that"));
  apply_repairs(check.repairs);
  EXPECT_THAT(read_labels(stem().string() + ".h5").images[0].path,
              ElementsAre("labeled-data", "clip1", "img1.png"));
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(Checking, ChangesNoLabelsWhereCsvAndH5Disagree) {
  labels.images.push_back(labels.images[0]);
  write_file(stem().string() + ".h5", format_collected_data(labels).h5);
  const auto check = check_project(folder.path());
  EXPECT_THAT(check.findings, finding(Severity::warning, "csv-differs", "delete the .h5"));
  EXPECT_THAT(check.repairs, IsEmpty());
}

TEST_F(Checking, NamesTestPicturesWithATwinInTheTrainingSet) {
  write_picture("img1.png", 100);
  write_picture("img2.png", 102);
  create_training_dataset(read_project(folder.path()), {"mobilenet_v2_0.35"});
  EXPECT_THAT(findings(), finding(Severity::warning, "near-duplicates", "1 of 1 test pictures"));
  write_picture("img2.png", 120);
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(Checking, ComparesModelsWithConfigYaml) {
  const auto created =
      create_training_dataset(read_project(folder.path()), {"mobilenet_v2_0.35"}).models[0];
  write_config("elbow, hand", folder.path().string());
  EXPECT_THAT(findings(), finding(Severity::error, "keypoints-differ",
                                  "[hand, elbow], but config.yaml's body parts are [elbow, hand]"));
  write_config("hand, elbow", folder.path().string());
  set_pose_config_value(created.paths.train_pose_config, "init_weights", "/nowhere/snapshot-1");
  EXPECT_THAT(findings(), finding(Severity::warning, "start-weights", "/nowhere/snapshot-1"));
  labels.images.pop_back();
  save();
  EXPECT_THAT(findings(),
              finding(Severity::warning, "old-training-set", "0 pictures are new, 1 gone"));
}

TEST_F(Checking, NamesRowsOfASplitThatAreBeyondOrOnBothSides) {
  const auto created =
      create_training_dataset(read_project(folder.path()), {"mobilenet_v2_0.35"}).models[0];
  const auto pickle = created.paths.training_set / "Documentation_data-reach_50shuffle1.pickle";
  write_split(pickle, {}, {{0, 1}, {1, 7}, 0.5});
  const auto found = findings();
  EXPECT_THAT(found, finding(Severity::error, "split", "1 row of the split lies beyond the 2"));
  EXPECT_THAT(found, finding(Severity::error, "split", "1 picture is both trained and tested on"));
}

TEST_F(Checking, NamesASnapshotThatTheStateFileHasAndTheFolderLacks) {
  const auto created =
      create_training_dataset(read_project(folder.path()), {"mobilenet_v2_0.35"}).models[0];
  write_file(
      created.paths.train / "checkpoint",
      "model_checkpoint_path: \"snapshot-500\"\nall_model_checkpoint_paths: \"snapshot-500\"\n");
  EXPECT_THAT(findings(), finding(Severity::warning, "checkpoint-state", "'snapshot-500'"));
}

TEST(SidedPairs, KnowsTheUsualSpellings) {
  const auto pairs = [](std::vector<std::string> parts) { return sided_pairs(parts); };
  EXPECT_THAT(pairs({"snout", "leftear", "rightear"}), ElementsAre(Pair(1, 2)));
  EXPECT_THAT(pairs({"RightPaw", "LeftPaw"}), ElementsAre(Pair(1, 0)));
  EXPECT_THAT(pairs({"ear_l", "ear_r", "l_paw", "r_paw"}), ElementsAre(Pair(0, 1), Pair(2, 3)));
  EXPECT_THAT(pairs({"LEar", "REar", "pawL", "pawR"}), ElementsAre(Pair(0, 1), Pair(2, 3)));
  EXPECT_THAT(pairs({"Nearknee", "Offknee"}), ElementsAre(Pair(0, 1)));
  EXPECT_THAT(pairs({"elbow", "erbow", "Lung", "Rung", "left"}), IsEmpty());
}

std::vector<std::vector<Point>> openfield_points(Labels& labels) {
  labels = read_labels(shared_folder() /
                       "data/projects/openfield-pranav/labeled-data/m4s1/CollectedData_Pranav.csv");
  std::vector<std::vector<Point>> points;
  for (const auto& image : labels.images) points.push_back(image.points);
  return points;
}

// img0102.png is really labelled the wrong way round: the mouse faces left, its left ear is below.
TEST(LikelySwaps, AreFoundWhereTheyAreAndWhereTheyWereMade) {
  NEEDS_SHARED("data/projects/openfield-pranav");
  Labels labels;
  auto points = openfield_points(labels);
  const auto real = likely_swaps(labels.bodyparts, points);
  ASSERT_THAT(real, SizeIs(1));
  EXPECT_EQ(labels.images[real[0].configuration].path[2], "img0102.png");
  EXPECT_THAT(real[0].parts, ElementsAre("leftear"));
  for (std::size_t i = 5; i < points.size(); i += 10) std::swap(points[i][1], points[i][2]);
  const auto suspects = likely_swaps(labels.bodyparts, points);
  const auto made = std::count_if(suspects.begin(), suspects.end(), [](const auto& suspect) {
    return suspect.configuration % 10 == 5;
  });
  EXPECT_EQ(made, 10);  // of 12
  EXPECT_EQ(suspects.size(), 11U);
}

TEST(LikelySwaps, AreNotSeenInNoise) {
  std::vector<std::vector<Point>> points;
  for (int i = 0; i < 60; ++i)
    points.push_back({{std::sin(i * 1.3) * 20, std::cos(i * 2.9) * 20},
                      {std::sin(i * 3.7) * 20, std::cos(i * 1.7) * 20},
                      {std::sin(i * 5.1) * 20, std::cos(i * 4.3) * 20},
                      {std::sin(i * 0.7) * 20, std::cos(i * 6.1) * 20}});
  EXPECT_THAT(likely_swaps({"a", "left", "right", "b"}, points), IsEmpty());
}

TEST(CheckProject, FindsNoErrorInTheRealOnes) {
  NEEDS_SHARED("data/projects");
  for (const auto* name : {"openfield-pranav", "horse-brownhorse"}) {
    const auto check = check_project(shared_folder() / "data/projects" / name, false);
    EXPECT_EQ(check.count(Severity::error), 0) << name;
    EXPECT_EQ(check.folders, 1);
  }
  EXPECT_ERROR(check_project("/nowhere"), ErrorKind::io, "/nowhere");
}

}  // namespace
}  // namespace poseheir
