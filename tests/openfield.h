// DeepLabCut's own openfield project with the model it trained, put together in a scratch folder.
#pragma once

#include <filesystem>

#include "shared.h"
#include "temp_dir.h"

#define NEEDS_OPENFIELD                  \
  NEEDS_SHARED("reference/dlc-project"); \
  NEEDS_SHARED("data/projects/openfield-pranav/labeled-data")

namespace poseheir {

class OpenfieldProject {
 public:
  OpenfieldProject() {
    namespace fs = std::filesystem;
    for (const auto& entry : fs::recursive_directory_iterator(reference())) {
      const auto target = folder_ / entry.path().lexically_relative(reference()).string();
      if (entry.is_directory()) {
        fs::create_directories(target);
        continue;
      }
      fs::copy_file(entry.path(), target);  // the originals may be read-only
      fs::permissions(target, fs::perms::owner_write, fs::perm_options::add);
    }
    fs::create_directory_symlink(shared_folder() / "data/projects/openfield-pranav/labeled-data",
                                 folder_ / "labeled-data");
  }

  static std::filesystem::path reference() { return shared_folder() / "reference/dlc-project"; }
  const std::filesystem::path& path() const { return folder_.path(); }
  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }

 private:
  TempDir folder_;
};

}  // namespace poseheir
