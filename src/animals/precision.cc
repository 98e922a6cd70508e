#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "animals/assignment.h"
#include "poseheir/animal_metrics.h"

namespace poseheir {
namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
constexpr int kRecallSteps = 100;

struct Match {
  double score = 0, oks = 0;
};

double score_of(const Animal& animal) {
  if (animal.links > 0) return animal.affinity / animal.links;
  double sum = 0;
  int count = 0;
  for (const auto& point : animal.points)
    if (!std::isnan(point.likelihood)) sum += point.likelihood, ++count;
  return sum / count;
}

int labelled_points(const AnimalPose& pose) {
  return static_cast<int>(
      std::count_if(pose.begin(), pose.end(), [](const Point& p) { return !p.missing(); }));
}

// The animals of two points or more, worst score first and then turned round, as NumPy sorts.
std::vector<const Animal*> ranked(const std::vector<Animal>& animals) {
  std::vector<const Animal*> order;
  for (const auto& animal : animals)
    if (animal.found() > 1) order.push_back(&animal);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto* a, const auto* b) { return score_of(*a) < score_of(*b); });
  std::reverse(order.begin(), order.end());
  return order;
}

// Appends the frame's animals with their similarity to the labelled one that they are paired with.
int judge(const JudgedFrame& frame, const OksOptions& options, std::vector<Match>& matches) {
  const auto found = ranked(frame.found);
  std::vector<const AnimalPose*> labelled;
  for (const auto& pose : frame.labelled)
    if (labelled_points(pose) > 1) labelled.push_back(&pose);
  Matrix similarity(static_cast<int>(found.size()), static_cast<int>(labelled.size()));
  for (int row = 0; row < similarity.rows; ++row)
    for (int column = 0; column < similarity.columns; ++column) {
      const double oks = keypoint_similarity(found[row]->points, *labelled[column], options);
      if (!std::isnan(oks)) similarity.at(row, column) = oks;
    }
  const auto first = matches.size();
  for (const auto* animal : found) matches.push_back({score_of(*animal), 0});
  for (const auto& [row, column] : assign(similarity, Sense::maximise))
    matches[first + row].oks = similarity.at(row, column);
  return static_cast<int>(labelled.size());
}

// Mean over recalls 0, 0.01, … 1 of the best precision at that recall or a higher one; and the
// recall that is reached.
AveragePrecision at_threshold(const std::vector<Match>& matches, int labelled, double threshold) {
  std::vector<double> recall, precision;
  int right = 0, seen = 0;
  for (const auto& match : matches) {
    ++seen;
    if (match.oks >= threshold) ++right;
    recall.push_back(double(right) / labelled);
    precision.push_back(right / (seen + kEpsilon));
  }
  for (auto n = precision.size(); n-- > 1;)
    precision[n - 1] = std::max(precision[n - 1], precision[n]);
  double sum = 0;
  for (int step = 0; step <= kRecallSteps; ++step) {
    const double wanted = step == kRecallSteps ? 1 : step * (1.0 / kRecallSteps);
    const auto at = std::lower_bound(recall.begin(), recall.end(), wanted) - recall.begin();
    if (at < static_cast<std::ptrdiff_t>(precision.size())) sum += precision[at];
  }
  return {sum / (kRecallSteps + 1), recall.back()};
}

}  // namespace

double keypoint_similarity(const std::vector<AssembledPoint>& predicted, const AnimalPose& labelled,
                           const OksOptions& options) {
  double left = INFINITY, top = INFINITY, right = -INFINITY, bottom = -INFINITY;
  int count = 0;
  for (const auto& point : labelled) {
    if (point.missing()) continue;
    left = std::min(left, point.x), right = std::max(right, point.x);
    top = std::min(top, point.y), bottom = std::max(bottom, point.y);
    ++count;
  }
  if (count < 2) return kMissing;
  const double area = (right - left + kEpsilon + options.margin * 2) *
                      (bottom - top + kEpsilon + options.margin * 2);
  if (std::abs(area) <= 1e-8) return kMissing;
  const double scale = 2 * area * (2 * options.sigma) * (2 * options.sigma);
  double sum = 0;
  for (std::size_t n = 0; n < labelled.size(); ++n) {
    if (labelled[n].missing() || predicted[n].missing()) continue;
    const double dx = predicted[n].x - labelled[n].x, dy = predicted[n].y - labelled[n].y;
    sum += std::exp(-(dx * dx + dy * dy) / scale);
  }
  return sum / count;
}

AveragePrecision average_precision(std::span<const JudgedFrame> frames, const OksOptions& options) {
  std::vector<Match> matches;
  int labelled = 0;
  for (const auto& frame : frames) labelled += judge(frame, options, matches);
  if (matches.empty()) return {};
  std::stable_sort(matches.begin(), matches.end(),
                   [](const Match& a, const Match& b) { return a.score > b.score; });
  constexpr int kThresholds = 10;
  AveragePrecision mean;
  for (int n = 0; n < kThresholds; ++n) {
    // NumPy's linspace(0.5, 0.95, 10), to the last bit.
    const double threshold = n == kThresholds - 1 ? 0.95 : 0.5 + n * (0.45 / 9);
    const auto [map, mar] = at_threshold(matches, labelled, threshold);
    mean.map += map / kThresholds;
    mean.mar += mar / kThresholds;
  }
  return mean;
}

}  // namespace poseheir
