#include "base/folder_lock.h"

#include <csignal>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "expect_error.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

TEST(FolderLock, IsHeldByOneAndNamesItsOwner) {
  const TempDir folder;
  {
    const FolderLock lock(folder.path());
    EXPECT_EQ(lock.stale_owner(), "");
    EXPECT_ERROR(FolderLock(folder.path()), ErrorKind::io,
                 "process " + std::to_string(::getpid()) + " on ");
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_NO_THROW(FolderLock(folder.path()));
}

TEST(FolderLock, OfAKilledProcessIsTakenOverAndTold) {
  const TempDir folder;
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const FolderLock lock(folder.path());
    if (::write(ready[1], "x", 1) == 1) ::pause();
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_ERROR(FolderLock(folder.path()), ErrorKind::io,
               "process " + std::to_string(child) + " on ");
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  const FolderLock lock(folder.path());
  EXPECT_TRUE(lock.stale_owner().starts_with("process " + std::to_string(child) + " on "))
      << lock.stale_owner();
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(FolderLock, DoesNotRepeatWhatIsNoOwner) {
  const TempDir folder;
  write_file(folder / ".poseheir.lock", "\x1b[31mred\n");
  EXPECT_EQ(FolderLock(folder.path()).stale_owner(), "a process");
  write_file(folder / ".poseheir.lock", "process 4 on a\nb, since then\n");
  EXPECT_EQ(FolderLock(folder.path()).stale_owner().find('\n'), std::string::npos);
}

TEST(FolderLock, CannotBeTakenInAFolderThatIsNotThere) {
  EXPECT_ERROR(FolderLock("/nonexistent/folder"), ErrorKind::io, "cannot write into it");
}

}  // namespace
}  // namespace poseheir
