#include <fstream>
#include <gmock/gmock.h>

#include "expect_error.h"
#include "poseheir/demo.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

using ::testing::HasSubstr;

DemoProjectOptions small(DemoWorld world) {
  DemoProjectOptions options;
  options.world = world;
  options.seed = 5;
  options.clips = 2;
  options.frames = 4;
  options.labelled = 2;
  options.train_fraction = 0.5;
  return options;
}

TEST(DemoProject, IsReadLikeAnyOther) {
  const TempDir folder;
  const auto config = make_demo_project(folder / "project", small(DemoWorld::target));
  const auto project = read_project(config);
  EXPECT_TRUE(project.warnings.empty());
  EXPECT_EQ(project.task, "genet");
  EXPECT_EQ(project.bodyparts, demo_bodyparts(DemoWorld::target));
  EXPECT_THAT(project.video_stems, ::testing::ElementsAre("genet00", "genet01"));
  const auto paths = model_paths(project, {});
  const auto pose_config = read_pose_config(paths.train_pose_config);
  EXPECT_EQ(pose_config.network.net_type, "mobilenet_v2_0.35");
  EXPECT_EQ(pose_config.network.keypoints, 11);
  const auto dataset = read_dataset(project, {}, pose_config);
  EXPECT_EQ(dataset.labels.images.size(), 4U);
  EXPECT_EQ(dataset.split.train.size(), 2U);
  EXPECT_EQ(dataset.split.test.size(), 2U);
}

TEST(DemoProject, StoresTheLabelsThatWereRendered) {
  const TempDir folder;
  const auto config = make_demo_project(folder / "project", small(DemoWorld::target));
  const auto labels =
      read_labels(folder / "project/labeled-data/genet01/CollectedData_Poseheir.csv");
  const auto frames =
      render_demo_clip({.world = DemoWorld::target, .seed = 5, .clip = 1, .frames = 4});
  ASSERT_EQ(labels.images.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i)  // frames 0 and 2 of 4
    for (std::size_t part = 0; part < labels.bodyparts.size(); ++part) {
      const auto& expected = frames[2 * i].points[part];
      const auto& found = labels.images[i].points[part];
      ASSERT_EQ(found.missing(), expected.missing()) << labels.bodyparts[part];
      if (expected.missing()) continue;
      EXPECT_NEAR(found.x, expected.x, 1e-6);
      EXPECT_NEAR(found.y, expected.y, 1e-6);
    }
  EXPECT_EQ(read_image(folder / "project/labeled-data/genet01/img0002.png").pixels,
            frames[2].image.pixels);
}

TEST(DemoProject, HasVideosWithEveryFrame) {
  const TempDir folder;
  make_demo_project(folder / "project", small(DemoWorld::target));
  VideoReader video(folder / "project/videos/genet00.mp4");
  Image frame;
  int frames = 0;
  while (video.next(frame)) ++frames;
  EXPECT_EQ(frames, 4);
  EXPECT_EQ(frame.width, 256);
}

TEST(DemoProject, NeedsAnEmptyFolder) {
  const TempDir folder;
  std::ofstream(folder / "mine.txt") << "mine";
  EXPECT_ERROR(make_demo_project(folder.path(), small(DemoWorld::target)), ErrorKind::usage,
               "is not empty");
}

TEST(DemoProject, WritesTheConversionTableInDeepLabCutsColumns) {
  const TempDir folder;
  make_demo_project(folder / "project", small(DemoWorld::target));
  std::ifstream stream(folder / "project/keypoints.csv");
  const std::string text((std::istreambuf_iterator<char>(stream)), {});
  EXPECT_THAT(text, HasSubstr("gt,MasterName\nsnout,nose\n"));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("brisket")));
}

}  // namespace
}  // namespace poseheir
