#include "poseheir/project.h"

#include <gmock/gmock.h>

#include "base/file.h"
#include "expect_error.h"
#include "poseheir/predictions.h"
#include "shared.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr auto kSmall = R"(Task: reach
scorer: Ana
date: Jul3
bodyparts: [hand, elbow]
TrainingFraction: [0.95, 0.29, 0.57, 0.58]
iteration: 2
)";

Project project_of(const std::string& text) {
  const TempDir folder;
  write_file(folder / "config.yaml", text);
  return read_project(folder.path());
}

TEST(Project, ReadsTheOpenfieldDemo) {
  NEEDS_SHARED("data/projects/openfield-pranav");
  const auto folder = shared_folder() / "data/projects/openfield-pranav";
  const auto project = read_project(folder);
  EXPECT_EQ(project.folder, folder);
  EXPECT_EQ(project.task, "openfield");
  EXPECT_EQ(project.scorer, "Pranav");
  EXPECT_EQ(project.date, "Oct30");
  EXPECT_THAT(project.bodyparts, ElementsAre("snout", "leftear", "rightear", "tailbase"));
  EXPECT_FALSE(project.multi_animal);
  EXPECT_THAT(project.training_fractions, ElementsAre(0.95));
  EXPECT_EQ(project.pcutoff, 0.4);
  EXPECT_EQ(project.batch_size, 4);
  EXPECT_EQ(project.snapshot_index, "-1");
  EXPECT_EQ(project.default_augmenter, "imgaug");
  EXPECT_EQ(project.conversion_tables.at("superanimal_topviewmouse").at("tailbase"), "tail_base");
  EXPECT_THAT(project.warnings, IsEmpty());
}

TEST(Project, ReadsEveryConfigThatRealProjectsLeft) {
  NEEDS_SHARED("data/dlc-outputs/config");
  std::size_t count = 0;
  for (const auto* folder : {"data/dlc-outputs/config", "data/projects", "reference/dlc-project",
                             "reference/dlc3-project/project"}) {
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(shared_folder() / folder)) {
      const auto name = entry.path().filename().string();
      if (!name.ends_with("config.yaml") || name.starts_with("pytorch")) continue;
      const auto project = read_project(entry.path());
      EXPECT_THAT(project.bodyparts, Not(IsEmpty())) << entry.path();
      EXPECT_THAT(project.warnings, IsEmpty()) << entry.path();
      ++count;
    }
  }
  EXPECT_EQ(count, 14U);
}

TEST(Project, TakesMultiAnimalPartsBeforeUniqueOnes) {
  const auto project = project_of(R"(Task: t
scorer: s
date: Jul3
multianimalproject: true
bodyparts: MULTI!
multianimalbodyparts: [nose, tail]
uniquebodyparts: [corner]
individuals: [a, b]
)");
  EXPECT_TRUE(project.multi_animal);
  EXPECT_THAT(project.bodyparts, ElementsAre("nose", "tail", "corner"));
  EXPECT_THAT(project.individuals, ElementsAre("a", "b"));
}

TEST(Project, TakesEmptyValuesAsUnset) {
  const auto project = project_of(
      "Task: t\nscorer: s\ndate: Jul3\nbodyparts: [a]\nskeleton: ''\nvideo_sets:\n"
      "TrainingFraction:\nmultianimalproject:\npcutoff:\niteration:\n");
  EXPECT_THAT(project.training_fractions, ElementsAre(0.95));
  EXPECT_EQ(project.pcutoff, 0.6);
  EXPECT_EQ(project.iteration, 0);
  EXPECT_EQ(project.snapshot_index, "all");
}

TEST(Project, UnderstandsWindowsPathsOfVideosAndWarnsOfTwins) {
  const auto project = project_of(
      std::string(kSmall) +
      "video_sets:\n  D:\\lab\\day one\\m1.avi:\n    crop: 0, 1, 0, 1\n"
      "  /data/m2.part.mp4:\n    crop: 0, 1, 0, 1\n  /other/m1.mp4:\n    crop: 0, 1, 0, 1\n");
  EXPECT_THAT(project.video_stems, ElementsAre("m1", "m2.part"));
  EXPECT_THAT(project.warnings, ElementsAre(HasSubstr("line 12: a second video is named 'm1'")));
}

TEST(Project, WarnsOfUnknownKeysWithTheNearestKnownOne) {
  const auto project = project_of(std::string(kSmall) + "TrainingFractoin: [0.9]\n");
  EXPECT_THAT(project.warnings,
              ElementsAre(HasSubstr(
                  "line 7: unknown key 'TrainingFractoin' (nearest known: 'TrainingFraction')")));
}

TEST(Project, NamesFileLineAndKeyOfAWrongValue) {
  EXPECT_ERROR(project_of(std::string(kSmall) + "pcutoff: high\n"), ErrorKind::usage,
               "config.yaml, line 7: key 'pcutoff' is 'high', expected a number");
  EXPECT_ERROR(project_of(std::string(kSmall) + "snapshotindex: last\n"), ErrorKind::usage,
               "line 7: key 'snapshotindex' is 'last', expected a number or 'all'");
  EXPECT_ERROR(project_of("Task: t\nscorer: s\ndate: d\nbodyparts: [a, b, a]\n"), ErrorKind::usage,
               "line 4: 'a' stands twice under 'bodyparts'");
  EXPECT_ERROR(project_of("scorer: s\ndate: d\nbodyparts: [a]\n"), ErrorKind::usage,
               "key 'Task' is missing");
  EXPECT_ERROR(project_of("Task: t\nscorer: s\ndate: d\nbodyparts: []\n"), ErrorKind::usage,
               "no body parts");
  EXPECT_ERROR(project_of("Task: t\nbodyparts: [a\nx: }\n"), ErrorKind::corrupt,
               "config.yaml, line");
  EXPECT_ERROR(read_project("/nowhere/config.yaml"), ErrorKind::io,
               "/nowhere/config.yaml: no such file");
}

TEST(ModelPaths, SpellFoldersAsDeepLabCutDoes) {
  const auto project = project_of(kSmall);
  const auto paths = model_paths(project, {});
  EXPECT_EQ(paths.model_name, "reachJul3-trainset95shuffle1");
  EXPECT_EQ(
      paths.train_pose_config,
      project.folder / "dlc-models/iteration-2/reachJul3-trainset95shuffle1/train/pose_cfg.yaml");
  EXPECT_EQ(
      paths.test_pose_config,
      project.folder / "dlc-models/iteration-2/reachJul3-trainset95shuffle1/test/pose_cfg.yaml");
  EXPECT_EQ(paths.training_set,
            project.folder / "training-datasets/iteration-2/UnaugmentedDataSet_reachJul3");
  EXPECT_EQ(paths.evaluation,
            project.folder / "evaluation-results/iteration-2/reachJul3-trainset95shuffle1");
}

TEST(ModelPaths, TruncateThePercentageAsPythonDoes) {
  const auto project = project_of(kSmall);
  const auto percent = [&](int index) {
    return model_paths(project, {.trainset_index = index}).train_percent;
  };
  EXPECT_EQ(percent(1), 28);
  EXPECT_EQ(percent(2), 56);
  EXPECT_EQ(percent(3), 57);
  EXPECT_EQ(percent(-1), 57);
  EXPECT_ERROR(percent(4), ErrorKind::usage,
               "TrainingFraction of config.yaml is [0.95, 0.29, 0.57, 0.58]");
}

TEST(NamedModel, IsTheOneWhosePoseConfigIsGiven) {
  const TempDir folder;
  write_file(folder / "config.yaml", kSmall);
  const auto model = folder / "mine/dlc-models/iteration-3/reachJul3-trainset57shuffle4";
  for (const char* part : {"train", "test"}) {
    std::filesystem::create_directories(model / part);
    write_file(model / part / "pose_cfg.yaml", "net_type: resnet_50\n");
    ModelChoice choice;
    choice.run_name = "a";
    const auto named = read_model(model / part / "pose_cfg.yaml", choice);
    EXPECT_EQ(named.project.task, "reach");
    EXPECT_EQ(named.choice.iteration, 3);
    EXPECT_EQ(named.choice.shuffle, 4);
    EXPECT_EQ(named.choice.trainset_index, 3);  // int(100 * 0.58) is 57
    EXPECT_EQ(named.choice.model_prefix, "mine");
    EXPECT_EQ(model_paths(named.project, named.choice).train, model / "train/runs/a");
  }
}

TEST(NamedModel, IsRefusedOutsideAProjectOrOfAnUnknownFraction) {
  const TempDir folder;
  write_file(folder / "pose_cfg.yaml", "net_type: resnet_50\n");
  EXPECT_ERROR(read_model(folder / "pose_cfg.yaml", {}), ErrorKind::usage,
               "expected it in a DeepLabCut project");
  write_file(folder / "config.yaml", kSmall);
  const auto train = folder / "dlc-models/iteration-0/reachJul3-trainset80shuffle1/train";
  std::filesystem::create_directories(train);
  write_file(train / "pose_cfg.yaml", "net_type: resnet_50\n");
  EXPECT_ERROR(read_model(train / "pose_cfg.yaml", {}), ErrorKind::usage, "says 80 % for training");
}

TEST(ModelPaths, PutRunsPrefixAndIterationInTheirPlaces) {
  const auto project = project_of(kSmall);
  const auto paths = model_paths(
      project, {.shuffle = 3, .iteration = 0, .model_prefix = "try", .run_name = "imagenet"});
  const auto model = project.folder / "try/dlc-models/iteration-0/reachJul3-trainset95shuffle3";
  EXPECT_EQ(paths.train, model / "train/runs/imagenet");
  EXPECT_EQ(paths.train_pose_config, model / "train/pose_cfg.yaml");
  EXPECT_EQ(paths.evaluation,
            project.folder /
                "try/evaluation-results/iteration-0/reachJul3-trainset95shuffle3/runs/imagenet");
}

TEST(ScorerName, FollowsTheNetwork) {
  const auto project = project_of(kSmall);
  const auto name = [&](const std::string& net_type, bool multi_stage = false) {
    PoseConfig config;
    config.network.net_type = net_type;
    config.network.multi_stage = multi_stage;
    return scorer_name(project, config, 1, 4000);
  };
  EXPECT_EQ(name("resnet_50"), "DLC_resnet50_reachJul3shuffle1_4000");
  EXPECT_EQ(name("resnet_101", true), "DLC_dlcrnetms5_reachJul3shuffle1_4000");
  EXPECT_EQ(name("mobilenet_v2_0.35"), "DLC_mobnet_35_reachJul3shuffle1_4000");
  EXPECT_EQ(name("mobilenet_v2_1.0"), "DLC_mobnet_100_reachJul3shuffle1_4000");
  EXPECT_EQ(name("efficientnet-b3"), "DLC_effnet_b3_reachJul3shuffle1_4000");
}

}  // namespace
}  // namespace poseheir
