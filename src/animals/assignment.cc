#include "animals/assignment.h"

#include <limits>

namespace poseheir {
namespace {

constexpr int kNone = -1;
constexpr double kInfinite = std::numeric_limits<double>::infinity();

// Shortest augmenting paths after D. F. Crouse, "On implementing 2D rectangular assignment
// algorithms" (2016), for at most as many rows as columns. The order in which columns are looked
// at, and the preference for a free one among equals, decide ties; both are SciPy's.
class ShortestPaths {
 public:
  explicit ShortestPaths(const Matrix& cost)
      : cost_(cost),
        row_price_(cost.rows, 0.0),
        column_price_(cost.columns, 0.0),
        column_of_(cost.rows, kNone),
        row_of_(cost.columns, kNone) {}

  std::vector<int> solve() {
    for (int row = 0; row < cost_.rows; ++row) augment(row, find_path(row));
    return column_of_;
  }

 private:
  // The free column at the end of the shortest path from `start`; prices follow.
  int find_path(int start) {
    came_from_.assign(cost_.columns, kNone);
    length_.assign(cost_.columns, kInfinite);
    remaining_.clear();
    for (int column = cost_.columns - 1; column >= 0; --column) remaining_.push_back(column);
    std::vector<int> rows_seen, columns_seen;
    double shortest = 0;
    int row = start, sink = kNone;
    while (sink == kNone) {
      rows_seen.push_back(row);
      const int column = take_nearest(row, shortest);
      columns_seen.push_back(column);
      (row_of_[column] == kNone ? sink : row) = row_of_[column] == kNone ? column : row_of_[column];
    }
    row_price_[start] += shortest;
    for (const int seen : rows_seen)
      if (seen != start) row_price_[seen] += shortest - length_[column_of_[seen]];
    for (const int seen : columns_seen) column_price_[seen] -= shortest - length_[seen];
    return sink;
  }

  int take_nearest(int row, double& shortest) {
    std::size_t nearest = 0;
    double lowest = kInfinite;
    for (std::size_t place = 0; place < remaining_.size(); ++place) {
      const int column = remaining_[place];
      const double length =
          shortest + cost_.at(row, column) - row_price_[row] - column_price_[column];
      if (length < length_[column]) {
        came_from_[column] = row;
        length_[column] = length;
      }
      if (length_[column] < lowest || (length_[column] == lowest && row_of_[column] == kNone)) {
        lowest = length_[column];
        nearest = place;
      }
    }
    shortest = lowest;
    const int column = remaining_[nearest];
    remaining_[nearest] = remaining_.back();
    remaining_.pop_back();
    return column;
  }

  void augment(int start, int sink) {
    for (int column = sink, row = kNone; row != start;) {
      row = came_from_[column];
      row_of_[column] = row;
      std::swap(column_of_[row], column);
    }
  }

  const Matrix& cost_;
  std::vector<double> row_price_, column_price_;
  std::vector<int> column_of_, row_of_;
  std::vector<int> came_from_, remaining_;
  std::vector<double> length_;
};

}  // namespace

std::vector<Pairing> assign(const Matrix& matrix, Sense sense) {
  const bool turned = matrix.rows > matrix.columns;
  Matrix cost(turned ? matrix.columns : matrix.rows, turned ? matrix.rows : matrix.columns);
  for (int row = 0; row < cost.rows; ++row)
    for (int column = 0; column < cost.columns; ++column) {
      const double value = turned ? matrix.at(column, row) : matrix.at(row, column);
      cost.at(row, column) = sense == Sense::maximise ? -value : value;
    }
  const auto column_of = ShortestPaths(cost).solve();
  std::vector<Pairing> pairs;
  if (!turned) {
    for (int row = 0; row < cost.rows; ++row) pairs.push_back({row, column_of[row]});
    return pairs;
  }
  std::vector<int> row_of(cost.columns, kNone);
  for (int row = 0; row < cost.rows; ++row) row_of[column_of[row]] = row;
  for (int column = 0; column < cost.columns; ++column)
    if (row_of[column] != kNone) pairs.push_back({column, row_of[column]});
  return pairs;
}

}  // namespace poseheir
