#include "pose/error_history.h"

#include <cmath>

namespace poseheir {

double ranking_error(const ErrorSummary& errors) {
  return std::isnan(errors.test) ? errors.train : errors.test;
}

bool ErrorHistory::add(const ErrorPoint& point) {
  last_ = point;
  const double error = ranking_error(point.errors);
  const bool better = !std::isnan(error) && (!best_ || error < ranking_error(best_->errors));
  if (better) best_ = point;
  since_best_ = better ? 0 : since_best_ + 1;
  return better;
}

ErrorHistory history_of(const std::vector<ErrorPoint>& curve) {
  ErrorHistory history;
  for (const auto& point : curve) history.add(point);
  return history;
}

}  // namespace poseheir
