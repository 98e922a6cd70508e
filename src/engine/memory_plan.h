// Where every buffer of a plan lies: buffers whose lives do not overlap share memory.
#pragma once

#include <cstddef>
#include <vector>

namespace poseheir {

using BufferId = int;
inline constexpr BufferId kNoBuffer = -1;

class MemoryPlan {
 public:
  // A buffer that lives at `time` only, until `use` tells of other times.
  BufferId add(std::size_t bytes, int time);
  // A buffer that lives always.
  BufferId add_lasting(std::size_t bytes);
  void use(BufferId buffer, int time);
  void grow(BufferId buffer, std::size_t bytes);

  // Chooses the offsets: the largest first, each at the lowest place that is free in its time.
  void place();
  std::size_t offset(BufferId buffer) const { return buffers_[buffer].offset; }
  std::size_t total_bytes() const { return total_; }

 private:
  struct Buffer {
    std::size_t bytes = 0, offset = 0;
    int first = 0, last = 0;
  };
  std::vector<Buffer> buffers_;
  std::size_t total_ = 0;
};

}  // namespace poseheir
