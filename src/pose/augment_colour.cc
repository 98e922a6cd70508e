#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "pose/augmenters.h"
#include "pose/opencv_image.h"
#include "pose/pixels.h"

namespace poseheir {
namespace {

std::uint8_t to_byte(double value) {
  return static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0));
}

// A function of the grey level alone, by table; like imgaug it cuts fractions off.
template <typename Function>
void map_levels(Image& image, const Function& function) {
  std::array<std::uint8_t, 256> table{};
  for (int level = 0; level < 256; ++level) table[level] = to_byte(function(level));
  for (auto& value : image.pixels) value = table[value];
}

// The numbers of a row or column and of their mirror images beyond the ends.
std::vector<int> mirrored(int count, int margin) {
  std::vector<int> numbers;
  for (int i = -margin; i < count + margin; ++i)
    numbers.push_back(cv::borderInterpolate(i, count, cv::BORDER_REFLECT_101));
  return numbers;
}

// A picture's rows as floats with mirrored margins; the last `kept` that were asked for.
class WideRows {
 public:
  WideRows(const Image& image, int kept)
      : image_(image),
        columns_(mirrored(image.width, kept / 2)),
        rows_(kept, -1),
        bytes_(columns_.size() * 3),
        values_(kept * bytes_.size()) {}

  const float* get(int row) {
    const auto slot = static_cast<std::size_t>(row) % rows_.size();
    auto* values = values_.data() + slot * bytes_.size();
    if (rows_[slot] == row) return values;
    rows_[slot] = row;
    const auto margin = (columns_.size() - static_cast<std::size_t>(image_.width)) / 2;
    const auto* from = image_.pixels.data() + static_cast<std::size_t>(row) * image_.width * 3;
    std::copy_n(from, image_.width * 3, bytes_.data() + margin * 3);
    for (std::size_t i = 0; i < margin; ++i)
      for (const auto column : {i, columns_.size() - 1 - i})
        std::copy_n(from + columns_[column] * 3, 3, bytes_.data() + column * 3);
    pixels::kernels().widen(bytes_.data(), static_cast<int>(bytes_.size()), values);
    return values;
  }

 private:
  const Image& image_;
  std::vector<int> columns_, rows_;
  std::vector<std::uint8_t> bytes_;
  std::vector<float> values_;
};

// What OpenCV's filter2D gives for a square kernel of odd size. Weights of 0 cost nothing.
void filter_directly(Image& image, const cv::Mat_<float>& kernel) {
  struct Tap {
    int row, column;
  };
  std::vector<Tap> taps;
  std::vector<float> weights;
  for (int row = 0; row < kernel.rows; ++row)
    for (int column = 0; column < kernel.cols; ++column)
      if (kernel(row, column) != 0) {
        taps.push_back({row, column});
        weights.push_back(kernel(row, column));
      }
  Image result{image.height, image.width, std::vector<std::uint8_t>(image.pixels.size())};
  WideRows wide(image, kernel.rows);
  const auto rows = mirrored(image.height, kernel.rows / 2);
  std::vector<const float*> from(taps.size());
  for (int row = 0; row < image.height; ++row) {
    for (std::size_t tap = 0; tap < taps.size(); ++tap)
      from[tap] = wide.get(rows[row + taps[tap].row]) + std::ptrdiff_t{3} * taps[tap].column;
    pixels::kernels().filter(
        from.data(), weights.data(), static_cast<int>(taps.size()), image.width * 3,
        result.pixels.data() + static_cast<std::size_t>(row) * image.width * 3);
  }
  image = std::move(result);
}

void filter(Image& image, const cv::Mat& kernel) {
  constexpr int kLargest = 11;  // beyond which OpenCV goes by way of Fourier's transform
  if (pixels::kernels().filter != nullptr && kernel.rows == kernel.cols && kernel.rows % 2 == 1 &&
      kernel.rows <= kLargest && std::min(image.height, image.width) > kLargest)
    return filter_directly(image, kernel);
  cv::Mat matrix = as_matrix(image), filtered;
  cv::filter2D(matrix, filtered, -1, kernel);
  filtered.copyTo(matrix);
}

// (1 - alpha) * identity + alpha * effect
void filter_blended(Image& image, double alpha, const cv::Matx33d& effect) {
  const cv::Matx33d identity(0, 0, 0, 0, 1, 0, 0, 0, 0);
  cv::Mat kernel;
  cv::Mat((1 - alpha) * identity + alpha * effect).convertTo(kernel, CV_32F);
  filter(image, kernel);
}

template <typename Function>
void for_each_channel(Image& image, const Function& function) {
  cv::Mat matrix = as_matrix(image);
  std::vector<cv::Mat> channels;
  cv::split(matrix, channels);
  for (auto& channel : channels) function(channel);
  cv::merge(channels, matrix);
}

// Where each of `cells` begins among `pixels` when they are enlarged to the nearest cell, as
// OpenCV finds it; and the end of the last.
std::vector<int> cell_starts(int cells, int pixels) {
  const double scale = 1 / (static_cast<double>(pixels) / cells);
  std::vector<int> starts(cells + 1, pixels);
  for (int pixel = pixels - 1, cell = cells; pixel >= 0; --pixel)
    for (; cell > std::min(static_cast<int>(std::floor(pixel * scale)), cells - 1); --cell)
      starts[cell] = pixel + 1;
  starts[0] = 0;
  return starts;
}

}  // namespace

void motion_blur(Image& image, int size, double angle_degrees, double direction) {
  const double first = (std::clamp(direction, -1.0, 1.0) + 1) / 2;
  cv::Mat line = cv::Mat::zeros(size, size, CV_8U);
  for (int row = 0; row < size; ++row) {
    const double weight = first + (1 - 2 * first) * row / (size - 1);
    line.at<std::uint8_t>(row, size / 2) = to_byte(weight * 255);
  }
  const double centre = size / 2.0 - 0.5;
  const cv::Mat turn = cv::getRotationMatrix2D(
      cv::Point2f(static_cast<float>(centre), static_cast<float>(centre)), -angle_degrees, 1);
  cv::Mat turned, kernel;
  cv::warpAffine(line, turned, turn, line.size(), cv::INTER_LINEAR, cv::BORDER_CONSTANT);
  turned.convertTo(kernel, CV_32F);
  const double sum = cv::sum(kernel)[0];
  if (sum > 0) filter(image, kernel / sum);
}

void cover(Image& image, std::span<const std::uint8_t> mask, int rows, int columns, int channels) {
  const auto row_starts = cell_starts(rows, image.height);
  const auto column_starts = cell_starts(columns, image.width);
  const auto blacken = [&](int row, int column, int first_channel, int count) {
    for (int y = row_starts[row]; y < row_starts[row + 1]; ++y)
      for (int x = column_starts[column]; x < column_starts[column + 1]; ++x) {
        const auto at = (static_cast<std::size_t>(y) * image.width + x) * 3 + first_channel;
        std::fill_n(image.pixels.begin() + static_cast<std::ptrdiff_t>(at), count, std::uint8_t{0});
      }
  };
  const auto* keep = mask.data();
  for (int row = 0; row < rows; ++row)
    for (int column = 0; column < columns; ++column)
      for (int channel = 0; channel < channels; ++channel, ++keep)
        if (*keep == 0) blacken(row, column, channel, channels == 1 ? 3 : 1);
}

void add_noise(Image& image, double deviation, bool per_channel, Random& random) {
  double noise = 0;
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    if (per_channel || i % 3 == 0) noise = std::nearbyint(random.normal(deviation));
    image.pixels[i] = to_byte(image.pixels[i] + noise);
  }
}

void blend_with_grey(Image& image, double alpha) {
  cv::Mat grey;
  cv::cvtColor(as_matrix(image), grey, cv::COLOR_RGB2GRAY);
  const auto* level = grey.ptr<std::uint8_t>();
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    const double old = image.pixels[i];
    image.pixels[i] = to_byte(std::nearbyint(old + alpha * (level[i / 3] - old)));
  }
}

void equalize_histogram(Image& image) {
  for_each_channel(image, [](cv::Mat& channel) { cv::equalizeHist(channel, channel); });
}

void equalize_locally(Image& image, double clip_limit, int tiles) {
  const auto clahe = cv::createCLAHE(clip_limit, {tiles, tiles});
  for_each_channel(image, [&](cv::Mat& channel) {
    cv::Mat result;
    clahe->apply(channel, result);
    channel = result;
  });
}

void change_log_contrast(Image& image, double gain) {
  map_levels(image, [gain](int level) { return 255 * gain * std::log2(1 + level / 255.0); });
}

void change_linear_contrast(Image& image, double alpha) {
  map_levels(image, [alpha](int level) { return 127 + alpha * (level - 127); });
}

void change_sigmoid_contrast(Image& image, double gain, double cutoff) {
  map_levels(image, [gain, cutoff](int level) {
    return 255 / (1 + std::exp(gain * (cutoff - level / 255.0)));
  });
}

void change_gamma(Image& image, double gamma) {
  map_levels(image, [gamma](int level) { return 255 * std::pow(level / 255.0, gamma); });
}

void sharpen(Image& image, double alpha, double lightness) {
  filter_blended(image, alpha, {-1, -1, -1, -1, 8 + lightness, -1, -1, -1, -1});
}

void emboss(Image& image, double alpha, double strength) {
  const double s = strength;
  filter_blended(image, alpha, {-1 - s, -s, 0, -s, 1, s, 0, s, 1 + s});
}

void show_edges(Image& image, double alpha) {
  filter_blended(image, alpha, {0, 1, 0, 1, -4, 1, 0, 1, 0});
}

}  // namespace poseheir
