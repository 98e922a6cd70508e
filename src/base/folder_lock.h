// One process at a time in a folder: a lock with its owner's name.
#pragma once

#include <filesystem>
#include <string>

namespace poseheir {

// Held by the kernel for as long as the process lives, so one that was killed holds nothing. Where
// a file system has no such locks the owner's number decides.
class FolderLock {
 public:
  // Throws Error(io) that names the owner when another process holds the lock.
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

  // Throws the same without taking the lock or writing anything.
  static void require_free(const std::filesystem::path& folder);

  // Who had not let go of it: "process 4711 on workstation, since 2026-01-31 12:00:00"; empty: the
  // folder was free.
  const std::string& stale_owner() const { return stale_owner_; }

 private:
  std::filesystem::path file_;
  int descriptor_ = -1;
  std::string stale_owner_;
};

}  // namespace poseheir
