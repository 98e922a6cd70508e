// The pictures of a training set: told apart by checksum, kept in memory, and those that cannot be
// decoded passed over.
#pragma once

#include <functional>
#include <string>

#include "pose/loader.h"

namespace poseheir {

struct PictureSums {
  std::uint32_t all = 0;            // CRC-32C over the contents of all files, in order
  std::vector<std::uint32_t> each;  // of one file
};
// Throws Error(io) that names the first that is
// missing and says how many are.
PictureSums checksums_of_pictures(const std::vector<std::filesystem::path>& paths);

class TrainingPictures {
 public:
  // `tell` gets a line for each picture that cannot be decoded, from any thread, once. With
  // `strict` such a picture is an error instead.
  TrainingPictures(std::vector<std::filesystem::path> paths, std::size_t budget_bytes, bool strict,
                   std::function<void(const std::string&)> tell);

  // The picture itself or the next one of the list that can be decoded: the same for the same
  // files, whatever was asked before. Throws Error(corrupt) when there is none.
  int usable(int index);
  std::shared_ptr<const Image> get(int index) {
    return cache_.get(static_cast<std::size_t>(index));
  }

 private:
  bool can_be_decoded(int index);

  enum class Known : std::uint8_t { nothing, good, bad };
  PictureCache cache_;
  bool strict_;
  std::function<void(const std::string&)> tell_;
  std::mutex mutex_;
  std::vector<Known> known_;
  std::string problem_;  // of one that cannot be decoded
};

}  // namespace poseheir
