#include "pose/loader.h"

#include "poseheir/error.h"

namespace poseheir {

PictureCache::PictureCache(std::vector<std::filesystem::path> paths, std::size_t budget_bytes)
    : paths_(std::move(paths)), pictures_(paths_.size()), budget_(budget_bytes) {}

std::shared_ptr<const Image> PictureCache::get(std::size_t index) {
  {
    const std::scoped_lock lock(mutex_);
    if (pictures_[index]) return pictures_[index];
  }
  auto picture = std::make_shared<const Image>(read_image(paths_[index]));
  const std::scoped_lock lock(mutex_);
  if (!pictures_[index] && picture->pixels.size() <= budget_) {
    budget_ -= picture->pixels.size();
    pictures_[index] = picture;
  }
  return picture;
}

BatchLoader::BatchLoader(Make make, std::int64_t first_iteration, int workers, int ahead)
    : make_(std::move(make)),
      next_to_make_(first_iteration),
      next_to_take_(first_iteration),
      ahead_(ahead) {
  for (int i = 0; i < workers; ++i) workers_.emplace_back([this] { work(); });
}

BatchLoader::~BatchLoader() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  taken_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void BatchLoader::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    taken_.wait(lock, [this] { return stopping_ || next_to_make_ < next_to_take_ + ahead_; });
    if (stopping_) return;
    const auto iteration = next_to_make_++;
    lock.unlock();
    Outcome outcome;
    try {
      outcome = make_(iteration);
    } catch (...) {
      outcome = std::current_exception();
    }
    lock.lock();
    ready_.emplace(iteration, std::move(outcome));
    made_.notify_all();
  }
}

Batch BatchLoader::next() {
  std::unique_lock lock(mutex_);
  made_.wait(lock, [this] { return ready_.contains(next_to_take_); });
  auto outcome = std::move(ready_.extract(next_to_take_).mapped());
  if (auto* failure = std::get_if<std::exception_ptr>(&outcome)) {
    // The same batch fails again for whoever asks again.
    ready_.emplace(next_to_take_, *failure);
    std::rethrow_exception(*failure);
  }
  ++next_to_take_;
  lock.unlock();
  taken_.notify_all();
  return std::get<Batch>(std::move(outcome));
}

}  // namespace poseheir
