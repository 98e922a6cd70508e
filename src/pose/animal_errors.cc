#include "pose/animal_errors.h"

#include <algorithm>
#include <cmath>

#include "poseheir/error.h"

namespace poseheir {
namespace {

// Means that leave out what is missing.
struct Mean {
  double sum = 0;
  std::int64_t count = 0;

  void add(double value) {
    if (std::isnan(value)) return;
    sum += value;
    ++count;
  }
  double value() const { return count == 0 ? kMissing : sum / static_cast<double>(count); }
};

struct SplitMeans {
  Mean train, test, train_cutoff, test_cutoff;

  void add(double distance, double likelihood, bool is_train, double pcutoff) {
    (is_train ? train : test).add(distance);
    if (likelihood >= pcutoff) (is_train ? train_cutoff : test_cutoff).add(distance);
  }
  ErrorSummary summary() const {
    return {train.value(), test.value(), train_cutoff.value(), test_cutoff.value()};
  }
};

}  // namespace

bool any_label(const LabelledAnimals& image) {
  const auto seen = [](const Point& point) { return !point.missing(); };
  return std::any_of(image.unique.begin(), image.unique.end(), seen) ||
         std::any_of(image.animals.begin(), image.animals.end(), [&](const auto& animal) {
           return std::any_of(animal.begin(), animal.end(), seen);
         });
}

DetectionOptions evaluation_options(const PoseConfig& config) {
  if (config.lists.contains("pre_resize") && !config.lists.at("pre_resize").empty() &&
      !config.lists.at("pre_resize").front().empty())
    throw Error(ErrorKind::unsupported,
                config.path.string() + ": pre_resize is not supported; remove it");
  auto options = detection_options(config);
  options.limbs.clear();
  return options;
}

AnimalErrorTable empty_table(const AnimalLabels& labels) {
  AnimalErrorTable table{
      labels.scorer, labels.individuals, labels.bodyparts, labels.unique_bodyparts, {}, {}};
  const auto width =
      labels.individuals.size() * labels.bodyparts.size() + labels.unique_bodyparts.size();
  table.predicted.assign(labels.images.size(), std::vector<PredictedPoint>(width));
  table.distances.assign(labels.images.size(), std::vector<double>(width, kMissing));
  return table;
}

void add_errors(AnimalErrorTable& table, std::size_t row, const LabelledFrame& labels,
                const Detections& detections) {
  const auto errors = label_errors(labels, detections);
  for (std::size_t n = 0; n < errors.size(); ++n) {
    table.predicted[row][n] = errors[n].predicted;
    table.distances[row][n] = errors[n].distance;
  }
}

Metrics metrics_of(const AnimalErrorTable& errors, const Split& split, double pcutoff) {
  SplitMeans all;
  std::vector<std::string> parts = errors.bodyparts;
  parts.insert(parts.end(), errors.unique_bodyparts.begin(), errors.unique_bodyparts.end());
  std::vector<SplitMeans> by_part(parts.size());
  const auto animal_parts = errors.bodyparts.size();
  const auto animal_columns = errors.individuals.size() * animal_parts;
  const auto add_rows = [&](const std::vector<int>& rows, bool is_train) {
    for (const int row : rows)
      for (std::size_t column = 0; column < errors.distances[row].size(); ++column) {
        const auto part = column < animal_columns ? column % animal_parts
                                                  : animal_parts + column - animal_columns;
        const double distance = errors.distances[row][column];
        const double likelihood = errors.predicted[row][column].likelihood;
        all.add(distance, likelihood, is_train, pcutoff);
        by_part[part].add(distance, likelihood, is_train, pcutoff);
      }
  };
  add_rows(split.train, true);
  add_rows(split.test, false);
  Metrics metrics;
  metrics.all = all.summary();
  for (std::size_t part = 0; part < parts.size(); ++part)
    metrics.keypoints.push_back({parts[part], by_part[part].summary(), by_part[part].train.count,
                                 by_part[part].test.count});
  return metrics;
}

}  // namespace poseheir
