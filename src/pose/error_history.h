// The errors measured in a run so far: which was the best, and how long ago.
#pragma once

#include <optional>
#include <vector>

#include "poseheir/metrics.h"

namespace poseheir {

// What snapshots are ranked by: the test error, or the training error where nothing is kept for
// testing. NaN where neither was measured.
double ranking_error(const ErrorSummary& errors);

class ErrorHistory {
 public:
  // True where it is the best so far.
  bool add(const ErrorPoint& point);

  const std::optional<ErrorPoint>& best() const { return best_; }
  const std::optional<ErrorPoint>& last() const { return last_; }
  int measured_since_best() const { return since_best_; }

 private:
  std::optional<ErrorPoint> best_, last_;
  int since_best_ = 0;
};

ErrorHistory history_of(const std::vector<ErrorPoint>& curve);

}  // namespace poseheir
