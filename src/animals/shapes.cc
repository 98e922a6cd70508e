#include "animals/shapes.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace poseheir {
namespace {

constexpr double kDeviations = 2;

struct Moments {
  double x = 0, y = 0, xx = 0, xy = 0, yy = 0;  // means and sample covariance
};

Moments moments(const std::vector<Point>& points) {
  Moments m;
  const auto count = double(points.size());
  for (const auto& point : points) m.x += point.x, m.y += point.y;
  m.x /= count, m.y /= count;
  for (const auto& point : points) {
    m.xx += (point.x - m.x) * (point.x - m.x);
    m.xy += (point.x - m.x) * (point.y - m.y);
    m.yy += (point.y - m.y) * (point.y - m.y);
  }
  m.xx /= count - 1, m.xy /= count - 1, m.yy /= count - 1;
  return m;
}

// Eigenvalues and the angle of the larger one's vector, in LAPACK's formulas, so that points on a
// line are told from others as DeepLabCut tells them: a variance rounded below zero is no ellipse.
struct Axes {
  double larger = 0, smaller = 0, angle = 0;
};

Axes principal_axes(double a, double b, double c) {
  const double sum = a + c, difference = a - c;
  const double root = std::hypot(difference, 2 * b);
  Axes axes;
  axes.larger = 0.5 * (sum + root);
  if (axes.larger != 0)
    axes.smaller = (std::max(a, c) / axes.larger) * std::min(a, c) - (b / axes.larger) * b;
  if (root == 0)
    axes.angle = std::numbers::pi / 2;
  else if (difference >= 0)
    axes.angle = std::atan2(2 * b, difference + root);
  else
    axes.angle = std::atan2(root - difference, 2 * b);
  if (axes.angle < 0) axes.angle += std::numbers::pi;
  return axes;
}

Eigen::Vector4d measured(const Rectangle& box) {
  const double width = box.right - box.left, height = box.bottom - box.top;
  return {box.left + width / 2, box.top + height / 2, width * height, width / height};
}

}  // namespace

std::optional<Ellipse> fit_ellipse(std::span<const AssembledPoint> points) {
  std::vector<Point> found;
  for (const auto& point : points)
    if (std::isfinite(point.x) && std::isfinite(point.y)) found.push_back({point.x, point.y});
  if (found.size() < 3) return std::nullopt;
  const auto m = moments(found);
  const auto axes = principal_axes(m.xx, m.xy, m.yy);
  const Ellipse ellipse{m.x, m.y, 2 * kDeviations * std::sqrt(axes.larger),
                        2 * kDeviations * std::sqrt(axes.smaller), axes.angle};
  if (std::isnan(ellipse.height) || std::isnan(ellipse.width)) return std::nullopt;
  return ellipse;
}

double similarity(const Ellipse& a, const Ellipse& b) {
  double size = std::max({a.height, a.width, b.height, b.width});
  if (size == 0) size = 1;
  const double distance = std::sqrt((a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y));
  const double near = 1 - std::min(distance / size, 1.0);
  const double parallel = std::abs(std::cos(a.angle - b.angle));
  return 0.8 * near + 0.2 * parallel * near;
}

Rectangle bounding_box(std::span<const AssembledPoint> points, double slack) {
  Rectangle box{kMissing, kMissing, kMissing, kMissing};
  for (const auto& point : points) {
    box.left = std::fmin(box.left, point.x), box.right = std::fmax(box.right, point.x);
    box.top = std::fmin(box.top, point.y), box.bottom = std::fmax(box.bottom, point.y);
  }
  return {box.left - slack, box.top - slack, box.right + slack, box.bottom + slack};
}

double intersection_over_union(const Rectangle& a, const Rectangle& b) {
  const double width = std::max(0.0, std::min(a.right, b.right) - std::max(a.left, b.left));
  const double height = std::max(0.0, std::min(a.bottom, b.bottom) - std::max(a.top, b.top));
  const double common = width * height;
  return common / ((a.right - a.left) * (a.bottom - a.top) +
                   (b.right - b.left) * (b.bottom - b.top) - common);
}

EllipseFilter::EllipseFilter(const Ellipse& ellipse) {
  filter_.transition.topRightCorner<5, 5>().setIdentity();
  // As with filterpy 1.4, for which DeepLabCut was written. Version 2.0 fills the block with ones,
  // takes each measurement for the sum of all five and loses every animal after a few frames.
  filter_.measure.leftCols<5>().setIdentity();
  filter_.measurement_noise.diagonal() << 1, 1, 10, 10, 10;
  filter_.uncertainty.diagonal() << 10, 10, 10, 10, 10, 1e4, 1e4, 1e4, 1e4, 1e4;
  filter_.process_noise.diagonal().tail<5>().setConstant(0.01);
  filter_.state.head<5>() << ellipse.x, ellipse.y, ellipse.width, ellipse.height, ellipse.angle;
}

void EllipseFilter::update(const Ellipse& e) {
  filter_.update({e.x, e.y, e.width, e.height, e.angle});
}

Ellipse EllipseFilter::shape() const {
  const auto& s = filter_.state;
  return {s[0], s[1], s[2], s[3], s[4]};
}

BoxFilter::BoxFilter(const Rectangle& box) {
  filter_.transition.topRightCorner<3, 3>().setIdentity();
  filter_.measure.leftCols<4>().setIdentity();
  filter_.measurement_noise.diagonal() << 1, 1, 10, 10;
  filter_.uncertainty.diagonal() << 10, 10, 10, 10, 1e4, 1e4, 1e4;
  filter_.process_noise.diagonal() << 1, 1, 1, 1, 0.01, 0.01, 0.0001;
  filter_.state.head<4>() = measured(box);
}

void BoxFilter::predict() {
  auto& state = filter_.state;
  if (state[6] + state[2] <= 0) state[6] = 0;  // an area may not shrink below nothing
  filter_.predict();
}

void BoxFilter::update(const Rectangle& box) { filter_.update(measured(box)); }

Rectangle BoxFilter::shape() const {
  const auto& s = filter_.state;
  const double width = std::sqrt(s[2] * s[3]), height = s[2] / width;
  return {s[0] - width / 2, s[1] - height / 2, s[0] + width / 2, s[1] + height / 2};
}

bool BoxFilter::lost() const {
  const auto box = shape();
  return std::isnan(box.left + box.top + box.right + box.bottom);
}

}  // namespace poseheir
