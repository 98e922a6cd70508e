// Room on disks: how much there is, and some kept for the moment when there is none.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace poseheir {

// What this user may still write there; nothing where the file system does not tell.
std::optional<std::uint64_t> room_at(const std::filesystem::path& folder);

// The folder itself, or the one nearest above it that exists.
std::filesystem::path existing_part(std::filesystem::path folder);
// Throws Error(io) where this user may not write there.
void require_writable(const std::filesystem::path& folder);

// Room that nobody else gets while this lives. It has no name: a killed process leaves none of it.
class ReservedRoom {
 public:
  // Throws Error(io) that names the folder when the disk has less.
  ReservedRoom(const std::filesystem::path& folder, std::uint64_t bytes);
  ~ReservedRoom();
  ReservedRoom(const ReservedRoom&) = delete;
  ReservedRoom& operator=(const ReservedRoom&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace poseheir
