#include "base/disk_room.h"

#include <gtest/gtest.h>

#include "base/append.h"
#include "base/file.h"
#include "expect_error.h"
#include "tiny_disk.h"

namespace poseheir {
namespace {

constexpr std::uint64_t kHalf = 512U << 10U;

TEST(ReservedRoom, IsTakenFromTheDiskAndGivenBack) {
  const TinyDisk disk;
  if (!disk.mounted()) GTEST_SKIP() << "needs the right to mount a small file system";
  EXPECT_EQ(room_at(disk.path()), 2 * kHalf);
  {
    const ReservedRoom room(disk.path(), kHalf);
    EXPECT_EQ(room_at(disk.path()), kHalf);
    EXPECT_ERROR(write_file(disk.path() / "a", std::string(kHalf + 1, 'x')), ErrorKind::io,
                 "No space left on device");
    EXPECT_TRUE(std::filesystem::is_empty(disk.path()));
  }
  EXPECT_EQ(room_at(disk.path()), 2 * kHalf);
}

TEST(ReservedRoom, IsRefusedWhereTheDiskHasLess) {
  const TinyDisk disk;
  if (!disk.mounted()) GTEST_SKIP() << "needs the right to mount a small file system";
  EXPECT_ERROR(ReservedRoom(disk.path(), 3 * kHalf), ErrorKind::io,
               disk.path().string() + ": cannot keep 1.6 MB for its files: No space left on");
  EXPECT_EQ(room_at(disk.path()), 2 * kHalf);
}

TEST(AppendWhole, AddsAllOrNothing) {
  const TinyDisk disk;
  if (!disk.mounted()) GTEST_SKIP() << "needs the right to mount a small file system";
  const auto file = disk.path() / "a";
  append_whole(file, "1\n");
  append_whole(file, "2\n");
  EXPECT_ERROR(append_whole(file, std::string(3 * kHalf, 'x')), ErrorKind::io,
               "a: cannot add to it: No space left on device");
  EXPECT_EQ(read_file(file), "1\n2\n");
  EXPECT_ERROR(append_whole(disk.path() / "absent/a", "1"), ErrorKind::io, "absent/a: cannot add");
}

}  // namespace
}  // namespace poseheir
