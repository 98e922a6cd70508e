// What a project says of several animals: labels, inference_cfg.yaml, paf_best.
#include <gmock/gmock.h>

#include "base/file.h"
#include "expect_error.h"
#include "poseheir/project.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

using ::testing::ElementsAre;

constexpr auto kCage = R"(Task: cage
scorer: Ana
date: Jul3
multianimalproject: true
bodyparts: MULTI!
individuals: [mia, ada]
multianimalbodyparts: [nose, ear, tail]
uniquebodyparts: [lamp]
identity: true
cropping: true
x1: 10
x2: 100
y1: 20
y2: 80
default_track_method: box
)";

struct Cage {
  TempDir folder;
  Project project;

  explicit Cage(const std::string& text = kCage) {
    write_file(folder / "config.yaml", text);
    project = read_project(folder.path());
  }
};

TEST(AnimalProject, TellsUniqueBodyPartsCropAndTracker) {
  const Cage cage;
  EXPECT_THAT(cage.project.unique_bodyparts, ElementsAre("lamp"));
  EXPECT_THAT(animal_bodyparts(cage.project), ElementsAre("nose", "ear", "tail"));
  EXPECT_TRUE(cage.project.identity);
  EXPECT_EQ(cage.project.crop, (Crop{10, 100, 20, 80}));
  EXPECT_EQ(cage.project.track_method, "box");
}

constexpr auto kLabels =
    "scorer,Ana,Ana,Ana,Ana,Ana,Ana,Ana,Ana,Ana,Ana,Ana,Ana,Ana,Ana\n"
    "individuals,mia,mia,mia,mia,mia,mia,ada,ada,ada,ada,ada,ada,single,single\n"
    "bodyparts,nose,nose,ear,ear,tail,tail,nose,nose,ear,ear,tail,tail,lamp,lamp\n"
    "coords,x,y,x,y,x,y,x,y,x,y,x,y,x,y\n"
    "labeled-data/v/img1.png,1,2,3,4,5,6,,,9,10,,,13,14\n";

TEST(AnimalLabels, BelongToIndividualsAndUniqueBodyParts) {
  const Cage cage;
  write_file(cage.folder / "labels.csv", kLabels);
  const auto labels = read_animal_labels(cage.folder / "labels.csv", cage.project);
  ASSERT_EQ(labels.images.size(), 1U);
  const auto& image = labels.images[0];
  EXPECT_THAT(image.path, ElementsAre("labeled-data", "v", "img1.png"));
  EXPECT_EQ(image.animals[0][2].y, 6);
  EXPECT_TRUE(image.animals[1][0].missing());
  EXPECT_EQ(image.animals[1][1].x, 9);
  EXPECT_EQ(image.unique[0].y, 14);
}

TEST(AnimalLabels, OfAnUnknownIndividualAreRefusedWithTheNearestName) {
  const Cage cage;
  std::string text = kLabels;
  for (std::size_t at = 0; (at = text.find("ada", at)) != std::string::npos;) {
    if (text.compare(at, 4, "ada,") == 0) text.replace(at, 3, "adda");
    ++at;
  }
  write_file(cage.folder / "labels.csv", text);
  EXPECT_ERROR(read_animal_labels(cage.folder / "labels.csv", cage.project), ErrorKind::mismatch,
               "labels of the individual 'adda', which config.yaml does not list");
}

TEST(InferenceConfig, HasDeepLabCutsDefaultsWithoutAFile) {
  const Cage cage;
  const auto config = read_inference_config(cage.folder / "inference_cfg.yaml", cage.project);
  EXPECT_EQ(config.minimal_links, 1.5);  // half the body parts, not cut to a whole number
  EXPECT_EQ(config.individuals, 2);
  EXPECT_EQ(config.minimal_affinity, 0.1);
  EXPECT_EQ(config.iou_threshold, 0.6);
}

TEST(InferenceConfig, ReadsWhatItWrites) {
  const Cage cage;
  const auto file = cage.folder / "inference_cfg.yaml";
  write_file(file, format_inference_config(cage.project));
  EXPECT_THAT(read_file(file), ::testing::HasSubstr("minimalnumberofconnections: 1\n"));
  const auto config = read_inference_config(file, cage.project);
  EXPECT_EQ(config.minimal_links, 1);
  EXPECT_EQ(config.max_age, 1);
}

TEST(InferenceConfig, NamesFileLineAndKeyOfAWrongValue) {
  const Cage cage;
  write_file(cage.folder / "inference_cfg.yaml", "variant: 0\ntopktoretain: many\n");
  EXPECT_ERROR(
      read_inference_config(cage.folder / "inference_cfg.yaml", cage.project), ErrorKind::usage,
      "inference_cfg.yaml, line 2: key 'topktoretain' is 'many', expected a number from 1");
}

TEST(PoseConfigList, ReplacesAListOfAnyStyleAndNothingElse) {
  const TempDir folder;
  const auto file = folder / "pose_cfg.yaml";
  write_file(file, "stride: 8.0  # cells\npaf_best:\n- 4\n- 5\nsigma: 1\n");
  set_pose_config_list(file, "paf_best", {0, 2, 7});
  EXPECT_EQ(read_file(file), "stride: 8.0  # cells\npaf_best: [0, 2, 7]\nsigma: 1\n");
  write_file(file, "stride: 8.0\n");
  set_pose_config_list(file, "paf_best", {1});
  EXPECT_EQ(read_file(file), "stride: 8.0\npaf_best: [1]\n");
}

}  // namespace
}  // namespace poseheir
