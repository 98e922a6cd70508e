#include "pose/targets.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "poseheir/error.h"

namespace poseheir {
namespace {

std::size_t cells_of(int count, int height, int width) {
  return static_cast<std::size_t>(count) * height * width;
}

// One image of the batch, and where a cell's centre lies.
struct Maps {
  Targets& targets;
  std::size_t first_cell;
  const TargetOptions& options;

  double centre(int cell) const { return cell * options.stride_pixels + options.stride_pixels / 2; }
  std::size_t cell(int row, int column) const {
    return first_cell + static_cast<std::size_t>(row) * targets.width + column;
  }
  void set_locref(std::size_t cell, int id, double dx, double dy) {
    const auto at = (cell * targets.keypoints + id) * 2;
    targets.locref[at] = static_cast<float>(dx / options.locref_stdev);
    targets.locref[at + 1] = static_cast<float>(dy / options.locref_stdev);
  }
  void set_mask(std::size_t cell, int id) {
    const auto at = (cell * targets.keypoints + id) * 2;
    targets.locref_mask[at] = targets.locref_mask[at + 1] = 1;
  }
  float& score(std::size_t cell, int id) {
    return targets.part_score[cell * targets.keypoints + id];
  }
};

struct Range {
  int first, last;  // inclusive
};

// Cells whose centres may lie within `radius` of `position`; the exact test follows for each.
Range cells_near(double position, double radius, double stride, int cells) {
  const auto clamp = [cells](double cell) { return std::clamp(cell, -1.0, double(cells)); };
  return {
      std::max(0, static_cast<int>(std::floor(clamp((position - radius) / stride - 0.5)))),
      std::min(cells - 1, static_cast<int>(std::ceil(clamp((position + radius) / stride - 0.5))))};
}

void draw_disc(Maps& maps, const InputJoint& joint, double radius) {
  const double stride = maps.options.stride_pixels;
  const auto rows = cells_near(joint.y, radius, stride, maps.targets.height);
  const auto columns = cells_near(joint.x, radius, stride, maps.targets.width);
  for (int row = rows.first; row <= rows.last; ++row) {
    for (int column = columns.first; column <= columns.last; ++column) {
      const double dx = joint.x - maps.centre(column), dy = joint.y - maps.centre(row);
      if (dx * dx + dy * dy > radius * radius) continue;
      const auto cell = maps.cell(row, column);
      maps.score(cell, joint.id) = 1;
      maps.set_mask(cell, joint.id);
      maps.set_locref(cell, joint.id, dx, dy);
    }
  }
}

// DeepLabCut measures the bell in cells of the map, but the distances in pixels.
void draw_gaussian(Maps& maps, const InputJoint& joint) {
  const double extent = (maps.targets.width + maps.targets.height) / 6.0;
  const double sigma = extent / 4;
  for (int row = 0; row < maps.targets.height; ++row) {
    for (int column = 0; column < maps.targets.width; ++column) {
      const double dx = joint.x - maps.centre(column), dy = joint.y - maps.centre(row);
      const double squared = dx * dx + dy * dy;
      const auto cell = maps.cell(row, column);
      maps.score(cell, joint.id) = static_cast<float>(std::exp(-squared / (2 * sigma * sigma)));
      if (squared <= extent * extent) maps.set_mask(cell, joint.id);
      maps.set_locref(cell, joint.id, dx, dy);
    }
  }
}

void weigh_present(Targets& targets, std::size_t first_cell, std::span<const InputJoint> joints) {
  if (targets.part_weights.empty()) targets.part_weights.assign(targets.part_score.size(), 0.0F);
  const auto cells = cells_of(1, targets.height, targets.width);
  for (const auto& joint : joints)
    for (std::size_t cell = first_cell; cell < first_cell + cells; ++cell)
      targets.part_weights[cell * targets.keypoints + joint.id] = 1;
}

}  // namespace

Targets::Targets(int images, int rows, int columns, int joints)
    : count(images), height(rows), width(columns), keypoints(joints) {
  const auto size = cells_of(images, rows, columns) * joints;
  part_score.assign(size, 0.0F);
  locref.assign(size * 2, 0.0F);
  locref_mask.assign(size * 2, 0.0F);
}

TargetMapSize target_map_size(int input_height, int input_width, double stride_pixels) {
  const auto cells = [stride_pixels](int pixels) {
    return static_cast<int>(std::ceil(pixels / (stride_pixels * 2))) * 2;
  };
  return {cells(input_height), cells(input_width)};
}

void draw_targets(Targets& targets, int image, std::span<const InputJoint> joints, double scale,
                  const TargetOptions& options) {
  for (const auto& joint : joints)
    if (joint.id < 0 || joint.id >= targets.keypoints)
      throw Error(ErrorKind::mismatch,
                  fmt::format("a label of keypoint {}, but the network has {} (counted from 0)",
                              joint.id, targets.keypoints));
  const auto first_cell = cells_of(image, targets.height, targets.width);
  Maps maps{targets, first_cell, options};
  for (const auto& joint : joints) {
    if (options.gaussian)
      draw_gaussian(maps, joint);
    else
      draw_disc(maps, joint, options.disc_radius_pixels * scale);
  }
  if (options.only_present_joints) weigh_present(targets, first_cell, joints);
}

}  // namespace poseheir
