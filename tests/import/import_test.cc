// Files that sleap-io wrote (tests/data/import, made by make_sleap.py), COCO and tables written
// here.
#include "poseheir/import.h"

#include <gmock/gmock.h>

#include "base/file.h"
#include "expect_error.h"
#include "poseheir/check.h"
#include "poseheir/media.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

fs::path file(const std::string& name) { return fs::path(POSEHEIR_TEST_DATA) / "import" / name; }

AnnotationSet read(const fs::path& path) { return read_annotations(path, {}); }

// What every import must lead to: a project without errors that gets a training set.
Project imported(const fs::path& folder, const AnnotationSet& set, const ImportOptions& options) {
  write_imported_project(folder, set, options);
  const auto check = check_project(folder);
  for (const auto& finding : check.findings)
    EXPECT_NE(finding.severity, Severity::error) << finding.place << ": " << finding.text;
  return read_project(folder);
}

class Sleap : public ::testing::TestWithParam<std::string> {};

TEST_P(Sleap, BecomesAProjectWithItsPicturesAndTrainingSet) {
  const TempDir folder;
  const auto set = read(file(GetParam()));
  EXPECT_THAT(set.bodyparts, ElementsAre("nose", "earL", "earR", "tail"));
  EXPECT_THAT(set.skeleton,
              ElementsAre(Pair("nose", "earL"), Pair("nose", "earR"), Pair("nose", "tail")));
  EXPECT_THAT(set.warnings, ElementsAre(HasSubstr("1 predicted instances are left out")));
  const auto project = imported(folder / "p", set, {});
  const auto labels = merge_labels(project);
  EXPECT_EQ(labels.scorer, "imported");
  ASSERT_EQ(labels.images.size(), 2U);
  EXPECT_EQ(labels.images[1].points[0].x, 3.5);  // no shift: SLEAP counts from pixel centres
  EXPECT_EQ(labels.images[1].points[3].y, 6.25);
  EXPECT_TRUE(labels.images[1].points[2].missing());
  const auto picture = read_image(image_path(project, labels.images[1]));
  EXPECT_EQ(picture.width, 32);
  EXPECT_EQ(picture.pixels[0], 140);  // the fourth picture's grey
  const auto created = create_training_dataset(project, {"mobilenet_v2_0.35"});
  EXPECT_EQ(created.models[0].records, 1);
}

INSTANTIATE_TEST_SUITE_P(SleapIo, Sleap, ::testing::Values("pictures.slp", "one.pkg.slp"),
                         [](const auto& info) { return info.param.substr(0, 3); });

TEST(SleapFile, WithTracksBecomesAProjectOfSeveralAnimals) {
  const TempDir folder;
  const auto project = imported(folder / "p", read(file("two.pkg.slp")), {});
  EXPECT_TRUE(project.multi_animal);
  EXPECT_THAT(project.individuals, ElementsAre("bob", "ann"));
  const auto clip = fs::directory_iterator(folder / "p/labeled-data")->path();
  const auto table = read_label_table(clip / "CollectedData_imported.h5");
  ASSERT_EQ(table.columns.size(), 8U);
  EXPECT_EQ(table.columns[4], (LabelColumn{"imported", "ann", "nose"}));
  EXPECT_EQ(table.images[0].points[4].x, 2.5);
}

TEST(SleapFile, OfPredictionsAloneIsRefused) {
  EXPECT_ERROR(read(file("predicted.slp")), ErrorKind::unsupported, "only predictions");
}

TEST(SleapFile, WithoutAColumnIsRefusedNotReadAsZeros) {
  const TempDir folder;
  auto bytes = read_file(file("one.pkg.slp"));
  const auto name = bytes.find(std::string("visible\0", 8));
  ASSERT_NE(name, std::string::npos);
  bytes[name] = 'V';
  write_file(folder / "a.slp", bytes);
  EXPECT_ERROR(read(folder / "a.slp"), ErrorKind::corrupt, "/points: has no column 'visible'");
}

TEST(SleapFile, DamagedOrForeignIsNamed) {
  const TempDir folder;
  const auto bytes = read_file(file("one.pkg.slp"));
  for (const std::size_t size : {std::size_t{9}, std::size_t{100}, bytes.size() / 2}) {
    write_file(folder / "cut.slp", bytes.substr(0, size));
    EXPECT_ERROR(read(folder / "cut.slp"), ErrorKind::corrupt, "cut.slp");
  }
  write_file(folder / "text.slp", "scorer");
  EXPECT_ERROR(read(folder / "text.slp"), ErrorKind::corrupt, "text.slp: damaged or incomplete");
  write_file(folder / "cut.json", "\"images");
  EXPECT_ERROR(read(folder / "cut.json"), ErrorKind::corrupt, "not a COCO data set");
  fs::copy_file(fs::path(POSEHEIR_TEST_DATA) / "labels/one_path.h5", folder / "pandas.slp");
  EXPECT_ERROR(read(folder / "pandas.slp"), ErrorKind::corrupt, "but not SLEAP's");
  EXPECT_ERROR(read(folder / "none.slp"), ErrorKind::io, "no such file; expected SLEAP's .slp");
  EXPECT_ERROR(read(folder.path()), ErrorKind::io, "a folder; expected SLEAP's .slp");
}

TEST(Import, SaysWhereItLookedForPicturesAndLeavesNothing) {
  const TempDir folder;
  fs::copy_file(file("pictures.slp"), folder / "alone.slp");
  const auto set = read(folder / "alone.slp");
  EXPECT_ERROR(write_imported_project(folder / "p", set, {}), ErrorKind::io,
               "2 pictures not found, such as clip/frame1.png; say where they lie with --pictures");
  EXPECT_FALSE(fs::exists(folder / "p"));
  ImportOptions options;
  options.pictures = file("clip");
  imported(folder / "p", read_annotations(folder / "alone.slp", options), options);
  EXPECT_ERROR(write_imported_project(folder / "p", set, {}), ErrorKind::usage, "exists already");
}

TEST(Import, WantsNamesThatCanStandInFileNames) {
  const TempDir folder;
  const auto set = read(file("one.pkg.slp"));
  ImportOptions options;
  options.scorer = "a/b";
  EXPECT_ERROR(write_imported_project(folder / "p", set, options), ErrorKind::usage,
               "--scorer is 'a/b'");
  options = {};
  options.task = "";
  EXPECT_ERROR(write_imported_project(folder / "p", set, options), ErrorKind::usage,
               "--task is ''");
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

class Coco : public ::testing::Test {
 protected:
  Coco() {
    fs::create_directories(folder / "images/a");
    for (const auto* name : {"images/a/1.png", "images/2.png"})
      write_image(folder / name, {20, 30, std::vector<std::uint8_t>(20 * 30 * 3, 9)});
  }
  AnnotationSet read_text(const std::string& text) const {
    write_file(folder / "coco.json", text);
    return read(folder / "coco.json");
  }
  std::string text(const std::string& annotations) const {
    return R"({"images":[{"id":7,"file_name":"a/1.png"},{"id":8,"file_name":"2.png"}],)"
           R"("categories":[{"id":1,"name":"fly","keypoints":["head","no"],"skeleton":[[1,2]]},)"
           R"({"id":2,"name":"dish"}],"annotations":[)" +
           annotations + "]}";
  }
  TempDir folder;
};

TEST_F(Coco, BecomesAProject) {
  const auto set =
      read_text(text(R"({"id":1,"image_id":8,"category_id":1,"keypoints":[3,4.5,2,0,0,0]},)"
                     R"({"id":2,"image_id":7,"category_id":1,"keypoints":[1,2,1,5,6,2]},)"
                     R"({"id":3,"image_id":7,"category_id":2,"bbox":[0,0,1,1]})"));
  const auto project = imported(folder / "p", set, {});
  EXPECT_THAT(project.bodyparts, ElementsAre("head", "no"));  // a word that YAML takes for false
  EXPECT_THAT(project.skeleton, ElementsAre(Pair("head", "no")));
  const auto labels = merge_labels(project);
  EXPECT_THAT(labels.images[0].path, ElementsAre("labeled-data", "a", "1.png"));
  EXPECT_EQ(labels.images[0].points[1].y, 6);
  EXPECT_THAT(labels.images[1].path, ElementsAre("labeled-data", "coco", "2.png"));
  EXPECT_EQ(labels.images[1].points[0].y, 4.5);
  EXPECT_TRUE(labels.images[1].points[1].missing());
}

TEST_F(Coco, KeepsPicturesOfAFolderAboveInsideTheProject) {
  fs::create_directories(folder / "sub");
  fs::copy_file(folder / "images/2.png", folder / "2.png");
  auto json = text(R"({"id":1,"image_id":8,"category_id":1,"keypoints":[3,4.5,2,0,0,0]})");
  json.replace(json.find("\"2.png\""), 7, "\"../2.png\"");
  write_file(folder / "sub/coco.json", json);
  imported(folder / "p", read(folder / "sub/coco.json"), {});
  EXPECT_TRUE(fs::exists(folder / "p/labeled-data/pictures/2.png"));
}

TEST_F(Coco, WithABodyPartWithoutANameIsRefused) {
  auto json = text(R"({"id":1,"image_id":8,"category_id":1,"keypoints":[3,4.5,2,0,0,0]})");
  json.replace(json.find("\"no\""), 4, "\"\"");
  EXPECT_ERROR(read_text(json), ErrorKind::unsupported, "a body part without a name");
}

TEST_F(Coco, WithTwoBodyPartsOfOneNameIsRefused) {
  auto json = text(R"({"id":1,"image_id":8,"category_id":1,"keypoints":[3,4.5,2,0,0,0]})");
  json.replace(json.find("\"no\""), 4, "\"head\"");
  EXPECT_ERROR(read_text(json), ErrorKind::unsupported, "'head' names two body parts");
}

TEST_F(Coco, WithTwoAnimalsInAPictureIsAProjectOfSeveral) {
  const auto set =
      read_text(text(R"({"id":1,"image_id":8,"category_id":1,"keypoints":[3,4,2,0,0,0]},)"
                     R"({"id":2,"image_id":8,"category_id":1,"keypoints":[1,2,1,5,6,2]})"));
  const auto project = imported(folder / "p", set, {});
  EXPECT_THAT(project.individuals, ElementsAre("individual1", "individual2"));
}

TEST_F(Coco, NamesWhatIsWrong) {
  EXPECT_ERROR(read_text("{\"images\": [}"), ErrorKind::corrupt, "coco.json: not a COCO data set");
  EXPECT_ERROR(read_text("{}"), ErrorKind::corrupt, "no list 'categories'");
  EXPECT_ERROR(read_text(R"({"categories":[{"id":1,"name":"x"}]})"), ErrorKind::unsupported,
               "no category has keypoints");
  EXPECT_ERROR(read_text(text(R"({"id":5,"image_id":8,"category_id":1,"keypoints":[3,4]})")),
               ErrorKind::corrupt, "annotation 5 has 2 numbers, expected 6");
  EXPECT_ERROR(read_text(text(R"({"image_id":9,"category_id":1,"keypoints":[3,4,2,0,0,0]})")),
               ErrorKind::corrupt, "an annotation of image 9");
  EXPECT_ERROR(read_text(text("")), ErrorKind::unsupported, "no labelled picture");
  ImportOptions options;
  options.category = "flie";
  EXPECT_ERROR(read_annotations(folder / "coco.json", options), ErrorKind::usage,
               "no category 'flie' with keypoints (nearest known: 'fly')");
}

TEST(LightningPose, TableWithItsPicturesBecomesAProject) {
  const TempDir folder;
  fs::create_directories(folder / "labeled-data/v1");
  write_image(folder / "labeled-data/v1/img5.png",
              {20, 30, std::vector<std::uint8_t>(20 * 30 * 3, 9)});
  write_file(folder / "CollectedData.csv",
             "scorer,anonymous,anonymous\nbodyparts,paw,paw\ncoords,x,y\n"
             "labeled-data/v1/img5.png,1.5,2\n");
  ImportOptions options;
  options.scorer = "Ana";
  const auto project = imported(folder / "p", read(folder / "CollectedData.csv"), options);
  const auto labels = merge_labels(project);
  EXPECT_EQ(labels.scorer, "Ana");
  EXPECT_THAT(labels.images[0].path, ElementsAre("labeled-data", "v1", "img5.png"));
  EXPECT_EQ(labels.images[0].points[0].x, 1.5);
}

TEST(LightningPose, TableMayNamePicturesFromTheRootOn) {
  const TempDir folder;
  fs::create_directories(folder / "recorded/v1");
  write_image(folder / "recorded/v1/img5.png", {20, 30, std::vector<std::uint8_t>(20 * 30 * 3, 9)});
  write_file(folder / "tables.csv", "scorer,a,a\nbodyparts,paw,paw\ncoords,x,y\n" +
                                        (folder / "recorded/v1/img5.png").string() + ",1.5,2\n");
  fs::create_directories(folder / "elsewhere");
  fs::rename(folder / "tables.csv", folder / "elsewhere/tables.csv");
  const auto project = imported(folder / "p", read(folder / "elsewhere/tables.csv"), {});
  EXPECT_EQ(merge_labels(project).images.size(), 1U);
}

}  // namespace
}  // namespace poseheir
