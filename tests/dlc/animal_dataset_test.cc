// Training sets of several animals, from a small project of our own.
#include <gmock/gmock.h>

#include "base/file.h"
#include "dlc/limbs.h"
#include "expect_error.h"
#include "poseheir/media.h"
#include "poseheir/project.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

using ::testing::ElementsAre;

constexpr auto kConfig = R"(Task: mice
scorer: me
date: Jan1
multianimalproject: true
identity: true
individuals: [one, two]
uniquebodyparts: [feeder]
multianimalbodyparts: [nose, tail, back]
bodyparts: MULTI!
video_sets:
  clip.mp4: {crop: "0, 40, 0, 30"}
skeleton: [[tail, nose], [back, nose], [feeder, nose]]
TrainingFraction: [0.5]
iteration: 0
default_net_type: dlcrnet_ms5
default_augmenter: multi-animal-imgaug
)";

constexpr auto kLabels =
    "scorer,me,me,me,me,me,me,me,me,me,me,me,me,me,me\n"
    "individuals,one,one,one,one,one,one,two,two,two,two,two,two,single,single\n"
    "bodyparts,nose,nose,tail,tail,back,back,nose,nose,tail,tail,back,back,feeder,feeder\n"
    "coords,x,y,x,y,x,y,x,y,x,y,x,y,x,y\n"
    "labeled-data/clip/img1.png,1.005,2.116,39.999,3,40,3,,,,,,,5,6\n"
    "labeled-data/clip/img0.png,,,,,,,7,8,0,9,10,30,,\n";

struct Mice {
  Mice() {
    write("config.yaml", kConfig);
    write("labeled-data/clip/CollectedData_me.csv", kLabels);
    Image image{30, 40, std::vector<std::uint8_t>(3600, 9)};
    for (const auto* name : {"img0.png", "img1.png"})
      write_image(folder.path() / "labeled-data/clip" / name, image);
    project = read_project(folder.path());
  }
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((folder.path() / name).parent_path());
    write_file(folder.path() / name, text);
  }
  TempDir folder;
  Project project;
};

TEST(AnimalRecords, KeepTwoDecimalsStrictlyInsideByIndividual) {
  const Mice mice;
  const auto labels = merge_animal_labels(mice.project);
  ASSERT_EQ(labels.images.size(), 2U);
  EXPECT_EQ(labels.images[0].path[2], "img0.png");  // sorted
  const auto records = make_animal_records(mice.project, labels, {1, 0});
  ASSERT_EQ(records.size(), 2U);
  std::vector<std::tuple<int, int, float, float>> joints;
  for (const auto& j : records[0].joints) joints.emplace_back(j.individual, j.id, j.x, j.y);
  // 39.999 rounds to 40, which is outside; the feeder belongs to a third individual.
  EXPECT_THAT(joints, ElementsAre(std::tuple{0, 0, 1.0F, 2.12F}, std::tuple{2, 3, 5.0F, 6.0F}));
  ASSERT_EQ(records[1].joints.size(), 1U);
  EXPECT_EQ(records[1].joints[0].individual, 1);
}

TEST(CreateTrainingDataset, MakesOneOfSeveralAnimals) {
  const Mice mice;
  const auto created = create_training_dataset(mice.project, {});
  ASSERT_EQ(created.models.size(), 1U);
  const auto& paths = created.models[0].paths;
  const auto config = read_pose_config(paths.train_pose_config);
  EXPECT_EQ(config.dataset_type, "multi-animal-imgaug");
  EXPECT_EQ(config.network.net_type, "resnet_50");
  EXPECT_TRUE(config.network.multi_stage);
  EXPECT_TRUE(config.network.paf_predict);
  EXPECT_EQ(config.network.limbs, 3);
  EXPECT_EQ(config.network.identity_channels, 2);
  EXPECT_EQ(config.network.keypoints, 4);
  EXPECT_EQ(config.number("batch_size", 0), 8);
  EXPECT_EQ(config.text("optimizer", ""), "adam");
  EXPECT_THAT(config.lists.at("crop_size")[0], ElementsAre(400, 400));
  const auto test = read_pose_config(paths.test_pose_config);
  EXPECT_EQ(test.network.limbs, 3);
  EXPECT_EQ(test.number("minconfidence", 0), 0.01);
  EXPECT_EQ(read_inference_config(paths.test_pose_config.parent_path() / "inference_cfg.yaml",
                                  mice.project)
                .individuals,
            2);
  const auto dataset = read_dataset(mice.project, {}, config);
  EXPECT_EQ(dataset.animals.images.size(), 2U);
  EXPECT_EQ(dataset.split.train.size(), 1U);
  const auto again = make_animal_records(mice.project, dataset.animals, dataset.split.train);
  ASSERT_EQ(dataset.records.size(), again.size());
  ASSERT_EQ(dataset.records[0].joints.size(), again[0].joints.size());
  for (std::size_t i = 0; i < again[0].joints.size(); ++i) {
    EXPECT_EQ(dataset.records[0].joints[i].individual, again[0].joints[i].individual);
    EXPECT_EQ(dataset.records[0].joints[i].x, again[0].joints[i].x);
  }
}

TEST(CreateTrainingDataset, RefusesAnAugmenterForOneAnimalInAProjectOfSeveral) {
  const Mice mice;
  TrainingSetOptions options;
  options.augmenter = "imgaug";
  EXPECT_ERROR(create_training_dataset(mice.project, options), ErrorKind::usage,
               "only multi-animal-imgaug");
}

TEST(Limbs, AreAllPairsOrTheSkeletonWithoutUniqueParts) {
  const Mice mice;
  using Limb = std::array<int, 2>;
  TrainingSetOptions options;
  EXPECT_THAT(choose_limbs(mice.project, options), ElementsAre(Limb{0, 1}, Limb{0, 2}, Limb{1, 2}));
  options.limbs_from_skeleton = true;
  EXPECT_THAT(choose_limbs(mice.project, options), ElementsAre(Limb{0, 1}, Limb{0, 2}));
}

TEST(Limbs, OfManyBodyPartsAreAFewThatConnectAll) {
  Project project;
  project.multi_animal = true;
  for (int i = 0; i < 20; ++i) project.bodyparts.push_back(std::to_string(i));
  const auto limbs = choose_limbs(project, {});
  EXPECT_EQ(limbs.size(), 60U);
  std::vector<bool> used(20);
  for (const auto& limb : limbs)
    for (const int part : limb) used[static_cast<std::size_t>(part)] = true;
  EXPECT_THAT(used, testing::Each(true));
}

}  // namespace
}  // namespace poseheir
