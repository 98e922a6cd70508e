// A mapped file of given content, without the wait for the disk that write_file makes.
#pragma once

#include <fstream>
#include <string>

#include "base/file.h"
#include "temp_dir.h"

namespace poseheir {

inline std::shared_ptr<const MappedFile> mapped(const std::string& content) {
  const TempDir folder;
  std::ofstream(folder / "m.pt", std::ios::binary) << content;
  return MappedFile::open(folder / "m.pt");
}

}  // namespace poseheir
