// What trackers follow instead of keypoints: an ellipse or a box around an animal.
#pragma once

#include <optional>
#include <span>

#include "animals/kalman.h"
#include "poseheir/assembly.h"

namespace poseheir {

struct Ellipse {
  double x = 0, y = 0, width = 0, height = 0;
  double angle = 0;  // radians, of the longer axis
};

// Two standard deviations of the points; nothing for fewer than three.
std::optional<Ellipse> fit_ellipse(std::span<const AssembledPoint> points);
// In [0, 1]: how near and how parallel.
double similarity(const Ellipse& a, const Ellipse& b);

struct Rectangle {
  double left = 0, top = 0, right = 0, bottom = 0;
};

Rectangle bounding_box(std::span<const AssembledPoint> points, double slack);
double intersection_over_union(const Rectangle& a, const Rectangle& b);

// Follows an ellipse with constant velocities.
class EllipseFilter {
 public:
  using Shape = Ellipse;
  explicit EllipseFilter(const Ellipse& ellipse);
  void predict() { filter_.predict(); }
  void update(const Ellipse& ellipse);
  Ellipse shape() const;
  bool lost() const { return filter_.state.hasNaN(); }
  static double likeness(const Ellipse& a, const Ellipse& b) { return similarity(a, b); }

 private:
  KalmanFilter<10, 5> filter_;
};

// Follows centre, area and aspect ratio of a box; the ratio is taken as constant.
class BoxFilter {
 public:
  using Shape = Rectangle;
  explicit BoxFilter(const Rectangle& box);
  void predict();
  void update(const Rectangle& box);
  Rectangle shape() const;
  bool lost() const;
  static double likeness(const Rectangle& a, const Rectangle& b) {
    return static_cast<float>(intersection_over_union(a, b));  // DeepLabCut keeps float32
  }

 private:
  KalmanFilter<7, 4> filter_;
};

}  // namespace poseheir
