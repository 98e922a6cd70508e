#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "poseheir/animal_targets.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

// One picture of the batch and the centres of its cells.
struct Maps {
  AnimalTargets& targets;
  std::size_t first_cell;
  const AnimalTargetOptions& options;

  double centre(int cell) const {
    return cell * options.stride_pixels + std::floor(options.stride_pixels / 2);
  }
  std::size_t cell(int row, int column) const {
    return first_cell + static_cast<std::size_t>(row) * targets.width + column;
  }
  float& score(std::size_t cell, int channel) {
    return targets.part_score[cell * (targets.keypoints + targets.identities) + channel];
  }

  template <typename Visit>
  void for_each_cell(Visit visit) {
    for (int row = 0; row < targets.height; ++row)
      for (int column = 0; column < targets.width; ++column)
        visit(cell(row, column), centre(column), centre(row));
  }
};

template <typename Visit>
void for_each_cell_of_disc(Maps& maps, const AnimalJoint& joint, double radius, Visit visit) {
  maps.for_each_cell([&](std::size_t cell, double x, double y) {
    const double dx = joint.x - x, dy = joint.y - y;
    if (dx * dx + dy * dy <= radius * radius) visit(cell, dx, dy);
  });
}

void draw_joint(Maps& maps, const AnimalJoint& joint, double radius) {
  for_each_cell_of_disc(maps, joint, radius, [&](std::size_t cell, double dx, double dy) {
    maps.score(cell, joint.id) = 1;
    const auto at = (cell * maps.targets.keypoints + joint.id) * 2;
    maps.targets.locref[at] = static_cast<float>(dx / maps.options.locref_stdev);
    maps.targets.locref[at + 1] = static_cast<float>(dy / maps.options.locref_stdev);
  });
}

// The joints of all individuals in a row, absent ones having none, as DeepLabCut lists them.
struct JointLists {
  std::vector<std::vector<AnimalJoint>> of_individual;
  std::vector<AnimalJoint> all;
};

JointLists list_joints(std::span<const LabelledAnimal> animals) {
  JointLists lists;
  for (const auto& animal : animals) {
    const auto size = static_cast<std::size_t>(animal.individual) + 1;
    if (lists.of_individual.size() < size) lists.of_individual.resize(size);
    lists.of_individual[size - 1] = animal.joints;
  }
  for (const auto& joints : lists.of_individual)
    lists.all.insert(lists.all.end(), joints.begin(), joints.end());
  return lists;
}

// DeepLabCut counts the individuals of the record (which lacks the absent ones) but looks their
// joints up in the list of all, and walks a second index along only those that it visits.
void draw_identities(Maps& maps, std::span<const LabelledAnimal> animals, const JointLists& lists,
                     double radius) {
  std::size_t first = 0;
  for (std::size_t place = 0; place < animals.size(); ++place) {
    const int individual = animals[place].individual;
    if (individual >= maps.targets.identities) continue;
    const auto count = lists.of_individual[place].size();
    for (std::size_t n = first; n < first + count; ++n)
      for_each_cell_of_disc(maps, lists.all[n], radius, [&](std::size_t cell, double, double) {
        maps.score(cell, maps.targets.keypoints + individual) = 1;
      });
    first += count;
  }
}

void draw_limb(Maps& maps, int limb, const AnimalJoint& from, const AnimalJoint& to, double scale) {
  const double length =
      std::sqrt((to.x - from.x) * (to.x - from.x) + (to.y - from.y) * (to.y - from.y));
  if (!(length > 0)) return;
  const double ux = (to.x - from.x) / length, uy = (to.y - from.y) / length;
  const auto [begin, end] = std::minmax({ux * from.x + uy * from.y, ux * to.x + uy * to.y});
  const double middle = from.y * ux - from.x * uy;
  maps.for_each_cell([&, first = begin, last = end](std::size_t cell, double x, double y) {
    const double along = ux * x + uy * y;
    const double across =
        std::abs(((y * ux - x * uy) - middle) / maps.options.limb_width_pixels * scale);
    if (along < first || along > last || across > 1) return;
    const auto at = (cell * maps.targets.limbs + limb) * 2;
    maps.targets.paf[at] = static_cast<float>(ux * (1 - across));
    maps.targets.paf[at + 1] = static_cast<float>(uy * (1 - across));
  });
}

void draw_limbs(Maps& maps, const std::vector<AnimalJoint>& joints, double scale) {
  const auto find = [&joints](int id) {
    return std::find_if(joints.begin(), joints.end(), [id](const auto& j) { return j.id == id; });
  };
  for (int limb = 0; limb < maps.targets.limbs; ++limb) {
    const auto [from, to] = maps.options.limbs[limb];
    const auto first = find(from), second = find(to);
    if (first != joints.end() && second != joints.end())
      draw_limb(maps, limb, *first, *second, scale);
  }
}

void check(const AnimalTargets& targets, std::span<const LabelledAnimal> animals,
           const AnimalTargetOptions& options) {
  if (options.limbs.size() != static_cast<std::size_t>(targets.limbs))
    throw Error(ErrorKind::mismatch, fmt::format("maps for {} limbs, but the skeleton has {}",
                                                 targets.limbs, options.limbs.size()));
  for (const auto& animal : animals)
    for (const auto& joint : animal.joints)
      if (joint.id < 0 || joint.id >= targets.keypoints)
        throw Error(ErrorKind::mismatch,
                    fmt::format("a label of keypoint {}, but the network has {} (counted from 0)",
                                joint.id, targets.keypoints));
}

}  // namespace

AnimalTargets::AnimalTargets(int images, int rows, int columns, int joints, int identity_channels,
                             int limb_count)
    : count(images),
      height(rows),
      width(columns),
      keypoints(joints),
      identities(identity_channels),
      limbs(limb_count) {
  const auto cells = static_cast<std::size_t>(images) * rows * columns;
  part_score.assign(cells * (joints + identity_channels), 0.0F);
  locref.assign(cells * joints * 2, 0.0F);
  paf.assign(cells * limb_count * 2, 0.0F);
}

void draw_animal_targets(AnimalTargets& targets, int image, std::span<const LabelledAnimal> animals,
                         double scale, const AnimalTargetOptions& options) {
  check(targets, animals, options);
  Maps maps{targets, static_cast<std::size_t>(image) * targets.height * targets.width, options};
  const auto lists = list_joints(animals);
  const double radius = options.disc_radius_pixels * scale;
  for (const auto& joint : lists.all) draw_joint(maps, joint, radius);
  draw_identities(maps, animals, lists, radius);
  for (const auto& joints : lists.of_individual) draw_limbs(maps, joints, scale);
}

}  // namespace poseheir
