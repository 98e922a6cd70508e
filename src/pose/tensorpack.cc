#include "pose/tensorpack.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "pose/opencv_image.h"

namespace poseheir {
namespace {

// Fractions are cut off, as NumPy does on the way back to bytes.
std::uint8_t cut(float value) { return static_cast<std::uint8_t>(std::clamp(value, 0.0F, 255.0F)); }

cv::Mat grey_of(const cv::Mat& matrix, bool of_rgb) {
  cv::Mat grey;
  cv::cvtColor(matrix, grey, of_rgb ? cv::COLOR_RGB2GRAY : cv::COLOR_BGR2GRAY);
  return grey;
}

bool applies(const Sometimes& augmenter, Random& random) {
  return augmenter.probability > 0 && random.chance(augmenter.probability);
}

// A size between the smallest and the largest, both included and neither beyond the picture's.
int piece_of(int size, int smallest, int largest, Random& random) {
  return random.between(std::min(smallest, size), std::min(largest, size));
}

void crop(Sample& sample, const TensorpackOptions& options, Random& random) {
  const auto& image = sample.image;
  const int height = piece_of(image.height, options.min_size, options.max_height, random);
  const int width = piece_of(image.width, options.min_size, options.max_width, random);
  const int below = image.height - height, beside = image.width - width;
  const int top = below == 0 ? 0 : random.below(below);
  const int left = beside == 0 ? 0 : random.below(beside);
  crop_and_pad(sample, {-top, left - beside, top - below, -left});
}

// Unlike imgaug's noise it keeps its fractions until it is added.
void add_fractional_noise(Image& image, double deviation, Random& random) {
  for (auto& value : image.pixels)
    value = cut(static_cast<float>(value + random.normal(deviation)));
}

}  // namespace

TensorpackOptions tensorpack_options(const PoseConfig& config, double rotation_degrees) {
  TensorpackOptions options;
  const auto probability = [&](const char* key, double& value) {
    value = config.number(key, value);
  };
  const auto about = [&](const char* key, double centre, Parameter& range) {
    const double most = config.number(key, range.high - centre);
    range = {centre - most, centre + most, {}};
  };
  const auto side = [&](const char* key) { return static_cast<int>(config.number(key, 400)); };
  probability("cropratio", options.crop_probability);
  options.min_size = static_cast<int>(config.number("minsize", options.min_size));
  options.max_width = side("leftwidth") + side("rightwidth") + options.min_size;
  options.max_height = side("topheight") + side("bottomheight") + options.min_size;
  probability("rotratio", options.rotation.probability);
  if (rotation_degrees == 0) options.rotation.probability = 0;
  options.rotation.first = {-rotation_degrees, rotation_degrees, {}};
  probability("brightnessratio", options.brightness.probability);
  about("brightness_dif", 0, options.brightness.first);
  probability("contrastratio", options.contrast.probability);
  options.contrast.first = {
      config.number("contrast_factor_lo", 0.5), config.number("contrast_factor_up", 2), {}};
  probability("saturationratio", options.saturation.probability);
  about("saturation_max_dif", 1, options.saturation.first);
  probability("noiseratio", options.noise.probability);
  const double deviation = config.number("noise_sigma", 0.1);
  options.noise.first = {deviation, deviation, {}};
  probability("blurratio", options.blur.probability);
  options.blur.first.high = std::max(0.0, config.number("blur_max_window_size", 10) - 1);
  probability("scaleratio", options.resize.probability);
  const double scale = config.number("global_scale", 1);
  options.resize.first = {
      scale * config.number("scale_jitter_lo", 1), scale * config.number("scale_jitter_up", 1), {}};
  options.grey_of_rgb = config.flag("is_rgb", true);
  return options;
}

void rotate_about(Sample& sample, double degrees, double x, double y) {
  auto& image = sample.image;
  const cv::Point2f centre(static_cast<float>(x - 0.5), static_cast<float>(y - 0.5));
  const cv::Mat turn = cv::getRotationMatrix2D(centre, degrees, 1);
  Image turned = blank_image(image.height, image.width);
  cv::Mat target = as_matrix(turned);
  cv::warpAffine(as_matrix(image), target, turn, target.size(), cv::INTER_LINEAR,
                 cv::BORDER_REPLICATE);
  image = std::move(turned);
  // Joints go as if they, too, counted from the first pixel's middle.
  for (auto& joint : sample.joints) {
    const double from_x = joint.x, from_y = joint.y;
    const auto* row = turn.ptr<double>();
    joint.x = row[0] * from_x + row[1] * from_y + row[2];
    joint.y = row[3] * from_x + row[4] * from_y + row[5];
  }
}

void add_brightness(Image& image, double levels) {
  for (auto& value : image.pixels) value = cut(value + static_cast<float>(levels));
}

void change_contrast_about_mean(Image& image, double factor, bool grey_of_rgb) {
  cv::Mat floats;
  as_matrix(image).convertTo(floats, CV_32F);
  const auto mean = static_cast<float>(cv::mean(grey_of(floats, grey_of_rgb))[0]);
  const auto times = static_cast<float>(factor);
  for (auto& value : image.pixels) value = cut(value * times + mean * (1 - times));
}

void change_saturation(Image& image, double factor, bool grey_of_rgb) {
  const cv::Mat grey = grey_of(as_matrix(image), grey_of_rgb);
  const auto* level = grey.ptr<std::uint8_t>();
  const auto times = static_cast<float>(factor);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    const auto pixel = i / 3;
    image.pixels[i] = cut(image.pixels[i] * times + level[pixel] * (1 - times));
  }
}

void blur_gaussian(Image& image, int size) {
  cv::Mat matrix = as_matrix(image), blurred;
  cv::GaussianBlur(matrix, blurred, {size, size}, 0, 0, cv::BORDER_REPLICATE);
  blurred.copyTo(matrix);
}

void resize_linear(Sample& sample, double factor) {
  auto& image = sample.image;
  const auto scaled = [factor](int size) {
    return std::max(1, static_cast<int>(std::lround(factor * size)));
  };
  Image resized = blank_image(scaled(image.height), scaled(image.width));
  cv::Mat target = as_matrix(resized);
  cv::resize(as_matrix(image), target, target.size(), 0, 0, cv::INTER_LINEAR);
  for (auto& joint : sample.joints) {
    joint.x *= static_cast<double>(resized.width) / image.width;
    joint.y *= static_cast<double>(resized.height) / image.height;
  }
  image = std::move(resized);
}

double augment_tensorpack(Sample& sample, const TensorpackOptions& options, Random& random) {
  auto& image = sample.image;
  if (random.chance(options.crop_probability)) crop(sample, options, random);
  if (applies(options.rotation, random)) {
    const double x = random.uniform(0, image.width), y = random.uniform(0, image.height);
    rotate_about(sample, options.rotation.first.draw(random), x, y);
  }
  if (applies(options.brightness, random))
    add_brightness(image, options.brightness.first.draw(random));
  if (applies(options.contrast, random))
    change_contrast_about_mean(image, options.contrast.first.draw(random), options.grey_of_rgb);
  if (applies(options.saturation, random))
    change_saturation(image, options.saturation.first.draw(random), options.grey_of_rgb);
  if (applies(options.noise, random))
    add_fractional_noise(image, options.noise.first.draw(random), random);
  if (applies(options.blur, random))
    blur_gaussian(image, 2 * options.blur.first.draw_whole(random) + 1);
  if (!applies(options.resize, random)) return 1;
  const double before = image.height;
  resize_linear(sample, options.resize.first.draw(random));
  return image.height / before;
}

}  // namespace poseheir
