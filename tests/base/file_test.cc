#include "base/file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "expect_error.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

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

TEST(FileTransaction, SaysThatTheDiskIsFull) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP();
  // A file whose writes fail with "no space left": the temporary name is a link to /dev/full.
  const TempDir folder;
  const auto temporary = folder / (".a.part" + std::to_string(::getpid()));
  std::filesystem::create_symlink("/dev/full", temporary);
  EXPECT_ERROR(write_file(folder / "a", "x"), ErrorKind::io, "nothing was changed");
  EXPECT_FALSE(std::filesystem::exists(folder / "a"));
}

}  // namespace
}  // namespace poseheir
