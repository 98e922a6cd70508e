#include "base/disk_room.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/leftovers.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

int open_unnamed(const std::filesystem::path& folder) {
  const int file = ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  if (file >= 0) return file;
  // Not every file system has files without names.
  const auto name = folder / part_name("room", ::getpid());
  const int named = ::open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (named >= 0) ::unlink(name.c_str());
  return named;
}

}  // namespace

std::optional<std::uint64_t> room_at(const std::filesystem::path& folder) {
  struct statvfs status {};
  if (::statvfs(folder.c_str(), &status) != 0 || status.f_blocks == 0) return std::nullopt;
  return std::uint64_t{status.f_bavail} * status.f_frsize;
}

std::filesystem::path existing_part(std::filesystem::path folder) {
  folder = std::filesystem::absolute(folder);
  while (!std::filesystem::exists(folder) && folder.has_relative_path())
    folder = folder.parent_path();
  return folder;
}

void require_writable(const std::filesystem::path& folder) {
  const auto there = existing_part(folder);
  if (::access(there.c_str(), W_OK | X_OK) != 0)
    throw Error(ErrorKind::io,
                fmt::format("{}: cannot write into it: {}; check who owns the folder and whether "
                            "it may be written: nothing was changed",
                            there.string(), std::strerror(errno)));
}

ReservedRoom::ReservedRoom(const std::filesystem::path& folder, std::uint64_t bytes)
    : descriptor_(open_unnamed(folder)) {
  const int code =
      descriptor_ < 0 ? errno : ::posix_fallocate(descriptor_, 0, static_cast<off_t>(bytes));
  if (code == 0) return;
  if (descriptor_ >= 0) ::close(descriptor_);
  throw Error(ErrorKind::io,
              fmt::format("{}: cannot keep {:.1f} MB for its files: {}; {} and run the command "
                          "again",
                          folder.string(), static_cast<double>(bytes) / 1e6, std::strerror(code),
                          code == EFBIG ? "raise the limit on the size of files (ulimit -f, or the "
                                          "batch system's)"
                                        : "free some space"));
}

ReservedRoom::~ReservedRoom() { ::close(descriptor_); }

}  // namespace poseheir
