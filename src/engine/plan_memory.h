// What the plans of one trainer share, since only one of them is at work at a time: the memory of
// their maps and weights, and the gradients.
#pragma once

#include <cstddef>
#include <memory>

#include "poseheir/engine.h"

namespace poseheir {

struct UnmapPages {
  std::size_t bytes = 0;
  void operator()(std::byte* pages) const;
};

// Pages that grow to the largest need so far; growing loses what they held and moves them.
class Arena {
 public:
  // Throws Error(io) where there is no memory for so much.
  void reserve(std::size_t bytes);
  std::byte* data() const { return pages_.get(); }

 private:
  std::unique_ptr<std::byte, UnmapPages> pages_;
};

struct PlanMemory {
  Arena arena;
  Parameters gradients;  // by variable, TensorFlow's layouts; empty where there is none
};

}  // namespace poseheir
