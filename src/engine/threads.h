// How many threads a computation uses.
#pragma once

namespace poseheir {

// What this process may use: its CPU affinity and, where it runs in a container, its share of time.
int available_threads();

// OpenMP's number of threads for the calling thread, while this lives.
class ThreadScope {
 public:
  explicit ThreadScope(int threads);  // 0: all available
  ~ThreadScope();
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;

 private:
  int before_;
};

}  // namespace poseheir
