#include "base/file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "poseheir/error.h"

namespace poseheir {
namespace {

[[noreturn]] void throw_system_error(const std::filesystem::path& path, std::string_view doing) {
  const int code = errno;
  std::string hint;
  if (code == ENOSPC || code == EDQUOT)
    hint = "; free some space and run the command again: nothing was changed";
  if (code == EACCES || code == EROFS || code == EPERM)
    hint = "; check who owns the folder and whether it may be written";
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

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path) {
  const Descriptor descriptor(path, O_RDONLY);
  struct stat status {};
  if (::fstat(descriptor.value(), &status) != 0) throw_system_error(path, "examine it");
  if (!S_ISREG(status.st_mode))
    throw Error(ErrorKind::io, path.string() + ": expected a file, found a folder or device");
  std::shared_ptr<MappedFile> file(new MappedFile);
  file->path_ = path;
  file->size_ = static_cast<std::size_t>(status.st_size);
  if (file->size_ > 0) {
    void* data = ::mmap(nullptr, file->size_, PROT_READ, MAP_PRIVATE, descriptor.value(), 0);
    if (data == MAP_FAILED) throw_system_error(path, "map it");
    file->data_ = static_cast<const std::byte*>(data);
  }
  return file;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

std::string read_file(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  const auto bytes = file->bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

FileTransaction::~FileTransaction() {
  for (const auto& file : files_) {
    if (file.descriptor < 0) continue;
    ::close(file.descriptor);
    ::unlink(file.temporary.c_str());
  }
}

std::size_t FileTransaction::add(const std::filesystem::path& path) {
  Pending file{
      path, folder_of(path) / fmt::format(".{}.part{}", path.filename().string(), ::getpid()), -1};
  file.descriptor = ::open(file.temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file.descriptor < 0) throw_system_error(path, "write it");
  files_.push_back(std::move(file));
  return files_.size() - 1;
}

void FileTransaction::append(std::size_t file, std::span<const std::byte> bytes) {
  const auto& pending = files_[file];
  while (!bytes.empty()) {
    const auto written = ::write(pending.descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_system_error(pending.path, "write it");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void FileTransaction::append(std::size_t file, std::string_view text) {
  append(file, std::as_bytes(std::span(text.data(), text.size())));
}

void FileTransaction::commit() {
  for (auto& file : files_) {
    if (::fsync(file.descriptor) != 0) throw_system_error(file.path, "write it to disk");
  }
  for (auto& file : files_) {
    if (::rename(file.temporary.c_str(), file.path.c_str()) != 0)
      throw_system_error(file.path, "put it in place");
    ::close(file.descriptor);
    file.descriptor = -1;
  }
  for (const auto& file : files_) {
    const Descriptor folder(folder_of(file.path), O_RDONLY | O_DIRECTORY);
    ::fsync(
        folder.value());  // some file systems cannot sync folders; the files themselves are safe
  }
}

void write_file(const std::filesystem::path& path, std::string_view content) {
  FileTransaction transaction;
  transaction.append(transaction.add(path), content);
  transaction.commit();
}

}  // namespace poseheir
