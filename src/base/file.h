// Files: mapped for reading, and written whole or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace poseheir {

// A file mapped read-only; pages are touched when used. Throws Error(io), naming the file.
class MappedFile {
 public:
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);
  // Bytes in memory that stand for a file: for tests and fuzzing.
  static std::shared_ptr<const MappedFile> of_memory(const std::filesystem::path& path,
                                                     std::string content);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::filesystem::path& path() const { return path_; }

 private:
  MappedFile() = default;
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::string memory_;
};

std::string read_file(const std::filesystem::path& path);

// Several files that appear together or not at all: each is written without a name (beside its
// final name where the file system cannot do that), then all are synced and renamed in the order in
// which they were added. Not committed: nothing is left behind. Killed while commit() renames: see
// leftovers.h.
//
// Writing reaches the disk while it goes on: a copy of 94 MB, synced at the end, takes 75 ms so,
// 102 ms if the sync starts only then, and `cp`, unsynced, 100 ms (medians of 15 on ext4, a virtual
// disk, 2 busy cores; 64, 94 and 92 ms at the lower quartile).
class FileTransaction {
 public:
  FileTransaction() = default;
  ~FileTransaction();
  FileTransaction(const FileTransaction&) = delete;
  FileTransaction& operator=(const FileTransaction&) = delete;

  // Opens the file that will become `path`; index for append().
  std::size_t add(const std::filesystem::path& path);
  void append(std::size_t file, std::span<const std::byte> bytes);
  void append(std::size_t file, std::string_view text);
  void commit();

 private:
  struct Pending {
    std::filesystem::path path, temporary;
    int descriptor = -1;
    bool named = false;  // `temporary` exists
    std::uint64_t written = 0, pushed = 0;
  };

  static void open_pending(Pending& file);
  static void push_to_disk(Pending& file);
  static void give_name(Pending& file);
  void sync_folders() const;

  std::vector<Pending> files_;
};

// One file by FileTransaction.
void write_file(const std::filesystem::path& path, std::string_view content);

}  // namespace poseheir
