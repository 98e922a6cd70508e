#include "pose/affine.h"

#include <opencv2/imgproc.hpp>

#include "pose/opencv_image.h"

namespace poseheir {
namespace {

// The same products in the same order as OpenCV's, so that they round alike.
cv::Matx23d inverse_of(const cv::Matx23d& map) {
  const double determinant = map(0, 0) * map(1, 1) - map(0, 1) * map(1, 0);
  const double factor = determinant == 0 ? 0 : 1 / determinant;
  const double a = map(1, 1) * factor, b = -factor * map(0, 1);
  const double c = -factor * map(1, 0), d = map(0, 0) * factor;
  return {a, b, -a * map(0, 2) - b * map(1, 2), c, d, -c * map(0, 2) - d * map(1, 2)};
}

}  // namespace

void warp_affine(const Image& image, const cv::Matx23d& map, Image& result,
                 const pixels::Kernels& kernels) {
  constexpr int kParts = 1024;  // of a pixel
  constexpr int kLargest = 1 << 15;
  const int largest = std::max(image.width, image.height);
  if (kernels.turn == nullptr || largest >= kLargest || image.width < 4 || image.height < 2) {
    cv::Mat target = as_matrix(result);
    cv::warpAffine(as_matrix(image), target, map, target.size(), cv::INTER_LINEAR,
                   cv::BORDER_CONSTANT, cv::Scalar());
    return;
  }
  const auto from = inverse_of(map);
  const auto parts = [](double pixels) { return cv::saturate_cast<int>(pixels * kParts); };
  std::vector<int> dx(result.width), dy(result.width);
  for (int column = 0; column < result.width; ++column) {
    dx[column] = parts(from(0, 0) * column);
    dy[column] = parts(from(1, 0) * column);
  }
  constexpr int kHalfStep = kParts / pixels::kSteps / 2;
  const pixels::Picture picture{image.pixels.data(), image.height, image.width};
  for (int row = 0; row < result.height; ++row)
    kernels.turn(picture, dx.data(), dy.data(), parts(from(0, 1) * row + from(0, 2)) + kHalfStep,
                 parts(from(1, 1) * row + from(1, 2)) + kHalfStep, result.width,
                 result.pixels.data() + static_cast<std::size_t>(row) * result.width * 3);
}

}  // namespace poseheir
