#include "animals/parts.h"

#include <algorithm>
#include <cmath>

namespace poseheir {

double Link::squared_length() const {
  const double length =
      std::sqrt((from->x - to->x) * (from->x - to->x) + (from->y - to->y) * (from->y - to->y));
  return length * length;
}

int Assembly::found() const {
  return static_cast<int>(std::count_if(points_.begin(), points_.end(),
                                        [](const auto& point) { return !point.missing(); }));
}

bool Assembly::holds(int joint_index) const {
  return std::find(joints_.begin(), joints_.end(), joint_index) != joints_.end();
}

bool Assembly::overlaps(const Assembly& other) const {
  for (std::size_t label = 0; label < points_.size(); ++label)
    if (!points_[label].missing() && !other.points_[label].missing()) return true;
  return false;
}

bool Assembly::add(const Joint& joint) {
  if (shows(joint.label)) return false;
  points_[joint.label] = {joint.x, joint.y, joint.confidence, double(joint.group)};
  joints_.push_back(joint.index);
  return true;
}

void Assembly::remove(const Joint& joint) {
  points_[joint.label] = {kMissing, kMissing, kMissing, kMissing};  // as DeepLabCut leaves it
  std::erase(joints_, joint.index);
}

bool Assembly::add(const Link& link) {
  const bool both_here = holds(link.from->index) && holds(link.to->index);
  if (!both_here) {
    if (shows(link.from->label) && shows(link.to->label)) return false;
    add(*link.from);
    add(*link.to);
  }
  affinity_ += link.affinity;
  links_.push_back(&link);
  return !both_here;
}

Animal Assembly::animal() const { return {points_, affinity_, static_cast<int>(links_.size())}; }

int Animal::found() const {
  return static_cast<int>(std::count_if(points.begin(), points.end(),
                                        [](const auto& point) { return !point.missing(); }));
}

}  // namespace poseheir
