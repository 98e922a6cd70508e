// Our pictures as OpenCV sees them, without a copy.
#pragma once

#include <opencv2/core.hpp>

#include "poseheir/media.h"

namespace poseheir {

inline Image blank_image(int height, int width) {
  return {height, width, std::vector<std::uint8_t>(static_cast<std::size_t>(height) * width * 3)};
}

inline cv::Mat as_matrix(Image& image) {
  return {image.height, image.width, CV_8UC3, image.pixels.data()};
}

// For reading only: OpenCV has no matrix of constants.
inline cv::Mat as_matrix(const Image& image) {
  return {image.height, image.width, CV_8UC3, const_cast<std::uint8_t*>(image.pixels.data())};
}

}  // namespace poseheir
