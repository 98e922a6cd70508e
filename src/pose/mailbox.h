// Lines told by other threads, until the training thread passes them on.
#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace poseheir {

class Mailbox {
 public:
  void put(const std::string& line) {
    const std::scoped_lock lock(mutex_);
    lines_.push_back(line);
  }
  std::vector<std::string> take() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(lines_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

}  // namespace poseheir
