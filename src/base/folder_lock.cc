#include "base/folder_lock.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/leftovers.h"
#include "base/text.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

constexpr const char* kFile = ".poseheir.lock";
constexpr std::size_t kLongestOwner = 512;
constexpr std::string_view kProcess = "process ", kOn = " on ";

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "an unknown host";
}

std::string owner_text() {
  return fmt::format("{}{}{}{}, since {:%Y-%m-%d %H:%M:%S}", kProcess, ::getpid(), kOn, host_name(),
                     fmt::localtime(std::time(nullptr)));
}

std::string read_owner(int descriptor) {
  char text[kLongestOwner];
  const auto size = ::pread(descriptor, text, sizeof text, 0);
  const std::string owner(text, size > 0 ? static_cast<std::size_t>(size) : 0);
  return owner.empty() || owner.starts_with(kProcess) ? printable(owner) : "a process";
}

// Only told where the kernel could not say.
bool may_be_alive(const std::string& owner) {
  if (!owner.starts_with(kProcess)) return false;
  int process = 0;
  const auto parsed =
      std::from_chars(owner.data() + kProcess.size(), owner.data() + owner.size(), process);
  const auto rest = std::string_view(parsed.ptr, owner.data() + owner.size());
  const bool here = rest.starts_with(std::string(kOn) + host_name() + ",");
  return !here || (process != ::getpid() && is_running(process));
}

// Another process may have removed the file between our opening and locking it.
bool is_still_there(int descriptor, const std::filesystem::path& file) {
  struct stat ours {
  }, there{};
  return ::fstat(descriptor, &ours) == 0 && ::stat(file.c_str(), &there) == 0 &&
         ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

[[noreturn]] void throw_held(const std::filesystem::path& file, const std::string& owner) {
  throw Error(ErrorKind::io,
              fmt::format("{}: {} is at work in this folder; wait for it or end it. If it is gone "
                          "for certain, remove {}",
                          file.parent_path().string(), owner.empty() ? "another process" : owner,
                          file.string()));
}

int open_lock(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor < 0)
    throw Error(ErrorKind::io,
                fmt::format("{}: cannot write into it: {}; check who owns the folder and whether "
                            "it may be written: nothing was changed",
                            file.parent_path().string(), std::strerror(errno)));
  return descriptor;
}

}  // namespace

void FolderLock::require_free(const std::filesystem::path& folder) {
  const auto file = folder / kFile;
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return;
  const bool locked = ::flock(descriptor, LOCK_SH | LOCK_NB) == 0;
  const bool told = locked || errno == EWOULDBLOCK;
  const auto owner = read_owner(descriptor);
  ::close(descriptor);
  if ((told && !locked) || (!told && may_be_alive(owner))) throw_held(file, owner);
}

FolderLock::FolderLock(const std::filesystem::path& folder) : file_(folder / kFile) {
  for (;;) {
    descriptor_ = open_lock(file_);
    const bool locked = ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0;
    const bool told = locked || errno == EWOULDBLOCK;
    const auto owner = read_owner(descriptor_);
    if ((told && !locked) || (!told && may_be_alive(owner))) {
      ::close(descriptor_);
      throw_held(file_, owner);
    }
    if (is_still_there(descriptor_, file_)) {
      stale_owner_ = owner;
      break;
    }
    ::close(descriptor_);
  }
  const auto text = owner_text();
  // The text is for people: on a full disk the lock holds without it.
  if (::ftruncate(descriptor_, 0) != 0 ||
      ::pwrite(descriptor_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    return;
}

FolderLock::~FolderLock() {
  ::unlink(file_.c_str());  // while it is still ours
  ::close(descriptor_);
}

}  // namespace poseheir
