// What train --dry-run prints.
#pragma once

#include "cli/output.h"
#include "poseheir/train.h"

namespace poseheir {

void print_forecast(const TrainingForecast& forecast, const Output& output, bool json);

}  // namespace poseheir
