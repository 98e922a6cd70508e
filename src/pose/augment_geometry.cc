#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <opencv2/imgproc.hpp>

#include "pose/affine.h"
#include "pose/augmenters.h"
#include "pose/cubic_remap.h"
#include "pose/cubic_resize.h"
#include "pose/opencv_image.h"
#include "pose/pixels.h"

namespace poseheir {
namespace {

// Forward affine map of x, y about a centre.
struct Rotation {
  double cosine, sine, centre_x, centre_y;

  Rotation(double degrees, double x, double y)
      : cosine(std::cos(degrees * std::numbers::pi / 180)),
        sine(std::sin(degrees * std::numbers::pi / 180)),
        centre_x(x),
        centre_y(y) {}
  void apply(double& x, double& y) const {
    const double dx = x - centre_x, dy = y - centre_y;
    x = cosine * dx - sine * dy + centre_x;
    y = sine * dx + cosine * dy + centre_y;
  }
  cv::Matx23d matrix() const {
    return {cosine, -sine,  centre_x - cosine * centre_x + sine * centre_y,
            sine,   cosine, centre_y - sine * centre_x - cosine * centre_y};
  }
};

void resize(Sample& sample, int height, int width, int interpolation) {
  auto& image = sample.image;
  if (height == image.height && width == image.width) return;
  // imgaug projects in float32.
  const auto projected = [](double position, int from, int to) {
    return static_cast<float>(position) / static_cast<float>(from) * static_cast<float>(to);
  };
  for (auto& joint : sample.joints) {
    joint.x = projected(joint.x, image.width, width);
    joint.y = projected(joint.y, image.height, height);
  }
  Image resized = blank_image(height, width);
  cv::Mat target = as_matrix(resized);
  if (interpolation == cv::INTER_CUBIC)
    resize_cubic(image, resized);
  else
    cv::resize(as_matrix(image), target, target.size(), 0, 0, interpolation);
  image = std::move(resized);
}

using PointXY = std::array<double, 2>;

double distance(const PointXY& a, const PointXY& b) { return std::hypot(a[0] - b[0], a[1] - b[1]); }

// One step of Weiszfeld's iteration with Vardi and Zhang's care for an estimate that meets a point.
PointXY closer_to_median(const std::vector<PointXY>& points, const PointXY& estimate) {
  PointXY sum{}, pull{};
  double weights = 0, met = 0;
  for (const auto& point : points) {
    const double away = distance(point, estimate);
    if (away == 0) {
      ++met;
      continue;
    }
    weights += 1 / away;
    for (int axis = 0; axis < 2; ++axis) {
      sum[axis] += point[axis] / away;
      pull[axis] += (point[axis] - estimate[axis]) / away;
    }
  }
  if (weights == 0) return estimate;
  const double strength = std::hypot(pull[0], pull[1]);
  const double stay = met == 0 ? 0 : strength == 0 ? 1 : std::min(1.0, met / strength);
  return {(1 - stay) * sum[0] / weights + stay * estimate[0],
          (1 - stay) * sum[1] / weights + stay * estimate[1]};
}

PointXY geometric_median(const std::vector<PointXY>& points) {
  PointXY estimate{};
  for (const auto& point : points)
    for (int axis = 0; axis < 2; ++axis)
      estimate[axis] += point[axis] / static_cast<double>(points.size());
  for (int round = 0; round < 1000; ++round) {
    const auto next = closer_to_median(points, estimate);
    const double moved = distance(next, estimate);
    estimate = next;
    if (moved < 1e-5) break;
  }
  return estimate;
}

// imgaug looks the displacement up at whole pixels, so that a joint also loses its fraction.
void displace_joint(InputJoint& joint, const Displacement& displacement, int height, int width) {
  constexpr int kReach = 3;  // Manhattan distance of the neighbours
  if (!(joint.x >= 0 && joint.x < width && joint.y >= 0 && joint.y < height)) return;
  std::vector<PointXY> moved;
  for (int down = -kReach; down <= kReach; ++down) {
    for (int right = -kReach + std::abs(down); right <= kReach - std::abs(down); ++right) {
      const int x = static_cast<int>(std::nearbyint(joint.x + right));
      const int y = static_cast<int>(std::nearbyint(joint.y + down));
      if (x < 0 || x >= width || y < 0 || y >= height) continue;
      const auto at = static_cast<std::size_t>(y) * width + x;
      moved.push_back({x + double{displacement.dx[at]}, y + double{displacement.dy[at]}});
    }
  }
  if (moved.empty()) return;
  const auto median = geometric_median(moved);
  joint.x = median[0];
  joint.y = median[1];
}

// Blurred noise. The noise has a margin of `kernel` on all sides, as imgaug's; only half of that is
// ever looked at.
struct NoiseField {
  int height, width, kernel;
  double sigma, alpha;

  int columns() const { return width + 2 * kernel; }
  std::uint64_t numbers() const {
    return static_cast<std::uint64_t>(height + 2 * kernel) * static_cast<std::uint64_t>(columns());
  }

  // `kernel` rows are kept, blurred along themselves.
  void draw(const Random::Stream& stream, float* result) const {
    const auto& kernels = pixels::kernels();
    const cv::Mat weights = cv::getGaussianKernel(kernel, sigma, CV_32F);
    const auto* weight = weights.ptr<float>();
    const int half = kernel / 2, reach = width + 2 * half;
    std::vector<float> noise(reach), blurred(static_cast<std::size_t>(kernel) * width);
    std::vector<const float*> rows(kernel);
    for (int row = -half; row < height + half; ++row) {
      const auto number = static_cast<std::uint64_t>(row + kernel) * columns() + kernel - half;
      kernels.uniform(stream.key, stream.first + number, reach, noise.data());
      const auto slot = [&](int of) {
        return blurred.data() + static_cast<std::size_t>((of + half) % kernel) * width;
      };
      kernels.blur_row(noise.data(), weight, kernel, width, slot(row));
      const int middle = row - half;
      if (middle < 0) continue;
      for (int tap = 0; tap < kernel; ++tap) rows[tap] = slot(middle - half + tap);
      kernels.blur_rows(rows.data(), weight, kernel, static_cast<float>(alpha), width,
                        result + static_cast<std::size_t>(middle) * width);
    }
  }

  void draw_with_opencv(const Random::Stream& stream, float* result) const {
    cv::Mat noise(height + 2 * kernel, columns(), CV_32F);
    pixels::kernels().uniform(stream.key, stream.first, static_cast<int>(numbers()),
                              noise.ptr<float>());
    cv::GaussianBlur(noise, noise, {kernel, kernel}, sigma, sigma, cv::BORDER_REFLECT_101);
    cv::Mat target(height, width, CV_32F, result);
    noise(cv::Rect(kernel, kernel, width, height)).convertTo(target, CV_32F, alpha);
  }
};

}  // namespace

void swap_joints(Sample& sample, std::span<const int> partner) {
  for (auto& joint : sample.joints) joint.id = partner[joint.id];
}

void flip_horizontally(Sample& sample, std::span<const int> partner) {
  auto& image = sample.image;
  cv::Mat matrix = as_matrix(image);
  cv::flip(matrix, matrix, 1);
  for (auto& joint : sample.joints) joint.x = image.width - joint.x;
  if (!partner.empty()) swap_joints(sample, partner);
}

void rotate(Sample& sample, double degrees) {
  auto& image = sample.image;
  Image rotated = blank_image(image.height, image.width);
  // Pixels are points at whole numbers for OpenCV, joints count from the first pixel's corner.
  const Rotation of_pixels(degrees, image.width / 2.0 - 0.5, image.height / 2.0 - 0.5);
  warp_affine(image, of_pixels.matrix(), rotated);
  const Rotation of_joints(degrees, image.width / 2.0, image.height / 2.0);
  for (auto& joint : sample.joints) of_joints.apply(joint.x, joint.y);
  image = std::move(rotated);
}

Sides sides_from_fractions(const Image& image, double top, double right, double bottom,
                           double left) {
  const auto pixels = [](double value) { return static_cast<int>(std::nearbyint(value)); };
  return {pixels(top * image.height), pixels(right * image.width), pixels(bottom * image.height),
          pixels(left * image.width)};
}

void crop_and_pad(Sample& sample, const Sides& sides) {
  const auto& image = sample.image;
  Image result =
      blank_image(image.height + sides.top + sides.bottom, image.width + sides.left + sides.right);
  const cv::Rect kept(
      std::max(0, -sides.left), std::max(0, -sides.top),
      std::min(image.width + sides.right, image.width) - std::max(0, -sides.left),
      std::min(image.height + sides.bottom, image.height) - std::max(0, -sides.top));
  const cv::Rect place(std::max(0, sides.left), std::max(0, sides.top), kept.width, kept.height);
  as_matrix(image)(kept).copyTo(as_matrix(result)(place));
  sample.image = std::move(result);
  for (auto& joint : sample.joints) {
    joint.x += sides.left;
    joint.y += sides.top;
  }
}

void resize_cubic(Sample& sample, int height, int width) {
  resize(sample, height, width, cv::INTER_CUBIC);
}

void resize_by_area(Sample& sample, int height, int width) {
  resize(sample, height, width, cv::INTER_AREA);
}

Displacement elastic_displacement(int height, int width, double sigma, double alpha,
                                  Random& random) {
  const int kernel = static_cast<int>(std::max(2.6 * sigma, 5.0)) | 1;
  const NoiseField field{height, width, kernel, sigma, alpha};
  Displacement displacement;
  for (auto* shifts : {&displacement.dx, &displacement.dy}) {
    shifts->resize(static_cast<std::size_t>(height) * width);
    const auto stream = random.take(field.numbers());
    if (pixels::kernels().blur_row != nullptr)
      field.draw(stream, shifts->data());
    else
      field.draw_with_opencv(stream, shifts->data());
  }
  return displacement;
}

void displace(Sample& sample, const Displacement& displacement, bool move_joints) {
  auto& image = sample.image;
  image = remap_cubic(image, displacement.dx, displacement.dy);
  if (!move_joints) return;
  for (auto& joint : sample.joints) displace_joint(joint, displacement, image.height, image.width);
}

}  // namespace poseheir
