#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "poseheir/animal_metrics.h"

namespace poseheir {
namespace {

// A point and the animal that it is of.
struct OwnedPoint {
  Point place;
  int animal = 0;
};

std::vector<OwnedPoint> labelled_points(const LabelledFrame& labels) {
  std::vector<OwnedPoint> points;
  for (std::size_t animal = 0; animal < labels.animals.size(); ++animal)
    for (const auto& point : labels.animals[animal])
      if (!point.missing()) points.push_back({point, static_cast<int>(animal)});
  return points;
}

std::vector<OwnedPoint> found_points(const std::vector<Animal>& animals) {
  std::vector<OwnedPoint> points;
  for (std::size_t animal = 0; animal < animals.size(); ++animal)
    for (const auto& point : animals[animal].points)
      if (!point.missing()) points.push_back({{point.x, point.y}, static_cast<int>(animal)});
  return points;
}

std::vector<Point> places(const std::vector<OwnedPoint>& points) {
  std::vector<Point> result;
  for (const auto& point : points) result.push_back(point.place);
  return result;
}

bool several_animals(const std::vector<OwnedPoint>& points) {
  return std::any_of(points.begin(), points.end(),
                     [&](const auto& point) { return point.animal != points[0].animal; });
}

// How many of the matched points lie in a found animal together with most of their own.
double purity(const std::vector<OwnedPoint>& labelled, const std::vector<OwnedPoint>& found) {
  const auto matches = match_nearest(places(labelled), places(found));
  std::map<int, std::map<int, int>> counts;  // [found animal][labelled animal]
  double all = 0, most = 0;
  for (std::size_t n = 0; n < matches.size(); ++n) {
    if (matches[n] < 0) continue;
    ++counts[found[matches[n]].animal][labelled[n].animal];
    ++all;
  }
  for (const auto& [animal, of] : counts)
    most += std::max_element(of.begin(), of.end(), [](const auto& a, const auto& b) {
              return a.second < b.second;
            })->second;
  return most / all;
}

struct Sample {
  std::vector<double> values;

  void add(double value) {
    if (!std::isnan(value)) values.push_back(value);
  }
  double mean() const {
    double sum = 0;
    for (const double value : values) sum += value;
    return sum / double(values.size());
  }
  double deviation() const {  // of a sample
    double sum = 0;
    for (const double value : values) sum += (value - mean()) * (value - mean());
    return std::sqrt(sum / (double(values.size()) - 1));
  }
};

SkeletonScore judge(std::span<const EvaluatedFrame> frames, const AssemblyOptions& options,
                    const OksOptions& oks) {
  SkeletonScore score;
  score.limbs = options.limbs;
  Sample miss, pure;
  std::vector<JudgedFrame> train, test;
  for (const auto& [labels, detections, is_train] : frames) {
    auto animals = assemble(detections, options).animals;
    const auto labelled = labelled_points(labels), found = found_points(animals);
    if (several_animals(labelled)) {
      const double share =
          (double(labelled.size()) - double(found.size())) / double(labelled.size());
      miss.add(std::max(0.0, share));
      if (!animals.empty()) pure.add(purity(labelled, found));
    }
    (is_train ? train : test).push_back({std::move(animals), labels.animals});
  }
  score.miss_mean = miss.mean(), score.miss_deviation = miss.deviation();
  score.purity_mean = pure.mean(), score.purity_deviation = pure.deviation();
  score.train = average_precision(train, oks);
  score.test = average_precision(test, oks);
  return score;
}

}  // namespace

SkeletonChoice choose_skeleton(std::span<const EvaluatedFrame> frames,
                               const std::vector<std::vector<int>>& skeletons,
                               const AssemblyOptions& options, const OksOptions& oks) {
  SkeletonChoice choice;
  double highest = -INFINITY;
  for (const auto& limbs : skeletons) {
    auto with = options;
    with.limbs = limbs;
    choice.scores.push_back(judge(frames, with, oks));
    const auto& score = choice.scores.back();
    const double worth = (1 - score.miss_mean) * score.purity_mean;
    if (worth > highest) {
      highest = worth;
      choice.best = choice.scores.size() - 1;
    }
  }
  return choice;
}

}  // namespace poseheir
