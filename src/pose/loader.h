// Pictures kept in memory, and batches prepared beside the computing.
#pragma once

#include <condition_variable>
#include <exception>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "pose/batches.h"

namespace poseheir {

// Decodes each picture once and keeps it as bytes while the budget lasts; then reads it again.
class PictureCache {
 public:
  PictureCache(std::vector<std::filesystem::path> paths, std::size_t budget_bytes);

  // Throws Error that begins with the picture's path.
  std::shared_ptr<const Image> get(std::size_t index);
  std::size_t size() const { return paths_.size(); }

 private:
  std::vector<std::filesystem::path> paths_;
  std::vector<std::shared_ptr<const Image>> pictures_;
  std::size_t budget_;
  std::mutex mutex_;
};

// Batches by iteration, in order, made ahead of time by `workers` threads that stand back for the
// engine's: a thread of the engine that cannot run keeps all others waiting. Where other programs
// leave such workers no time, next() makes its batch itself; so `make` is called from any thread,
// perhaps twice for an iteration. What a worker throws, next() throws for that iteration.
class BatchLoader {
 public:
  using Make = std::function<Batch(std::int64_t iteration)>;
  BatchLoader(Make make, std::int64_t first_iteration, int workers, int ahead);
  ~BatchLoader();
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;

  Batch next();

 private:
  using Outcome = std::variant<Batch, std::exception_ptr>;
  void work();
  Outcome outcome_of(std::int64_t iteration);  // tells make_seconds_
  bool wait_for_workers(std::unique_lock<std::mutex>& lock);

  Make make_;
  std::int64_t next_to_make_, next_to_take_;
  int ahead_;
  bool stopping_ = false;
  double make_seconds_ = 1;     // of processor time, about, for a batch
  bool made_the_last_ = false;  // next() did
  std::map<std::int64_t, Outcome> ready_;
  std::mutex mutex_;
  std::condition_variable made_, taken_;
  std::vector<std::thread> workers_;
};

}  // namespace poseheir
