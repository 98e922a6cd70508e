// A step's gradients, summed over all ranks in pieces while the backward pass still runs.
#pragma once

#include <vector>

#include "poseheir/ranks.h"

namespace poseheir {

class GradientSums {
 public:
  explicit GradientSums(Ranks& ranks) : ranks_(ranks) {}

  // Begins to sum a gradient, or keeps it until it is worth a message. In the same order and of
  // the same size in every step and on every rank; must stay in place until finish().
  void add(std::vector<float>& gradient);
  // Waits; then the gradients are the sums.
  void finish();

  std::size_t bytes() const { return bytes_; }               // of the last step
  double waited_seconds() const { return waited_seconds_; }  // in all calls of finish()

 private:
  struct Bucket {
    std::vector<std::vector<float>*> gradients;
    std::vector<float> packed;  // of several gradients
    std::vector<float> total;
  };

  void begin(Bucket& bucket);

  Ranks& ranks_;
  std::vector<Bucket> buckets_;  // their memory serves every step
  std::size_t used_ = 0, open_floats_ = 0, bytes_ = 0;
  bool has_open_ = false;
  double waited_seconds_ = 0;
};

}  // namespace poseheir
