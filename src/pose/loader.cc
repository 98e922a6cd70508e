#include "pose/loader.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#ifdef __linux__
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "poseheir/error.h"

namespace poseheir {
namespace {

double processor_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// The least share of a processor that others want.
void stand_back() {
#ifdef __linux__  // elsewhere the whole process would
  constexpr int kNicest = 19;
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), kNicest);
#endif
}

}  // namespace

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

BatchLoader::Outcome BatchLoader::outcome_of(std::int64_t iteration) {
  constexpr double kNewShare = 0.2;  // of the mean
  const double start = processor_seconds();
  Outcome outcome;
  try {
    outcome = make_(iteration);
  } catch (...) {
    outcome = std::current_exception();
  }
  const double took = processor_seconds() - start;
  const std::scoped_lock lock(mutex_);
  make_seconds_ += kNewShare * (took - make_seconds_);
  return outcome;
}

void BatchLoader::work() {
  stand_back();
  std::unique_lock lock(mutex_);
  while (true) {
    taken_.wait(lock, [this] { return stopping_ || next_to_make_ < next_to_take_ + ahead_; });
    if (stopping_) return;
    const auto iteration = next_to_make_++;
    lock.unlock();
    auto outcome = outcome_of(iteration);
    lock.lock();
    // Unless next() has made it meanwhile.
    if (iteration >= next_to_take_) ready_.emplace(iteration, std::move(outcome));
    made_.notify_all();
  }
}

// As long as workers that are not held up may need.
bool BatchLoader::wait_for_workers(std::unique_lock<std::mutex>& lock) {
  constexpr double kPatience = 2;
  const auto is_ready = [this] { return ready_.contains(next_to_take_); };
  if (is_ready() || made_the_last_) return is_ready();
  return made_.wait_for(lock, std::chrono::duration<double>(kPatience * make_seconds_), is_ready);
}

Batch BatchLoader::next() {
  std::unique_lock lock(mutex_);
  made_the_last_ = !wait_for_workers(lock);
  if (made_the_last_) {
    next_to_make_ = std::max(next_to_make_, next_to_take_ + 1);
    lock.unlock();
    auto outcome = outcome_of(next_to_take_);
    lock.lock();
    ready_.emplace(next_to_take_, std::move(outcome));
  }
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
