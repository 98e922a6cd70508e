// Which body parts are a left and a right one, and where a labeller likely mixed them up.
#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <optional>

#include "base/text.h"
#include "poseheir/check.h"

namespace poseheir {
namespace {

using Complex = std::complex<double>;
using Pairs = std::vector<std::pair<std::size_t, std::size_t>>;
using Shape = std::vector<std::optional<Complex>>;  // of each body part

// The name with one side's word exchanged for the other's; empty where it holds none. Words of one
// letter count only where they stand alone: "l_ear", "Lear" followed by a capital, "ear_l".
std::string other_side(const std::string& name) {
  constexpr std::array<std::pair<const char*, const char*>, 2> kWords = {
      {{"left", "right"}, {"near", "off"}}};
  const auto lower = to_lower(name);
  for (const auto& [left, right] : kWords) {
    const auto at = lower.find(left);
    if (at != std::string::npos)
      return lower.substr(0, at) + right + lower.substr(at + std::string(left).size());
  }
  const auto is_letter = [&](std::size_t i) {
    return i < name.size() && std::isalpha(static_cast<unsigned char>(name[i])) != 0;
  };
  const auto is_lower = [&](std::size_t i) {
    return i < name.size() && std::islower(static_cast<unsigned char>(name[i])) != 0;
  };
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (lower[i] != 'l') continue;
    const bool begins = i == 0 || !is_letter(i - 1);
    const bool alone = begins && !is_letter(i + 1);
    const bool camel = begins && name[i] == 'L' && is_letter(i + 1) && !is_lower(i + 1);
    const bool ends_camel = name[i] == 'L' && i > 0 && is_lower(i - 1) && !is_letter(i + 1);
    if (!alone && !camel && !ends_camel) continue;
    auto other = lower;
    other[i] = 'r';
    return other;
  }
  return {};
}

// The move, turn and scaling (no mirroring) that brings `shape` nearest to `target`.
Shape aligned(const Shape& shape, const Shape& target) {
  Complex centre_shape, centre_target;
  double count = 0;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (!shape[i] || !target[i]) continue;
    centre_shape += *shape[i];
    centre_target += *target[i];
    ++count;
  }
  if (count < 2) return Shape(shape.size());
  centre_shape /= count;
  centre_target /= count;
  Complex product;
  double size = 0;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (!shape[i] || !target[i]) continue;
    product += std::conj(*shape[i] - centre_shape) * (*target[i] - centre_target);
    size += std::norm(*shape[i] - centre_shape);
  }
  if (size <= 0) return Shape(shape.size());
  Shape result(shape.size());
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i]) result[i] = (*shape[i] - centre_shape) * (product / size) + centre_target;
  }
  return result;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Typical place of each part, and how far labels typically lie from it.
struct Typical {
  Shape place;
  std::vector<double> deviation;
};

std::size_t known_points(const Shape& shape) {
  return static_cast<std::size_t>(
      std::count_if(shape.begin(), shape.end(), [](const auto& point) { return bool(point); }));
}

constexpr std::size_t kFewestPictures = 10;  // below, a median says little

// Medians over all pictures, so that a few swapped ones do not move them.
Typical typical_of(const std::vector<Shape>& shapes) {
  const auto parts = shapes[0].size();
  Typical typical{*std::max_element(shapes.begin(), shapes.end(),
                                    [](const Shape& a, const Shape& b) {
                                      return known_points(a) < known_points(b);
                                    }),
                  std::vector<double>(parts)};
  for (int round = 0; round < 8; ++round) {
    std::vector<std::vector<double>> x(parts), y(parts), distance(parts);
    std::vector<Shape> all;
    for (const auto& shape : shapes) all.push_back(aligned(shape, typical.place));
    for (const auto& shape : all) {
      for (std::size_t i = 0; i < parts; ++i) {
        if (!shape[i]) continue;
        x[i].push_back(shape[i]->real());
        y[i].push_back(shape[i]->imag());
      }
    }
    for (std::size_t i = 0; i < parts; ++i)
      typical.place[i] = x[i].size() < kFewestPictures
                             ? std::nullopt
                             : std::optional(Complex(median(x[i]), median(y[i])));
    for (const auto& shape : all) {
      for (std::size_t i = 0; i < parts; ++i) {
        if (shape[i] && typical.place[i])
          distance[i].push_back(std::abs(*shape[i] - *typical.place[i]));
      }
    }
    // Of a normal distribution in the plane half lies within 1.177 deviations.
    for (std::size_t i = 0; i < parts; ++i)
      typical.deviation[i] = distance[i].empty() ? 0 : median(distance[i]) / 1.177;
  }
  return typical;
}

// Squared deviations from the typical places, none counted as more than 5 deviations.
double misfit(const Shape& shape, const Typical& typical) {
  const auto placed = aligned(shape, typical.place);
  double sum = 0;
  for (std::size_t i = 0; i < placed.size(); ++i) {
    if (!placed[i] || !typical.place[i]) continue;
    sum += std::min(25.0, std::norm(*placed[i] - *typical.place[i]) /
                              std::pow(std::max(typical.deviation[i], 1e-9), 2));
  }
  return sum;
}

// A pair whose two places blur into each other tells nothing about its sides.
Pairs telling_pairs(const Pairs& pairs, const Typical& typical) {
  Pairs result;
  for (const auto& [left, right] : pairs) {
    if (!typical.place[left] || !typical.place[right]) continue;
    const auto apart = std::abs(*typical.place[left] - *typical.place[right]);
    if (apart > 2 * std::max(typical.deviation[left], typical.deviation[right]))
      result.emplace_back(left, right);
  }
  return result;
}

}  // namespace

Pairs sided_pairs(const std::vector<std::string>& bodyparts) {
  Pairs pairs;
  for (std::size_t i = 0; i < bodyparts.size(); ++i) {
    const auto other = other_side(bodyparts[i]);
    const auto found = std::find_if(bodyparts.begin(), bodyparts.end(),
                                    [&](const auto& part) { return to_lower(part) == other; });
    if (found != bodyparts.end())
      pairs.emplace_back(i, static_cast<std::size_t>(found - bodyparts.begin()));
  }
  return pairs;
}

std::vector<SwapSuspect> likely_swaps(const std::vector<std::string>& bodyparts,
                                      const std::vector<std::vector<Point>>& configurations) {
  const auto pairs = sided_pairs(bodyparts);
  std::vector<Shape> shapes;
  std::vector<std::size_t> source;
  for (std::size_t i = 0; i < configurations.size(); ++i) {
    Shape shape;
    for (const auto& point : configurations[i])
      shape.push_back(point.missing() ? std::nullopt : std::optional(Complex(point.x, point.y)));
    if (known_points(shape) < 3) continue;
    shapes.push_back(std::move(shape));
    source.push_back(i);
  }
  if (pairs.empty() || shapes.size() < kFewestPictures) return {};
  const auto typical = typical_of(shapes);
  const auto telling = telling_pairs(pairs, typical);

  std::vector<Pairs> candidates;
  for (const auto& pair : telling) candidates.push_back({pair});
  if (telling.size() > 1) candidates.push_back(telling);
  std::vector<SwapSuspect> suspects;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const double as_labelled = misfit(shapes[i], typical);
    SwapSuspect best;
    for (const auto& candidate : candidates) {
      auto swapped = shapes[i];
      for (const auto& [left, right] : candidate) std::swap(swapped[left], swapped[right]);
      const double after = misfit(swapped, typical);
      // The exchanged configuration has to be a common one, not only a better one.
      if (after > 4 * static_cast<double>(known_points(swapped))) continue;
      if (as_labelled - after <= best.gain) continue;
      best = {source[i], {}, as_labelled - after};
      for (const auto& pair : candidate) best.parts.push_back(bodyparts[pair.first]);
    }
    constexpr double kSure = 16;
    if (best.gain > kSure) suspects.push_back(std::move(best));
  }
  std::stable_sort(suspects.begin(), suspects.end(),
                   [](const auto& a, const auto& b) { return a.gain > b.gain; });
  return suspects;
}

}  // namespace poseheir
