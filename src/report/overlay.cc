#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "poseheir/report.h"
#include "report/page.h"

namespace poseheir {
namespace {

constexpr int kShift = 4;  // OpenCV draws at sixteenths of a pixel
constexpr int kWantedWidth = 640;

cv::Scalar colour_of(std::size_t part, std::size_t parts) {
  const auto colour = part_colour(part, parts);
  return {colour[0], colour[1], colour[2]};
}

class Overlay {
 public:
  explicit Overlay(const Image& image) {
    const cv::Mat original(image.height, image.width, CV_8UC3,
                           const_cast<std::uint8_t*>(image.pixels.data()));
    scale_ = image.width >= kWantedWidth ? 1 : (kWantedWidth + image.width - 1) / image.width;
    cv::resize(original, canvas_, {}, scale_, scale_,
               scale_ == 1 ? cv::INTER_NEAREST : cv::INTER_CUBIC);
    unit_ = std::max(1.0, std::hypot(canvas_.cols, canvas_.rows) / 800);
  }

  void line(Point a, Point b, const cv::Scalar& colour, double width) {
    const int thick = std::max(1, static_cast<int>(std::lround(width * unit_)));
    cv::line(canvas_, at(a), at(b), colour, thick, cv::LINE_AA, kShift);
  }

  void disc(Point centre, double radius, const cv::Scalar& colour, bool filled) {
    const int r = fixed(radius * unit_), rim = filled ? fixed(unit_) : 0;
    cv::circle(canvas_, at(centre), r + rim, {20, 20, 20}, filled ? cv::FILLED : thickness(3),
               cv::LINE_AA, kShift);
    cv::circle(canvas_, at(centre), r, colour, filled ? cv::FILLED : thickness(1.4), cv::LINE_AA,
               kShift);
  }

  void cross(Point centre, double arm) {
    const double reach = arm * unit_ / scale_;
    for (const auto& [colour, width] :
         {std::pair{cv::Scalar(20, 20, 20), 3.6}, std::pair{cv::Scalar(255, 255, 255), 1.5}}) {
      line({centre.x - reach, centre.y}, {centre.x + reach, centre.y}, colour, width);
      line({centre.x, centre.y - reach}, {centre.x, centre.y + reach}, colour, width);
    }
  }

  Image image() const {
    Image result{canvas_.rows, canvas_.cols, {}};
    result.pixels.assign(canvas_.data, canvas_.data + canvas_.total() * 3);
    return result;
  }

 private:
  int thickness(double width) const {
    return std::max(1, static_cast<int>(std::lround(width * unit_)));
  }
  static int fixed(double pixels) { return static_cast<int>(std::lround(pixels * (1 << kShift))); }
  // A point's origin is the corner of the first pixel, OpenCV's its centre.
  cv::Point at(Point point) const {
    return {fixed(point.x * scale_ - 0.5), fixed(point.y * scale_ - 0.5)};
  }

  cv::Mat canvas_;
  int scale_ = 1;
  double unit_ = 1;
};

Point place(const PredictedPoint& point) { return {point.x, point.y}; }

}  // namespace

PartColour part_colour(std::size_t part, std::size_t parts) {
  const double hue =
      6.0 * static_cast<double>(part) / static_cast<double>(std::max<std::size_t>(parts, 1));
  const double light = part % 2 == 0 ? 255 : 190;
  const auto channel = [&](double centre) {
    double off = std::abs(hue - centre);
    off = std::min(off, 6 - off);
    return light * std::clamp(2.0 - off, 0.0, 1.0) * 0.85 + 0.15 * light;
  };
  return {channel(0), channel(2), channel(4)};
}

Image draw_poses(const ExamplePicture& picture, const ReportOptions& options) {
  Overlay overlay(picture.image);
  const auto& poses = picture.predictions;
  const auto index = [&](const std::string& name) {
    return static_cast<std::size_t>(
        std::find(options.bodyparts.begin(), options.bodyparts.end(), name) -
        options.bodyparts.begin());
  };
  const auto sure = [&](std::size_t i) {
    return i < poses.size() && !place(poses[i]).missing() && poses[i].likelihood >= options.pcutoff;
  };
  for (const auto& [from, to] : options.skeleton) {
    const auto a = index(from), b = index(to);
    if (sure(a) && sure(b)) overlay.line(place(poses[a]), place(poses[b]), {235, 235, 235}, 1.1);
  }
  for (std::size_t i = 0; i < std::min(poses.size(), picture.labels.size()); ++i)
    if (!place(poses[i]).missing() && !picture.labels[i].missing())
      overlay.line(picture.labels[i], place(poses[i]), colour_of(i, poses.size()), 1.2);
  for (std::size_t i = 0; i < poses.size(); ++i)
    if (!place(poses[i]).missing())
      overlay.disc(place(poses[i]), sure(i) ? 4.2 : 5.2, colour_of(i, poses.size()), sure(i));
  for (const auto& label : picture.labels)
    if (!label.missing()) overlay.cross(label, 5.5);
  return overlay.image();
}

}  // namespace poseheir
