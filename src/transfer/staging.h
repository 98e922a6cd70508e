// Several files of one folder that change together or not at all, large ones included.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace poseheir {

// New files are made in a hidden folder beside their place. commit() moves them there one after
// the other; if one cannot be moved, those before it are put back. What is left of the hidden
// folder goes away with this value.
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
  void apply(Change& change);
  void roll_back();

  std::filesystem::path target_, staged_;
  std::vector<Change> changes_;
};

}  // namespace poseheir
