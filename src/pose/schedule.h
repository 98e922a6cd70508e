// Learning rates by iteration (spec 6.2).
#pragma once

#include <cstdint>
#include <vector>

namespace poseheir {

struct RateStep {
  double rate = 0;
  std::int64_t last_iteration = 0;  // still has this rate; the next one has the following
};

// DeepLabCut's multi_step: the iteration that equals a boundary still uses the old rate. As there,
// a boundary that is not above the one before it is never met, and its rate stays. `iteration`
// counts from the start of this run.
double multi_step_rate(const std::vector<RateStep>& steps, std::int64_t iteration);

struct CosineDecay {
  double initial = 0.0005;           // [lr_init]
  std::int64_t decay_steps = 30000;  // [decay_steps]
  double alpha = 0.02;               // [alpha_r]
};
// As TensorFlow computes it, in float32.
float cosine_rate(const CosineDecay& decay, std::int64_t iteration);

// From `peak` down a half cosine to nothing at `iterations`, after a linear rise over `warm_up`.
double warm_cosine_rate(double peak, std::int64_t iteration, std::int64_t warm_up,
                        std::int64_t iterations);

}  // namespace poseheir
