#include "pose/schedule.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "poseheir/error.h"

namespace poseheir {

double multi_step_rate(const std::vector<RateStep>& steps, std::int64_t iteration) {
  if (steps.empty()) throw Error(ErrorKind::usage, "multi_step lists no learning rate");
  auto previous = std::numeric_limits<std::int64_t>::min();
  for (const auto& step : steps) {
    if (iteration <= step.last_iteration || step.last_iteration <= previous) return step.rate;
    previous = step.last_iteration;
  }
  return steps.back().rate;
}

float cosine_rate(const CosineDecay& decay, std::int64_t iteration) {
  const float done = static_cast<float>(std::min(iteration, decay.decay_steps)) /
                     static_cast<float>(decay.decay_steps);
  const float wave = 0.5F * (1.0F + std::cos(std::numbers::pi_v<float> * done));
  const float alpha = static_cast<float>(decay.alpha);
  return static_cast<float>(decay.initial) * ((1.0F - alpha) * wave + alpha);
}

double warm_cosine_rate(double peak, std::int64_t iteration, std::int64_t warm_up,
                        std::int64_t iterations) {
  if (iteration < warm_up)
    return peak * static_cast<double>(iteration + 1) / static_cast<double>(warm_up);
  const auto span = static_cast<double>(std::max<std::int64_t>(iterations - warm_up, 1));
  const double done = std::min(1.0, static_cast<double>(iteration - warm_up) / span);
  return peak * 0.5 * (1 + std::cos(std::numbers::pi * done));
}

}  // namespace poseheir
