#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "expect_error.h"
#include "poseheir/transfer.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

KeypointMap parsed(const std::string& text) {
  const TempDir folder;
  std::ofstream(folder / "map.csv") << text;
  return read_keypoint_map(folder / "map.csv");
}

TEST(KeypointMap, ReadsDeepLabCutsConversionTable) {
  EXPECT_EQ(parsed("gt,MasterName\nsnout,nose\n,upper_jaw\r\n\"leftear\", left_ear\nx,\n"),
            (KeypointMap{{"snout", {"nose"}}, {"leftear", {"left_ear"}}}));
  EXPECT_EQ(parsed("MasterName,openfield\nnose,snout\n"), (KeypointMap{{"snout", {"nose"}}}));
}

TEST(KeypointMap, NamesTheLineOfADoubledKeypoint) {
  EXPECT_ERROR(parsed("gt,MasterName\nsnout,nose\nsnout,chin\n"), ErrorKind::usage,
               "map.csv: line 3: 'snout' stands in line 2 already");
}

TEST(KeypointMap, WantsItsColumns) {
  EXPECT_ERROR(parsed("from,to\na,b\n"), ErrorKind::usage,
               "expected the columns gt (keypoints of C) and MasterName (keypoints of A), found "
               "from, to");
  EXPECT_ERROR(parsed(""), ErrorKind::usage, "empty");
}

TEST(SuperAnimal, HasItsKeypointsInChannelOrder) {
  EXPECT_EQ(superanimal_keypoints(39).size(), 39U);
  EXPECT_EQ(superanimal_keypoints(39)[22], "tail_base");
  EXPECT_EQ(superanimal_keypoints(27).size(), 27U);
  EXPECT_EQ(superanimal_keypoints(27)[13], "tail_base");
  EXPECT_TRUE(superanimal_keypoints(4).empty());
}

}  // namespace
}  // namespace poseheir
