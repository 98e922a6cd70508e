#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "animals/rounding.h"
#include "poseheir/detections.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

struct Cell {
  int row = 0, column = 0;
};

// The cells of one picture by keypoint.
using CellsOfKeypoint = std::vector<std::vector<Cell>>;

std::vector<CellsOfKeypoint> sort_cells(const FeatureMap& fields, std::span<const PeakCell> cells,
                                        int keypoints) {
  std::vector<CellsOfKeypoint> images(fields.count, CellsOfKeypoint(keypoints));
  std::vector<bool> any(fields.count, false);
  for (const auto& cell : cells) {
    const int row = std::clamp(cell.row, 0, fields.height - 1);
    const int column = std::clamp(cell.column, 0, fields.width - 1);
    images[cell.image][cell.keypoint].push_back({row, column});
    if (row != 0 || column != 0 || cell.keypoint != 0) any[cell.image] = true;
  }
  // DeepLabCut passes over a picture whose only peaks have index 0 throughout.
  for (int image = 0; image < fields.count; ++image)
    if (!any[image]) images[image].assign(keypoints, {});
  return images;
}

// How NumPy's linspace places the samples: one of two roundings, decided for the whole batch.
struct Sampling {
  int samples = 10;
  bool some_step_is_zero = false;

  int at(int from, int to, int n) const {
    if (n == samples - 1) return to;
    const double delta = to - from, steps = samples - 1;
    const double way = some_step_is_zero ? n / steps * delta : n * (delta / steps);
    return static_cast<int>(std::floor(way + from));
  }
};

template <typename Visit>
void for_each_pair(const CellsOfKeypoint& cells, const std::array<int, 2>& limb, Visit visit) {
  for (const auto& from : cells[limb[0]])
    for (const auto& to : cells[limb[1]]) visit(from, to);
}

bool some_step_is_zero(const std::vector<CellsOfKeypoint>& images,
                       const DetectionOptions& options) {
  bool found = false;
  for (const auto& cells : images)
    for (const int limb : options.used_limbs())
      for_each_pair(cells, options.graph[limb], [&](const Cell& from, const Cell& to) {
        found = found || from.row == to.row || from.column == to.column;
      });
  return found;
}

float distance(const Cell& from, const Cell& to) {
  const double rows = to.row - from.row, columns = to.column - from.column;
  return static_cast<float>(std::sqrt(rows * rows + columns * columns)) +
         std::numeric_limits<float>::epsilon();
}

// The field's integral along the segment by the trapezoid rule, x and y by themselves.
double integral(const FeatureMap& fields, int image, int limb, const Cell& from, const Cell& to,
                const Sampling& sampling) {
  double sum_x = 0, sum_y = 0;
  Cell last{};
  const float* last_vector = nullptr;
  for (int n = 0; n < sampling.samples; ++n) {
    const Cell cell{sampling.at(from.row, to.row, n), sampling.at(from.column, to.column, n)};
    const auto at =
        (static_cast<std::size_t>(image) * fields.height + cell.row) * fields.width + cell.column;
    const float* vector = &fields.values[at * fields.channels + 2 * static_cast<std::size_t>(limb)];
    if (n > 0) {
      sum_x += (cell.column - last.column) * double(vector[0] + last_vector[0]) / 2;
      sum_y += (cell.row - last.row) * double(vector[1] + last_vector[1]) / 2;
    }
    last = cell;
    last_vector = vector;
  }
  return std::sqrt(sum_x * sum_x + sum_y * sum_y);
}

LimbCosts costs_of_limb(const FeatureMap& fields, int image, const CellsOfKeypoint& cells, int limb,
                        const std::array<int, 2>& ends, const Sampling& sampling) {
  LimbCosts costs;
  costs.limb = limb;
  if (cells[ends[0]].empty() || cells[ends[1]].empty()) return costs;
  costs.rows = static_cast<int>(cells[ends[0]].size());
  costs.columns = static_cast<int>(cells[ends[1]].size());
  for_each_pair(cells, ends, [&](const Cell& from, const Cell& to) {
    const float length = distance(from, to);
    const auto sum = static_cast<float>(integral(fields, image, limb, from, to, sampling));
    costs.affinity.push_back(round_to_thousandths(sum / length));
    costs.distance.push_back(round_to_thousandths(length));
  });
  return costs;
}

void check_limbs(const DetectionOptions& options) {
  const auto limbs = static_cast<int>(options.graph.size());
  for (const int limb : options.limbs)
    if (limb < 0 || limb >= limbs)
      throw Error(ErrorKind::mismatch,
                  fmt::format("paf_best names limb {}, but the skeleton has {}", limb, limbs));
  for (const auto& ends : options.graph)
    for (const int end : ends)
      if (end < 0 || end >= options.keypoints)
        throw Error(ErrorKind::mismatch, fmt::format("the skeleton names keypoint {}, but there "
                                                     "are {} (counted from 0)",
                                                     end, options.keypoints));
}

}  // namespace

std::vector<std::vector<LimbCosts>> limb_costs(const FeatureMap& fields,
                                               std::span<const PeakCell> cells,
                                               const DetectionOptions& options) {
  check_limbs(options);
  const auto limbs = options.used_limbs();
  const auto images = sort_cells(fields, cells, options.keypoints);
  const Sampling sampling{options.limb_samples, some_step_is_zero(images, options)};
  std::vector<std::vector<LimbCosts>> costs(fields.count);
  bool any_pair = false;
  for (int image = 0; image < fields.count; ++image)
    for (const int limb : limbs) {
      costs[image].push_back(
          costs_of_limb(fields, image, images[image], limb, options.graph[limb], sampling));
      any_pair = any_pair || costs[image].back().rows > 0;
    }
  // Without a single pair in the batch DeepLabCut stores no matrices at all.
  if (!any_pair) costs.assign(fields.count, {});
  return costs;
}

}  // namespace poseheir
