// Several files of one folder that change together or not at all, large ones included.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/folder_lock.h"

namespace poseheir {

// New files are made in a hidden folder beside their place. commit() moves them there one after
// the other; if one cannot be moved, those before it are put back. What is left of the hidden
// folder goes away with this value. A journal in it tells the next Staging what a killed one had
// moved, so that it is put back then. Holds the folder's lock while it lives.
class Staging {
 public:
  explicit Staging(const std::filesystem::path& folder);
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  const std::filesystem::path& folder() const { return staged_; }
  std::filesystem::path operator/(const std::string& name) const { return staged_ / name; }

  void replace(const std::string& name) { changes_.push_back({name, false}); }  // by the staged one
  void remove(const std::string& name) { changes_.push_back({name, true}); }
  void commit();

  // An error's text with the hidden folder taken out of its paths.
  std::string without_staging(const std::string& text) const;

 private:
  struct Change {
    std::string name;
    bool removal = false;
    bool had_old = false, done = false;
  };
  void write_journal() const;
  void apply(Change& change);
  static void roll_back(const std::filesystem::path& target, const std::filesystem::path& staged,
                        const std::vector<Change>& changes);
  static std::vector<Change> read_journal(const std::filesystem::path& target,
                                          const std::filesystem::path& staged);
  static void recover(const std::filesystem::path& target);

  std::filesystem::path target_, staged_;
  FolderLock lock_;
  std::vector<Change> changes_;
};

}  // namespace poseheir
