#include <gmock/gmock.h>

#include "base/file.h"
#include "expect_error.h"
#include "oracle.h"
#include "poseheir/media.h"
#include "poseheir/metrics.h"
#include "poseheir/project.h"
#include "shared.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::filesystem::path reference() { return shared_folder() / "reference/dlc-project"; }
constexpr auto kModel = "openfieldOct30-trainset95shuffle1";
constexpr auto kTrainingSet = "training-datasets/iteration-0/UnaugmentedDataSet_openfieldOct30";

TEST(Dataset, IsTheTrainingSetThatDeepLabCutMade) {
  NEEDS_SHARED("reference/dlc-project");
  const auto project = read_project(reference());
  const auto config = read_pose_config(model_paths(project, {}).train_pose_config);
  const auto dataset = read_dataset(project, {}, config);
  EXPECT_EQ(dataset.labels.images.size(), 116U);
  EXPECT_THAT(dataset.labels.warnings, IsEmpty());
  ASSERT_EQ(dataset.split.train.size(), 110U);
  EXPECT_THAT(dataset.split.test, ElementsAre(103, 112, 67, 64, 47, 44));
  ASSERT_EQ(dataset.records.size(), 110U);
  EXPECT_THAT(dataset.records[0].path, ElementsAre("labeled-data", "m4s1", "img0010.png"));
  EXPECT_EQ(dataset.records[0].joints[3].x, 177);
}

// A copy that is written to.
struct WritableReference {
  WritableReference() {
    std::filesystem::copy(reference(), folder.path(),
                          std::filesystem::copy_options::recursive |
                              std::filesystem::copy_options::overwrite_existing);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path()))
      std::filesystem::permissions(entry.path(), std::filesystem::perms::owner_write,
                                   std::filesystem::perm_options::add);
    project = read_project(folder.path());
    config = read_pose_config(model_paths(project, {}).train_pose_config);
    set = folder.path() / kTrainingSet;
  }
  Dataset read() const { return read_dataset(project, {}, config); }

  TempDir folder;
  Project project;
  PoseConfig config;
  std::filesystem::path set;
};

TEST(Dataset, HasItsLabelsInTheOrderOfTheModel) {
  NEEDS_SHARED("reference/dlc-project");
  const WritableReference reference;
  const auto expected = reference.read().labels;
  auto labels = expected;
  for (auto& image : labels.images) std::reverse(image.points.begin(), image.points.end());
  std::reverse(labels.bodyparts.begin(), labels.bodyparts.end());
  write_labels(reference.set / "CollectedData_Pranav", labels);
  const auto found = reference.read().labels;
  EXPECT_EQ(found.bodyparts, expected.bodyparts);
  EXPECT_THAT(found.warnings, IsEmpty());
  for (std::size_t part = 0; part < 4; ++part)
    EXPECT_EQ(found.images[7].points[part].x, expected.images[7].points[part].x) << part;
  labels.bodyparts[0] = "tip";  // was tailbase
  write_labels(reference.set / "CollectedData_Pranav", labels);
  const auto other = reference.read().labels;
  EXPECT_TRUE(other.images[7].points[3].missing());
  EXPECT_THAT(other.warnings,
              ElementsAre(HasSubstr("have no 'tailbase'"), HasSubstr("have 'tip'")));
}

TEST(Dataset, TellsWhatOfTheTrainingSetIsMissingAndWhatToDoWhereItIsDamaged) {
  NEEDS_SHARED("reference/dlc-project");
  const WritableReference reference;
  const auto records = reference.set / "openfield_Pranav95shuffle1.mat";
  const auto split = reference.set / "Documentation_data-openfield_95shuffle1.pickle";
  std::filesystem::create_directory_symlink(
      shared_folder() / "data/projects/openfield-pranav/labeled-data",
      reference.folder / "labeled-data");
  for (const auto& file : {records, split, reference.set / "CollectedData_Pranav.h5"}) {
    const auto whole = read_file(file);
    write_file(file, whole.substr(0, 1000));
    EXPECT_ERROR(reference.read(), ErrorKind::corrupt, "create-training-dataset --overwrite");
    write_file(file, whole);
  }
  std::filesystem::remove(records);
  EXPECT_THAT(reference.read().labels.warnings,
              ElementsAre(HasSubstr("made from the labels, for this time")));
  std::filesystem::remove(split);
  EXPECT_THAT(reference.read().labels.warnings,
              ElementsAre(HasSubstr("may know these test pictures"), HasSubstr("made from")));
}

// The evaluation DeepLabCut left, from its own labels, split and predictions.
TEST(Dataset, EvaluatesToDeepLabCutsTables) {
  NEEDS_SHARED("reference/dlc-project");
  const auto project = read_project(reference());
  const auto paths = model_paths(project, {});
  const auto config = read_pose_config(paths.train_pose_config);
  const auto dataset = read_dataset(project, {}, config);
  const TempDir folder;
  for (const int iteration : {500, 1000, 2000, 4000}) {
    const auto scorer = scorer_name(project, config, 1, iteration);
    const auto predictions = read_predictions(
        paths.evaluation / (scorer + "-snapshot-" + std::to_string(iteration) + ".h5"));
    const auto metrics = evaluate(dataset.labels, predictions, dataset.split, project.pcutoff);
    append_results_csv(folder / "results.csv",
                       {{iteration, paths.train_percent, 1, project.pcutoff, metrics.all}});
    write_keypoint_csv(folder / "keypoints.csv", metrics);
    EXPECT_EQ(read_file(folder / "keypoints.csv"),
              read_file(paths.evaluation / (scorer + "-keypoint-results.csv")));
  }
  EXPECT_EQ(read_file(folder / "results.csv"),
            read_file(paths.evaluation / (scorer_name(project, config, 1, 4000) + "-results.csv")));
}

// A copy of the openfield project, its pictures by link.
class OpenField : public ::testing::Test {
 protected:
  void SetUp() override {
    NEEDS_SHARED("data/projects/openfield-pranav");
    const auto source =
        std::filesystem::canonical(shared_folder() / "data/projects/openfield-pranav");
    std::filesystem::create_directories(folder / "labeled-data");
    std::filesystem::create_directory_symlink(source / "labeled-data/m4s1",
                                              folder / "labeled-data/m4s1");
    write_file(folder / "config.yaml", read_file(source / "config.yaml"));
    project = read_project(folder.path());
  }
  TrainingSetOptions options() const {
    TrainingSetOptions made;
    made.net_type = "mobilenet_v2_0.35";
    made.init_weights = "/home/user/weights/mobilenet_v2_0.35_224.ckpt";
    return made;
  }
  std::string made(const std::string& name) const { return read_file(folder.path() / name); }

  TempDir folder;
  Project project;
};

TEST_F(OpenField, GetsTheTrainingSetThatDeepLabCutMade) {
  NEEDS_SHARED("reference/dlc-project");
  const auto created = create_training_dataset(project, options());
  ASSERT_EQ(created.models.size(), 1U);
  EXPECT_EQ(created.models[0].records, 110);
  EXPECT_THAT(created.warnings, IsEmpty());
  const auto model = std::string("dlc-models/iteration-0/") + kModel;
  EXPECT_EQ(made(model + "/test/pose_cfg.yaml"),
            read_file(reference() / model / "test/pose_cfg.yaml"));
  auto train = made(model + "/train/pose_cfg.yaml");
  const auto here = std::filesystem::canonical(folder.path()).string();
  ASSERT_NE(train.find(here), std::string::npos);
  train.replace(train.find(here), here.size(), "/home/user/openfield");
  EXPECT_EQ(train, read_file(reference() / model / "train/pose_cfg.yaml"));
  const auto set = std::string(kTrainingSet);
  EXPECT_EQ(made(set + "/CollectedData_Pranav.csv"),
            read_file(reference() / set / "CollectedData_Pranav.csv"));
  // Behind the header's free text, with the date.
  EXPECT_EQ(made(set + "/openfield_Pranav95shuffle1.mat").substr(116),
            read_file(reference() / set / "openfield_Pranav95shuffle1.mat").substr(116));
}

TEST_F(OpenField, ReadsBackWhatItMade) {
  create_training_dataset(project, options());
  const auto config = read_pose_config(model_paths(project, {}).train_pose_config);
  EXPECT_EQ(config.network.net_type, "mobilenet_v2_0.35");
  const auto dataset = read_dataset(project, {}, config);
  EXPECT_EQ(dataset.labels.images.size(), 116U);
  EXPECT_THAT(dataset.split.test, ElementsAre(103, 112, 67, 64, 47, 44));
  EXPECT_EQ(dataset.records.size(), 110U);
}

TEST_F(OpenField, SplitsAndRecordsWithoutATrainingSet) {
  const auto dataset = read_dataset(project, {}, PoseConfig{});
  EXPECT_THAT(dataset.split.test, ElementsAre(103, 112, 67, 64, 47, 44));
  ASSERT_EQ(dataset.records.size(), 110U);
  EXPECT_EQ(dataset.records[0].height, 480);
  EXPECT_EQ(dataset.records[0].channels, 3);
  EXPECT_EQ(dataset.records[0].joints[0].x, 54);
  EXPECT_EQ(dataset.records[0].joints[0].y, 339);
}

TEST_F(OpenField, NumbersSplitsInMetadataYaml) {
  auto second = options();
  create_training_dataset(project, second);
  second.shuffle = 2;
  create_training_dataset(project, second);
  second.shuffle = 3;
  second.seed = static_cast<std::uint64_t>(-2);  // with shuffle 3 the split of shuffle 1
  create_training_dataset(project, second);
  const auto text = made(std::string(kTrainingSet) + "/metadata.yaml");
  EXPECT_THAT(
      text,
      HasSubstr("  openfieldOct30-trainset95shuffle2:\n    train_fraction: 0.95\n    index: 2\n"
                "    split: 2\n    engine: tensorflow\n"));
  EXPECT_THAT(text, HasSubstr("    index: 3\n    split: 1\n"));
}

TEST_F(OpenField, KeepsAnExistingModelUnlessTold) {
  create_training_dataset(project, options());
  EXPECT_ERROR(create_training_dataset(project, options()), ErrorKind::usage,
               "choose another shuffle than 1");
  auto again = options();
  again.overwrite = true;
  again.augmenter = "scalecrop";
  create_training_dataset(project, again);
  const auto text = made(std::string("dlc-models/iteration-0/") + kModel + "/train/pose_cfg.yaml");
  EXPECT_THAT(text, HasSubstr("dataset_type: scalecrop\n"));
  EXPECT_THAT(text, Not(HasSubstr("rotation")));
}

TEST_F(OpenField, RefusesUnknownNamesAndWritesNothing) {
  auto wrong = options();
  wrong.net_type = "resnet_51";
  EXPECT_ERROR(create_training_dataset(project, wrong), ErrorKind::usage, "resnet_5");
  wrong = options();
  wrong.augmenter = "imgagu";
  EXPECT_ERROR(create_training_dataset(project, wrong), ErrorKind::usage,
               "unknown augmenter 'imgagu'");
  EXPECT_FALSE(std::filesystem::exists(folder / "dlc-models" / "iteration-0" / kModel / "train" /
                                       "pose_cfg.yaml"));
}

TEST(CreateTrainingDataset, RefusesASplitWithoutAnythingToTrainOn) {
  const TempDir folder;
  std::filesystem::create_directories(folder / "labeled-data/clip");
  write_file(folder / "config.yaml",
             "Task: reach\nscorer: Ana\ndate: Jan1\nproject_path: x\nvideo_sets:\n"
             "bodyparts: [hand]\nTrainingFraction: [0.5]\ndefault_net_type: resnet_50\n");
  write_labels(folder / "labeled-data/clip/CollectedData_Ana",
               {"Ana", {"hand"}, {{{"labeled-data", "clip", "img1.png"}, {{1, 2}}}}, {}});
  EXPECT_ERROR(create_training_dataset(read_project(folder.path()), {}), ErrorKind::usage,
               "nothing to train on: 0 of the 1 labelled pictures");
  EXPECT_FALSE(std::filesystem::exists(folder / "dlc-models"));
}

TEST_F(OpenField, OracleOpensTheTrainingSet) {
  NEEDS_ORACLE();
  create_training_dataset(project, options());
  EXPECT_EQ(run_oracle("dlc/check_with_deeplabcut.py", folder.path().string()), 0);
}

TEST(TrainingRecords, KeepOnlyWholePixelsStrictlyInsideUnlessAskedForExactOnes) {
  const TempDir folder;
  write_image(folder / "a.png", {10, 20, std::vector<std::uint8_t>(600)});
  Project project;
  project.folder = folder.path();
  Labels labels;
  labels.bodyparts = {"a", "b", "c", "d", "e"};
  labels.images = {{{"a.png"}, {{0.9, 5}, {19.9, 9.9}, {20, 5}, {5, 10}, {1.99, 1}}},
                   {{"a.png"}, {{}, {}, {}, {}, {}}}};
  const auto records = make_training_records(project, labels, {0, 1});
  ASSERT_EQ(records.size(), 1U);  // the second image has nothing
  ASSERT_EQ(records[0].joints.size(), 2U);
  EXPECT_EQ(records[0].joints[0].id, 1);
  EXPECT_EQ(records[0].joints[0].x, 19);
  EXPECT_EQ(records[0].joints[0].y, 9);
  EXPECT_EQ(records[0].joints[1].id, 4);
  const auto exact = make_training_records(project, labels, {0, 1}, JointPlaces::exact);
  ASSERT_EQ(exact.size(), 1U);
  ASSERT_EQ(exact[0].joints.size(), 2U);  // the same joints,
  EXPECT_EQ(exact[0].joints[0].x, 19.9);  // not cut
  EXPECT_EQ(exact[0].joints[0].y, 9.9);
  labels.images[0].path = {"none.png"};
  EXPECT_ERROR(make_training_records(project, labels, {0}), ErrorKind::io, "none.png");
}

}  // namespace
}  // namespace poseheir
