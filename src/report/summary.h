// What a comparison says: intervals, gains and the sentence at the top, from plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "poseheir/report.h"

namespace poseheir {

// A mean with its 95 % bootstrap interval over pictures (their points are not independent).
struct Interval {
  double mean = kMissing, low = kMissing, high = kMissing;
  std::int64_t points = 0;
};

// Mean of distances[rows][part], or of all parts where part is negative.
Interval bootstrap_mean(const std::vector<std::vector<double>>& distances,
                        const std::vector<int>& rows, int part);

// Mean of `other` minus mean of `first`, pictures paired: positive where `first` is better.
Interval bootstrap_gain(const RunReport& first, const RunReport& other);

struct CutoffPoint {
  double cutoff = 0;
  double train = kMissing, test = kMissing;              // pixels, points of likelihood >= cutoff
  double train_share = kMissing, test_share = kMissing;  // of the labelled points
};
std::vector<CutoffPoint> error_over_cutoff(const RunReport& run);

// The first evaluation of a run whose test error is at most `error`; nothing if none is.
std::optional<ErrorPoint> first_at(const RunReport& run, double error);

// Exponential running mean, without the bias of its start.
std::vector<double> smoothed(const std::vector<double>& values, double weight);

enum class Outcome { gain, loss, unclear, unknown };
struct Verdict {
  Outcome outcome = Outcome::unknown;
  std::string sentence;
  std::string speed;  // a second sentence: how much sooner; may be empty
};
Verdict judge(const std::vector<RunReport>& runs);

std::string pixels_text(double pixels);  // "4.21", "12.3", "–" for NaN

}  // namespace poseheir
