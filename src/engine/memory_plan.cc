#include "engine/memory_plan.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace poseheir {

namespace {

std::size_t aligned(std::size_t bytes) {
  constexpr std::size_t kCacheLine = 64;
  return (bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
}

}  // namespace

BufferId MemoryPlan::add(std::size_t bytes, int time) {
  buffers_.push_back({aligned(bytes), 0, time, time});
  return static_cast<BufferId>(buffers_.size()) - 1;
}

void MemoryPlan::grow(BufferId buffer, std::size_t bytes) {
  buffers_[buffer].bytes = std::max(buffers_[buffer].bytes, aligned(bytes));
}

BufferId MemoryPlan::add_lasting(std::size_t bytes) {
  const auto buffer = add(bytes, std::numeric_limits<int>::min());
  use(buffer, std::numeric_limits<int>::max());
  return buffer;
}

void MemoryPlan::use(BufferId buffer, int time) {
  auto& b = buffers_[buffer];
  b.first = std::min(b.first, time);
  b.last = std::max(b.last, time);
}

void MemoryPlan::place() {
  std::vector<int> order(buffers_.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return buffers_[a].bytes > buffers_[b].bytes; });
  std::vector<int> placed;  // by offset
  for (const int id : order) {
    auto& buffer = buffers_[id];
    std::size_t offset = 0;
    for (const int other : placed) {
      const auto& taken = buffers_[other];
      if (taken.last < buffer.first || buffer.last < taken.first) continue;
      if (offset + buffer.bytes <= taken.offset) break;
      offset = std::max(offset, taken.offset + taken.bytes);
    }
    buffer.offset = offset;
    total_ = std::max(total_, offset + buffer.bytes);
    placed.insert(
        std::upper_bound(placed.begin(), placed.end(), id,
                         [&](int a, int b) { return buffers_[a].offset < buffers_[b].offset; }),
        id);
  }
}

}  // namespace poseheir
