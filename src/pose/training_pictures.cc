#include "pose/training_pictures.h"

#include <fmt/format.h>

#include "base/crc32c.h"
#include "base/file.h"
#include "poseheir/error.h"

namespace poseheir {

PictureSums checksums_of_pictures(const std::vector<std::filesystem::path>& paths) {
  std::vector<std::string> missing;
  for (const auto& path : paths)
    if (!std::filesystem::exists(path)) missing.push_back(path.string());
  if (!missing.empty())
    throw Error(ErrorKind::io,
                fmt::format("{}: no such picture{}; put it back, or make the training set anew "
                            "(poseheir create-training-dataset)",
                            missing.front(),
                            missing.size() == 1 ? std::string()
                                                : fmt::format(" (and {} more of {} are missing)",
                                                              missing.size() - 1, paths.size())));
  PictureSums sums;
  // Read, not mapped: a picture that is written anew meanwhile must not end the program.
  for (const auto& path : paths) {
    const auto content = read_file(path);
    sums.all = crc32c(as_bytes_of(content), sums.all);
    sums.each.push_back(crc32c(as_bytes_of(content)));
  }
  return sums;
}

TrainingPictures::TrainingPictures(std::vector<std::filesystem::path> paths,
                                   std::size_t budget_bytes, bool strict,
                                   std::function<void(const std::string&)> tell)
    : cache_(std::move(paths), budget_bytes),
      strict_(strict),
      tell_(std::move(tell)),
      known_(cache_.size(), Known::nothing) {}

int TrainingPictures::usable(int index) {
  const int count = static_cast<int>(known_.size());
  for (int step = 0; step < count; ++step) {
    const int candidate = (index + step) % count;
    if (can_be_decoded(candidate)) return candidate;
  }
  const std::scoped_lock lock(mutex_);
  throw Error(
      ErrorKind::corrupt,
      fmt::format("none of the {} training pictures can be decoded, such as {}", count, problem_));
}

bool TrainingPictures::can_be_decoded(int index) {
  {
    const std::scoped_lock lock(mutex_);
    if (known_[index] != Known::nothing) return known_[index] == Known::good;
  }
  std::string problem;
  try {
    get(index);
  } catch (const Error& error) {
    if (strict_) throw;
    problem = error.what();
  }
  const std::scoped_lock lock(mutex_);
  const bool first = known_[index] == Known::nothing;
  if (!problem.empty()) problem_ = problem;
  known_[index] = problem.empty() ? Known::good : Known::bad;
  if (first && !problem.empty() && tell_)
    tell_(problem + "; passed over (--strict refuses instead)");
  return problem.empty();
}

}  // namespace poseheir
