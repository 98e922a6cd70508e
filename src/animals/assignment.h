// The cheapest (or dearest) way to pair rows with columns.
#pragma once

#include <vector>

namespace poseheir {

struct Matrix {
  int rows = 0, columns = 0;
  std::vector<double> values;  // [row * columns + column]

  Matrix(int row_count, int column_count)
      : rows(row_count),
        columns(column_count),
        values(static_cast<std::size_t>(row_count) * column_count, 0.0) {}
  double& at(int row, int column) {
    return values[static_cast<std::size_t>(row) * columns + column];
  }
  double at(int row, int column) const {
    return values[static_cast<std::size_t>(row) * columns + column];
  }
};

struct Pairing {
  int row = 0, column = 0;
  bool operator==(const Pairing&) const = default;
};

enum class Sense { minimise, maximise };

// min(rows, columns) pairs, ascending by row. Among equally good pairings the one that SciPy's
// linear_sum_assignment returns. Values are finite.
std::vector<Pairing> assign(const Matrix& matrix, Sense sense);

}  // namespace poseheir
