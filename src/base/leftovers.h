// What a process that was killed inside FileTransaction::commit() leaves: its files under the names
// they have before they are renamed into place. With files A, then B in one transaction: parts of
// both: nothing was renamed; the part of B alone: A is in place already and B belongs to it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace poseheir {

// ".snapshot-5.index.part123"
std::string part_name(const std::string& name, int process);

struct Leftover {
  std::filesystem::path path;
  std::string name;  // of the file that it would have become
  int process = 0;
};

// Parts in a folder, of living processes too; nothing where the folder cannot be listed.
std::vector<Leftover> leftovers_in(const std::filesystem::path& folder);

bool is_running(int process);

// Removes the part that a killed process left of this file.
void remove_leftovers_of(const std::filesystem::path& path);

}  // namespace poseheir
