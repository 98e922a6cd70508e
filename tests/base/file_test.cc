#include "base/file.h"

#include <csignal>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect_error.h"
#include "temp_dir.h"
#include "tiny_disk.h"

namespace poseheir {
namespace {

// A mapped hole that the disk has no room for ends the process with SIGBUS, as does a file that
// another process cuts short.
TEST(ReadFile, SurvivesAHoleOnAFullDisk) {
  const TinyDisk disk;
  if (!disk.mounted()) GTEST_SKIP() << "needs the right to mount a small file system";
  const auto file = disk.path() / "hole";
  write_file(file, "x");
  std::filesystem::resize_file(file, 100000);
  std::ofstream rest(disk.path() / "rest");
  while (rest << std::string(4096, 'x') << std::flush) continue;
  EXPECT_EQ(read_file(file), "x" + std::string(99999, '\0'));
}

TEST(FileTransaction, LeavesNothingBehindWhenItIsNotCommitted) {
  const TempDir folder;
  write_file(folder / "a", "old");
  {
    FileTransaction transaction;
    transaction.append(transaction.add(folder / "a"), "new");
    transaction.append(transaction.add(folder / "b"), "new");
  }
  EXPECT_EQ(read_file(folder / "a"), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(FileTransaction, NamesTheFileItCannotWrite) {
  EXPECT_ERROR(write_file("/nonexistent/folder/a", "x"), ErrorKind::io,
               "/nonexistent/folder/a: cannot write it");
}

TEST(FileTransaction, RefusesAFolderInTheWayBeforeAnythingIsReplaced) {
  const TempDir folder;
  write_file(folder / "a", "old");
  std::filesystem::create_directory(folder / "b");
  FileTransaction transaction;
  transaction.append(transaction.add(folder / "a"), "new");
  EXPECT_ERROR(transaction.add(folder / "b"), ErrorKind::io, "Is a directory");
  EXPECT_EQ(read_file(folder / "a"), "old");
}

TEST(FileTransaction, LeavesTheOldFileWhenTheDiskIsFull) {
  const TinyDisk disk;
  if (!disk.mounted()) GTEST_SKIP() << "mounting a small disk needs root";
  write_file(disk.path() / "a", "old");
  EXPECT_ERROR(write_file(disk.path() / "a", std::string(std::size_t{9} << 20U, 'x')),
               ErrorKind::io, "nothing was changed");
  EXPECT_EQ(read_file(disk.path() / "a"), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(disk.path()), {}), 1);
}

TEST(FileTransaction, LeavesNothingBehindWhenItIsKilled) {
  const TempDir folder;
  write_file(folder / "a", "old");
  const auto child = ::fork();
  if (child == 0) {
    FileTransaction transaction;
    transaction.append(transaction.add(folder / "a"), std::string(100'000, 'x'));
    ::raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(read_file(folder / "a"), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

}  // namespace
}  // namespace poseheir
