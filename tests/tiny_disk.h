// A disk of one megabyte or a few, to be filled; needs root.
#pragma once

#include <string>
#include <sys/mount.h>

#include "temp_dir.h"

namespace poseheir {

class TinyDisk {
 public:
  explicit TinyDisk(int megabytes = 1)
      : mounted_(::mount("tmpfs", folder_.path().c_str(), "tmpfs", 0,
                         ("size=" + std::to_string(megabytes) + "m").c_str()) == 0) {}
  ~TinyDisk() {
    if (mounted_) ::umount2(folder_.path().c_str(), MNT_DETACH);
  }
  TinyDisk(const TinyDisk&) = delete;
  TinyDisk& operator=(const TinyDisk&) = delete;

  bool mounted() const { return mounted_; }
  void make_read_only() const {
    ::mount("tmpfs", folder_.path().c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "");
  }
  const std::filesystem::path& path() const { return folder_.path(); }

 private:
  TempDir folder_;
  bool mounted_;
};

}  // namespace poseheir
