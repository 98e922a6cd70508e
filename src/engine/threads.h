// How many threads a computation uses.
#pragma once

#include <string>
#include <vector>

namespace poseheir {

// What this process may use: its CPU affinity and, where it runs in a container, its share of time.
int available_threads();

// Folders of the control groups (version 2) that this process is in, the root first.
std::vector<std::string> control_groups();

// The smallest share of time among these, in processors; 0: no limit.
double cpu_limit();

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
