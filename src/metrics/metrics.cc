// DeepLabCut's errors: Euclidean distances, pooled over the labelled points of a split.
#include "poseheir/metrics.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <span>

#include "base/text.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

// NumPy's sum in NumPy's order, so that means agree with DeepLabCut's to the last digit.
double pairwise_sum(std::span<const double> values) {
  const auto n = values.size();
  if (n < 8) {
    double sum = 0;
    for (const double value : values) sum += value;
    return sum;
  }
  if (n > 128) {
    const auto half = n / 2 - n / 2 % 8;
    return pairwise_sum(values.first(half)) + pairwise_sum(values.subspan(half));
  }
  double r[8];
  std::copy_n(values.begin(), 8, r);
  std::size_t i = 8;
  for (; i + 8 <= n; i += 8) {
    for (std::size_t k = 0; k < 8; ++k) r[k] += values[i + k];
  }
  double sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
  for (; i < n; ++i) sum += values[i];
  return sum;
}

// Missing values count as zeros in the sum and not at all in the number.
double mean_of_present(std::vector<double> values) {
  std::int64_t count = 0;
  for (auto& value : values) {
    if (std::isnan(value)) {
      value = 0;
    } else {
      ++count;
    }
  }
  return count == 0 ? kMissing : pairwise_sum(values) / static_cast<double>(count);
}

std::size_t index_of(const std::string& part, const std::vector<std::string>& parts, ErrorKind kind,
                     const std::string& where) {
  const auto found = std::find(parts.begin(), parts.end(), part);
  if (found == parts.end())
    throw Error(kind,
                fmt::format("{} no body part '{}'{}", where, part, nearest_hint(part, parts)));
  return static_cast<std::size_t>(found - parts.begin());
}

// Compared parts in the order of the labels: their columns there and in the predictions.
struct Column {
  std::size_t in_labels = 0, in_predictions = 0;
};
std::vector<Column> compared_columns(const Labels& labels, const Predictions& predictions,
                                     const std::vector<std::string>& wanted) {
  for (const auto& part : wanted)
    index_of(part, labels.bodyparts, ErrorKind::usage, "the labels have");
  std::vector<Column> columns;
  for (std::size_t i = 0; i < labels.bodyparts.size(); ++i) {
    const auto& part = labels.bodyparts[i];
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), part) == wanted.end()) continue;
    columns.push_back(
        {i, index_of(part, predictions.bodyparts, ErrorKind::mismatch, "the predictions have")});
  }
  return columns;
}

void check_rows(const Labels& labels, const Predictions& predictions, const Split& split) {
  if (labels.images.size() != predictions.poses.size())
    throw Error(ErrorKind::mismatch, fmt::format("{} labelled images, but {} predicted poses",
                                                 labels.images.size(), predictions.poses.size()));
  for (const auto* rows : {&split.train, &split.test}) {
    for (const int row : *rows) {
      if (row < 0 || static_cast<std::size_t>(row) >= labels.images.size())
        throw Error(
            ErrorKind::mismatch,
            fmt::format("the split names image {}, but only {} are labelled: were labels removed "
                        "after the training set was made?",
                        row, labels.images.size()));
    }
  }
}

double distance(const Point& label, const PredictedPoint& predicted) {
  const double dx = label.x - predicted.x, dy = label.y - predicted.y;
  return std::sqrt(dx * dx + dy * dy);
}

class Evaluation {
 public:
  Evaluation(const Labels& labels, const Predictions& predictions,
             const std::vector<Column>& columns, double pcutoff)
      : columns_(columns.size()) {
    for (std::size_t row = 0; row < labels.images.size(); ++row) {
      for (const auto& column : columns) {
        const auto& predicted = predictions.poses[row][column.in_predictions];
        const double value = distance(labels.images[row].points[column.in_labels], predicted);
        all_.push_back(value);
        confident_.push_back(predicted.likelihood >= pcutoff ? value : kMissing);
      }
    }
  }

  ErrorSummary pooled(const Split& split) const {
    return {mean_of_present(rows(all_, split.train)), mean_of_present(rows(all_, split.test)),
            mean_of_present(rows(confident_, split.train)),
            mean_of_present(rows(confident_, split.test))};
  }
  ErrorSummary of_column(const Split& split, std::size_t column) const {
    return {mean_of_present(cells(all_, split.train, column)),
            mean_of_present(cells(all_, split.test, column)),
            mean_of_present(cells(confident_, split.train, column)),
            mean_of_present(cells(confident_, split.test, column))};
  }
  std::int64_t labelled(const std::vector<int>& split_rows, std::size_t column) const {
    const auto values = cells(all_, split_rows, column);
    return std::count_if(values.begin(), values.end(),
                         [](double value) { return !std::isnan(value); });
  }
  std::vector<double> row(std::size_t row) const {
    const auto begin = all_.begin() + static_cast<std::ptrdiff_t>(row * columns_);
    return {begin, begin + static_cast<std::ptrdiff_t>(columns_)};
  }

 private:
  std::vector<double> cells(const std::vector<double>& table, const std::vector<int>& wanted,
                            std::size_t column) const {
    std::vector<double> values;
    for (const int row : wanted)
      values.push_back(table[static_cast<std::size_t>(row) * columns_ + column]);
    return values;
  }
  std::vector<double> rows(const std::vector<double>& table, const std::vector<int>& wanted) const {
    std::vector<double> values;
    for (const int row : wanted) {
      const auto begin =
          table.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(row) * columns_);
      values.insert(values.end(), begin, begin + static_cast<std::ptrdiff_t>(columns_));
    }
    return values;
  }

  std::size_t columns_;
  std::vector<double> all_, confident_;  // row-major
};

}  // namespace

Metrics evaluate(const Labels& labels, const Predictions& predictions, const Split& split,
                 double pcutoff, const std::vector<std::string>& bodyparts) {
  check_rows(labels, predictions, split);
  const auto columns = compared_columns(labels, predictions, bodyparts);
  const Evaluation evaluation(labels, predictions, columns, pcutoff);
  Metrics metrics;
  metrics.all = evaluation.pooled(split);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    metrics.keypoints.push_back(
        {labels.bodyparts[columns[i].in_labels], evaluation.of_column(split, i),
         evaluation.labelled(split.train, i), evaluation.labelled(split.test, i)});
  }
  for (std::size_t row = 0; row < labels.images.size(); ++row)
    metrics.distances.push_back(evaluation.row(row));
  return metrics;
}

}  // namespace poseheir
