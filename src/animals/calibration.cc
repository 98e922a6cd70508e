#include <Eigen/Dense>
#include <cmath>
#include <limits>

#include "animals/parts.h"

namespace poseheir {
namespace {

constexpr double kComplete = 0.9;

double squared_distance(const auto& a, const auto& b) {
  return (a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y);
}

template <typename Points>
Eigen::VectorXd squared_distances(const Points& points) {
  const auto count = static_cast<Eigen::Index>(points.size());
  Eigen::VectorXd distances(count * (count - 1) / 2);
  Eigen::Index at = 0;
  for (std::size_t a = 0; a < points.size(); ++a)
    for (std::size_t b = a + 1; b < points.size(); ++b)
      distances[at++] = squared_distance(points[a], points[b]);
  return distances;
}

bool complete_enough(const AnimalPose& pose) {
  std::size_t numbers = 0;
  for (const auto& point : pose) numbers += !std::isnan(point.x) + !std::isnan(point.y);
  return double(numbers) / double(2 * pose.size()) >= kComplete;
}

// Means over what is there; what is missing becomes the mean.
Eigen::VectorXd fill_with_means(Eigen::MatrixXd& distances) {
  Eigen::VectorXd mean(distances.rows());
  for (Eigen::Index pair = 0; pair < distances.rows(); ++pair) {
    const auto row = distances.row(pair).array();
    const auto there = (row == row).count();
    mean[pair] = (row == row).select(row, 0.0).sum() / double(there);
    distances.row(pair) = (row == row).select(row, mean[pair]);
  }
  return mean;
}

std::size_t pair_index(int a, int b, int keypoints) {
  if (a < b) std::swap(a, b);
  return static_cast<std::size_t>(keypoints) * b - static_cast<std::size_t>(b) * (b + 1) / 2 + a -
         1 - b;
}

}  // namespace

std::optional<Calibration> calibrate(std::span<const AnimalPose> labelled) {
  std::vector<Eigen::VectorXd> columns;
  std::size_t keypoints = 0;
  for (const auto& pose : labelled) {
    keypoints = pose.size();
    if (keypoints > 1 && complete_enough(pose)) columns.push_back(squared_distances(pose));
  }
  if (columns.size() < 2 || columns.size() < static_cast<std::size_t>(columns[0].size())) return {};
  const auto samples = static_cast<Eigen::Index>(columns.size());
  const auto pairs = columns[0].size();
  Eigen::MatrixXd distances(pairs, samples);
  for (Eigen::Index n = 0; n < samples; ++n) distances.col(n) = columns[n];
  const Eigen::VectorXd mean = fill_with_means(distances);

  // SciPy's gaussian_kde: the sample covariance times the square of Scott's factor.
  const Eigen::MatrixXd centred = distances.colwise() - distances.rowwise().mean();
  const Eigen::MatrixXd sample = centred * centred.transpose() / double(samples - 1);
  if (sample.llt().info() != Eigen::Success) return {};
  const double scott = std::pow(double(samples), -1.0 / (double(pairs) + 4));
  const Eigen::MatrixXd inverse = sample.inverse() / (scott * scott);
  const Eigen::VectorXd variance = sample.diagonal() * (scott * scott);
  return Calibration{static_cast<int>(keypoints),
                     {mean.begin(), mean.end()},
                     {variance.begin(), variance.end()},
                     {inverse.reshaped().begin(), inverse.reshaped().end()}};
}

double mahalanobis(const Assembly& assembly, const Calibration& calibration) {
  const auto distances = squared_distances(assembly.points());
  const auto pairs = distances.size();
  std::vector<Eigen::Index> there;
  for (Eigen::Index pair = 0; pair < pairs; ++pair)
    if (!std::isnan(distances[pair])) there.push_back(pair);
  if (there.empty()) return std::numeric_limits<double>::infinity();
  double sum = 0;
  for (const auto a : there)
    for (const auto b : there)
      sum += (distances[a] - calibration.mean[a]) * calibration.inverse[a * pairs + b] *
             (distances[b] - calibration.mean[b]);
  return double(pairs) / double(there.size()) * std::sqrt(std::max(sum, 0.0));
}

double link_probability(const Link& link, const Calibration& calibration) {
  const auto pair = pair_index(link.from->label, link.to->label, calibration.keypoints);
  // DeepLabCut divides by the variance where a standard deviation would be right.
  const double z = (link.squared_length() - calibration.mean[pair]) / calibration.variance[pair];
  return 2 * (1 - 0.5 * (1 + std::erf(std::abs(z) / std::sqrt(2.0))));
}

}  // namespace poseheir
