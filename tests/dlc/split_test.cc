#include <gmock/gmock.h>

#include "expect_error.h"
#include "poseheir/project.h"

namespace poseheir {
namespace {

using ::testing::ElementsAre;

// numpy.random.RandomState(0).permutation(116): the split of ../shared/reference/dlc-project.
TEST(MakeSplit, DrawsWhatNumpyDraws) {
  const auto split = make_split(116, 0.95, 0);
  ASSERT_EQ(split.train.size(), 110U);
  EXPECT_THAT(std::vector<int>(split.train.begin(), split.train.begin() + 8),
              ElementsAre(10, 74, 66, 51, 7, 78, 92, 90));
  EXPECT_THAT(split.test, ElementsAre(103, 112, 67, 64, 47, 44));
  EXPECT_EQ(split.fraction, 0.95);
}

TEST(MakeSplit, TruncatesTheNumberOfTrainingImages) {
  EXPECT_EQ(make_split(7, 0.58, 0).train.size(), 4U);
  EXPECT_EQ(make_split(100, 0.29, 0).train.size(), 28U);  // 100 * 0.29 is 28.999…
  EXPECT_EQ(make_split(1, 1, 0).train.size(), 1U);
  EXPECT_THAT(make_split(5, 1, 7).train, ElementsAre(0, 3, 2, 1, 4));
}

TEST(MakeSplit, RefusesFractionsThatDeepLabCutRefuses) {
  EXPECT_ERROR(make_split(10, 0.955, 0), ErrorKind::usage, "training fraction 0.955");
  EXPECT_ERROR(make_split(10, 1.5, 0), ErrorKind::usage, "from 0.01 to 1");
  EXPECT_ERROR(make_split(0, 0.5, 0), ErrorKind::usage, "no labelled images");
}

TEST(SplitByTime, TestsOnTheLastPicturesOfEachFolderByName) {
  const auto split = split_by_time({{"labeled-data", "b", "img3.png"},
                                    {"labeled-data", "a", "img2.png"},
                                    {"labeled-data", "b", "img1.png"},
                                    {"labeled-data", "a", "img1.png"},
                                    {"labeled-data", "b", "img2.png"},
                                    {"labeled-data", "a", "img0.png"}},
                                   0.67);
  EXPECT_THAT(split.train, ElementsAre(5, 3, 2, 4));
  EXPECT_THAT(split.test, ElementsAre(1, 0));
  EXPECT_EQ(split.fraction, 0.67);
  EXPECT_ERROR(split_by_time({}, 0.5), ErrorKind::usage, "no labelled images");
}

}  // namespace
}  // namespace poseheir
