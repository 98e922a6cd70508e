#include "report/summary.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "base/text.h"

namespace poseheir {
namespace {

constexpr int kResamples = 2000;

// A small generator of its own: the same report on every machine.
class Draws {
 public:
  std::size_t below(std::size_t count) {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::size_t>((state_ >> 33U) % count);
  }

 private:
  std::uint64_t state_ = 2026;
};

struct Sum {
  double total = 0;
  std::int64_t points = 0;
};

Sum sum_of(const std::vector<double>& distances, int part) {
  Sum sum;
  for (std::size_t i = 0; i < distances.size(); ++i) {
    if (std::isnan(distances[i]) || (part >= 0 && i != static_cast<std::size_t>(part))) continue;
    sum.total += distances[i];
    ++sum.points;
  }
  return sum;
}

// Rows of the tables that exist; a row out of range would be a split of another project.
std::vector<Sum> sums_of(const std::vector<std::vector<double>>& distances,
                         const std::vector<int>& rows, int part) {
  std::vector<Sum> sums;
  for (const int row : rows)
    if (row >= 0 && static_cast<std::size_t>(row) < distances.size())
      sums.push_back(sum_of(distances[static_cast<std::size_t>(row)], part));
  return sums;
}

// `statistic` of a list of row numbers, for the sample itself and resamples of it.
template <typename Statistic>
Interval bootstrap(std::size_t rows, const Statistic& statistic) {
  Interval interval;
  std::vector<std::size_t> chosen(rows);
  for (std::size_t i = 0; i < rows; ++i) chosen[i] = i;
  interval.mean = statistic(chosen);
  if (rows < 2 || std::isnan(interval.mean)) return interval;
  Draws draws;
  std::vector<double> values;
  for (int k = 0; k < kResamples; ++k) {
    for (auto& row : chosen) row = draws.below(rows);
    const double value = statistic(chosen);
    if (!std::isnan(value)) values.push_back(value);
  }
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
  };
  interval.low = at(0.025);
  interval.high = at(0.975);
  return interval;
}

double mean_of(const std::vector<Sum>& sums, const std::vector<std::size_t>& chosen) {
  double total = 0;
  std::int64_t points = 0;
  for (const auto row : chosen) {
    total += sums[row].total;
    points += sums[row].points;
  }
  return points == 0 ? kMissing : total / static_cast<double>(points);
}

const RunReport* best_other(const std::vector<RunReport>& runs) {
  const RunReport* best = nullptr;
  for (std::size_t i = 1; i < runs.size(); ++i)
    if (!std::isnan(runs[i].metrics.all.test) &&
        (best == nullptr || runs[i].metrics.all.test < best->metrics.all.test))
      best = &runs[i];
  return best;
}

Outcome outcome_of(const RunReport& first, const RunReport& other, const Interval& gain) {
  if (!std::isnan(gain.low))
    return gain.low > 0 ? Outcome::gain : gain.high < 0 ? Outcome::loss : Outcome::unclear;
  const double ratio = other.metrics.all.test / first.metrics.all.test;
  return ratio > 1.02 ? Outcome::gain : ratio < 0.98 ? Outcome::loss : Outcome::unclear;
}

std::string interval_text(const Interval& gain, std::size_t pictures) {
  if (std::isnan(gain.low)) return "";
  return fmt::format(" (difference {} px, 95 % interval {} to {} px, over {} test pictures)",
                     pixels_text(gain.mean), pixels_text(gain.low), pixels_text(gain.high),
                     pictures);
}

std::string sentence_of(Outcome outcome, const RunReport& first, const RunReport& other,
                        const Interval& gain) {
  const double mine = first.metrics.all.test, its = other.metrics.all.test;
  const auto note = interval_text(gain, first.split.test.size());
  const bool inherits = !first.transferred.empty();
  const auto subject = inherits ? std::string("The inheritance") : "“" + first.name + "”";
  const auto with = inherits ? std::string("with it") : "with “" + first.name + "”";
  const auto without = inherits && first.name != other.name ? "without it (“" + other.name + "”)"
                                                            : "with “" + other.name + "”";
  switch (outcome) {
    case Outcome::gain:
      return fmt::format(
          "{} helped: the test error is {} px {} and {} px {}, {:.2f} times smaller{}.", subject,
          pixels_text(mine), with, pixels_text(its), without, its / mine, note);
    case Outcome::loss:
      return fmt::format(
          "{} did not help: the test error is {} px {} and {} px {}, {:.2f} times larger{}.",
          subject, pixels_text(mine), with, pixels_text(its), without, mine / its, note);
    default:
      return fmt::format("{} made no clear difference: the test error is {} px {} and {} px {}{}.",
                         subject, pixels_text(mine), with, pixels_text(its), without, note);
  }
}

double best_error(const RunReport& run) {
  double best = kMissing;
  for (const auto& point : run.errors)
    if (!(point.errors.test >= best))
      best = std::isnan(point.errors.test) ? best : point.errors.test;
  return best;
}

// Who reaches the best error of the slower run first, and how much sooner.
std::string speed_of(const RunReport& first, const RunReport& other) {
  const double target = std::max(best_error(first), best_error(other));
  if (std::isnan(target) || first.errors.size() < 2 || other.errors.size() < 2) return "";
  const auto mine = first_at(first, target), its = first_at(other, target);
  if (!mine || !its || mine->iteration == its->iteration) return "";
  auto text = fmt::format(
      "A test error of {} px is reached after {} iterations with “{}” and after {} with “{}”",
      pixels_text(target), mine->iteration, first.name, its->iteration, other.name);
  const auto sooner = static_cast<double>(its->iteration) /
                      static_cast<double>(std::max<std::int64_t>(mine->iteration, 1));
  if (mine->iteration > 0 && its->iteration > 0)
    text += sooner > 1 ? fmt::format(", {:.1f} times sooner", sooner)
                       : fmt::format(", {:.1f} times later", 1 / sooner);
  if (mine->seconds > 0 && its->seconds > 0)
    text += fmt::format(" ({} and {} of training)", duration_text(mine->seconds),
                        duration_text(its->seconds));
  return text + ".";
}

}  // namespace

Interval bootstrap_mean(const std::vector<std::vector<double>>& distances,
                        const std::vector<int>& rows, int part) {
  const auto sums = sums_of(distances, rows, part);
  auto interval = bootstrap(
      sums.size(), [&](const std::vector<std::size_t>& chosen) { return mean_of(sums, chosen); });
  for (const auto& sum : sums) interval.points += sum.points;
  return interval;
}

Interval bootstrap_gain(const RunReport& first, const RunReport& other) {
  const auto mine = sums_of(first.metrics.distances, first.split.test, -1);
  const auto its = sums_of(other.metrics.distances, other.split.test, -1);
  if (first.split.test != other.split.test || mine.size() != its.size()) return {};
  return bootstrap(mine.size(), [&](const std::vector<std::size_t>& chosen) {
    return mean_of(its, chosen) - mean_of(mine, chosen);
  });
}

std::vector<CutoffPoint> error_over_cutoff(const RunReport& run) {
  std::vector<CutoffPoint> curve;
  if (run.likelihoods.size() != run.metrics.distances.size()) return curve;
  const auto fill = [&](const std::vector<int>& rows, double cutoff, double& error, double& share) {
    Sum kept;
    std::int64_t all = 0;
    for (const int row : rows) {
      if (row < 0 || static_cast<std::size_t>(row) >= run.likelihoods.size()) continue;
      const auto& distances = run.metrics.distances[static_cast<std::size_t>(row)];
      const auto& likelihoods = run.likelihoods[static_cast<std::size_t>(row)];
      for (std::size_t i = 0; i < std::min(distances.size(), likelihoods.size()); ++i) {
        if (std::isnan(distances[i])) continue;
        ++all;
        if (!(likelihoods[i] >= cutoff)) continue;
        kept.total += distances[i];
        ++kept.points;
      }
    }
    error = kept.points == 0 ? kMissing : kept.total / static_cast<double>(kept.points);
    share = all == 0 ? kMissing : static_cast<double>(kept.points) / static_cast<double>(all);
  };
  for (int step = 0; step <= 19; ++step) {
    CutoffPoint point;
    point.cutoff = step / 20.0;
    fill(run.split.train, point.cutoff, point.train, point.train_share);
    fill(run.split.test, point.cutoff, point.test, point.test_share);
    curve.push_back(point);
  }
  return curve;
}

std::optional<ErrorPoint> first_at(const RunReport& run, double error) {
  for (const auto& point : run.errors)
    if (point.errors.test <= error) return point;
  return {};
}

std::vector<double> smoothed(const std::vector<double>& values, double weight) {
  std::vector<double> result;
  double sum = 0, total = 0;
  for (const double value : values) {
    if (!std::isnan(value)) {
      sum = weight * sum + (1 - weight) * value;
      total = weight * total + (1 - weight);
    }
    result.push_back(total > 0 ? sum / total : kMissing);
  }
  return result;
}

Verdict judge(const std::vector<RunReport>& runs) {
  if (runs.empty() || std::isnan(runs[0].metrics.all.test))
    return {Outcome::unknown, "There is no test error yet: evaluate the runs, then compare again.",
            ""};
  const RunReport& first = runs[0];
  const RunReport* other = best_other(runs);
  if (other == nullptr)
    return {Outcome::unknown,
            fmt::format("“{}” has a test error of {} px; there is no other run to compare it with.",
                        first.name, pixels_text(first.metrics.all.test)),
            ""};
  const auto gain = bootstrap_gain(first, *other);
  const auto outcome = outcome_of(first, *other, gain);
  return {outcome, sentence_of(outcome, first, *other, gain), speed_of(first, *other)};
}

std::string pixels_text(double pixels) {
  if (std::isnan(pixels)) return "–";
  const double size = std::abs(pixels);
  return size < 10    ? fmt::format("{:.2f}", pixels)
         : size < 100 ? fmt::format("{:.1f}", pixels)
                      : fmt::format("{:.0f}", pixels);
}

}  // namespace poseheir
