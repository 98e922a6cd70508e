#include "base/file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <set>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/leftovers.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

constexpr std::size_t kPiece = std::size_t{8} << 20U;

[[noreturn]] void throw_system_error(const std::filesystem::path& path, std::string_view doing) {
  const int code = errno;
  std::string hint;
  if (code == ENOSPC || code == EDQUOT)
    hint = "; free some space and run the command again: nothing was changed";
  if (code == EACCES || code == EROFS || code == EPERM)
    hint = "; check who owns the folder and whether it may be written";
  if (code == EFBIG)
    hint = "; raise the limit on the size of files (ulimit -f, or the batch system's)";
  throw Error(ErrorKind::io,
              fmt::format("{}: cannot {}: {}{}", path.string(), doing, std::strerror(code), hint));
}

class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags)
      : value_(::open(path.c_str(), flags | O_CLOEXEC)) {
    if (value_ < 0) throw_system_error(path, "open it");
  }
  ~Descriptor() { ::close(value_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int value() const { return value_; }

 private:
  int value_;
};

std::filesystem::path folder_of(const std::filesystem::path& path) {
  const auto folder = path.parent_path();
  return folder.empty() ? std::filesystem::path(".") : folder;
}

std::size_t regular_size(int descriptor, const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) throw_system_error(path, "examine it");
  if (!S_ISREG(status.st_mode))
    throw Error(ErrorKind::io, path.string() + ": expected a file, found a folder or device");
  return static_cast<std::size_t>(status.st_size);
}

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path) {
  const Descriptor descriptor(path, O_RDONLY);
  std::shared_ptr<MappedFile> file(new MappedFile);
  file->size_ = regular_size(descriptor.value(), path);
  file->path_ = path;
  if (file->size_ > 0) {
    void* data = ::mmap(nullptr, file->size_, PROT_READ, MAP_PRIVATE, descriptor.value(), 0);
    if (data == MAP_FAILED) throw_system_error(path, "map it");
    file->data_ = static_cast<const std::byte*>(data);
  }
  return file;
}

std::shared_ptr<const MappedFile> MappedFile::of_memory(const std::filesystem::path& path,
                                                        std::string content) {
  std::shared_ptr<MappedFile> file(new MappedFile);
  file->path_ = path;
  file->memory_ = std::move(content);
  file->data_ = reinterpret_cast<const std::byte*>(file->memory_.data());
  file->size_ = file->memory_.size();
  return file;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr && memory_.data() != reinterpret_cast<const char*>(data_))
    ::munmap(const_cast<std::byte*>(data_), size_);
}

// Not mapped: reading a file that another program cuts short meanwhile must not end this one.
std::string read_file(const std::filesystem::path& path) {
  const Descriptor descriptor(path, O_RDONLY);
  std::string content(regular_size(descriptor.value(), path) + 1, '\0');
  std::size_t size = 0;
  while (true) {
    const auto count = ::read(descriptor.value(), content.data() + size, content.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_system_error(path, "read it");
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
    if (size == content.size()) content.resize(2 * size);
  }
  content.resize(size);
  return content;
}

FileTransaction::~FileTransaction() {
  // The last first: alone, it would look like what a kill between two renames leaves.
  for (auto file = files_.rbegin(); file != files_.rend(); ++file) {
    if (file->descriptor < 0) continue;
    ::close(file->descriptor);
    if (file->named) ::unlink(file->temporary.c_str());
  }
}

std::size_t FileTransaction::add(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    errno = EISDIR;  // rename would say so too, but only when other files are in place already
    throw_system_error(path, "write it");
  }
  Pending file;
  file.path = path;
  file.temporary = folder_of(path) / part_name(path.filename().string(), ::getpid());
  open_pending(file);
  files_.push_back(std::move(file));
  return files_.size() - 1;
}

void FileTransaction::open_pending(Pending& file) {
  const auto folder = folder_of(file.path);
  file.descriptor = ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
  if (file.descriptor >= 0) return;
  // Not every file system has files without names; network ones mostly do not.
  if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL) {
    file.descriptor =
        ::open(file.temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    file.named = file.descriptor >= 0;
  }
  if (file.descriptor < 0) throw_system_error(file.path, "write it");
}

void FileTransaction::append(std::size_t file, std::span<const std::byte> bytes) {
  auto& pending = files_[file];
  while (!bytes.empty()) {
    const auto piece = bytes.first(std::min(kPiece, bytes.size()));
    const auto written = ::write(pending.descriptor, piece.data(), piece.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_system_error(pending.path, "write it");
    pending.written += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    if (pending.written - pending.pushed >= kPiece) push_to_disk(pending);
  }
}

// Starts the disk on what was written since the last time, and does not wait for it. An error of
// the disk comes out of fsync later.
void FileTransaction::push_to_disk(Pending& file) {
  ::sync_file_range(file.descriptor, static_cast<off_t>(file.pushed),
                    static_cast<off_t>(file.written - file.pushed), SYNC_FILE_RANGE_WRITE);
  file.pushed = file.written;
}

void FileTransaction::give_name(Pending& file) {
  if (file.named) return;
  const auto unnamed = fmt::format("/proc/self/fd/{}", file.descriptor);
  ::unlink(file.temporary.c_str());  // of a process of the same number, killed long ago
  if (::linkat(AT_FDCWD, unnamed.c_str(), AT_FDCWD, file.temporary.c_str(), AT_SYMLINK_FOLLOW) != 0)
    throw_system_error(file.path, "put it in place");
  file.named = true;
}

void FileTransaction::append(std::size_t file, std::string_view text) {
  append(file, std::as_bytes(std::span(text.data(), text.size())));
}

void FileTransaction::commit() {
  for (auto& file : files_) {
    if (::fsync(file.descriptor) != 0) throw_system_error(file.path, "write it to disk");
  }
  for (auto& file : files_) give_name(file);
  if (files_.size() > 1) sync_folders();
  for (auto& file : files_) {
    if (::rename(file.temporary.c_str(), file.path.c_str()) != 0)
      throw_system_error(file.path, "put it in place");
    ::close(file.descriptor);
    file.descriptor = -1;
  }
  sync_folders();
}

void FileTransaction::sync_folders() const {
  std::set<std::filesystem::path> folders;
  for (const auto& file : files_) folders.insert(folder_of(file.path));
  for (const auto& path : folders) {
    // Some file systems cannot sync folders; the files themselves are safe.
    ::fsync(Descriptor(path, O_RDONLY | O_DIRECTORY).value());
  }
}

void write_file(const std::filesystem::path& path, std::string_view content) {
  FileTransaction transaction;
  transaction.append(transaction.add(path), content);
  transaction.commit();
}

}  // namespace poseheir
