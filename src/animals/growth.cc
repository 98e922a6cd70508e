#include <algorithm>
#include <map>
#include <numeric>
#include <queue>
#include <tuple>

#include "animals/parts.h"
#include "animals/visiting_order.h"

namespace poseheir {
namespace {

// The links at each joint, in the order in which they came.
class LinkTable {
 public:
  LinkTable(const std::vector<Link>& links, std::size_t joints) : at_(joints) {
    for (const auto& link : links) {
      put(link.from->index, link.to->index, link);
      put(link.to->index, link.from->index, link);
    }
  }

  struct Neighbour {
    int joint;
    const Link* link;
  };
  const std::vector<Neighbour>& at(int joint) const { return at_[joint]; }

  void remove(const Link& link) {
    const auto drop = [this](int a, int b) {
      std::erase_if(at_[a], [b](const Neighbour& neighbour) { return neighbour.joint == b; });
    };
    drop(link.from->index, link.to->index);
    drop(link.to->index, link.from->index);
  }

 private:
  void put(int joint, int other, const Link& link) {
    for (auto& neighbour : at_[joint])
      if (neighbour.joint == other) {
        neighbour.link = &link;
        return;
      }
    at_[joint].push_back({other, &link});
  }

  std::vector<std::vector<Neighbour>> at_;
};

// Links waiting their turn: the lowest key first, among equals the earlier one.
class Waiting {
 public:
  bool empty() const { return queue_.empty(); }
  void push(double key, const Link* link) { queue_.emplace(key, count_++, link); }
  const Link* pop() {
    const auto* link = std::get<2>(queue_.top());
    queue_.pop();
    return link;
  }

 private:
  using Entry = std::tuple<double, std::size_t, const Link*>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue_;
  std::size_t count_ = 0;
};

// Lets one animal take links from its joints outwards, the best first. With a calibration a link is
// taken only if it makes the animal more plausible; one success gives the least bad of those
// turned down a second chance.
class Grower {
 public:
  Grower(const LinkTable& table, const std::vector<bool>& used, const Calibration* calibration)
      : table_(table), used_(used), calibration_(calibration) {}

  void grow(Assembly& assembly) {
    for (const int joint : visiting_order(assembly.joints())) look_around(assembly, joint);
    const int all = static_cast<int>(assembly.points().size());
    while (!waiting_.empty() && assembly.found() < all) {
      const auto* link = waiting_.pop();
      const bool from_here = assembly.holds(link->from->index);
      if (!from_here && !assembly.holds(link->to->index)) continue;
      const int joint = from_here ? link->to->index : link->from->index;
      if (!used_[joint]) take(assembly, *link, joint);
    }
  }

 private:
  void look_around(const Assembly& assembly, int joint) {
    for (const auto& [other, link] : table_.at(joint)) {
      if (assembly.holds(other)) continue;
      if (std::find(seen_.begin(), seen_.end(), link) != seen_.end()) continue;
      waiting_.push(-link->affinity, link);
      seen_.push_back(link);
    }
  }

  void take(Assembly& assembly, const Link& link, int joint) {
    if (calibration_ == nullptr) {
      assembly.add(link);
      look_around(assembly, joint);
      return;
    }
    const auto before = assembly;
    const double old_distance = mahalanobis(assembly, *calibration_);
    if (!assembly.add(link)) return;
    const double distance = mahalanobis(assembly, *calibration_);
    if (distance < old_distance) {
      look_around(assembly, joint);
      if (!turned_down_.empty()) {
        const auto* second_chance = turned_down_.pop();
        waiting_.push(-second_chance->affinity, second_chance);
      }
    } else {
      turned_down_.push(distance - old_distance, &link);
      assembly = before;
    }
  }

  const LinkTable& table_;
  const std::vector<bool>& used_;
  const Calibration* calibration_;
  Waiting waiting_, turned_down_;
  std::vector<const Link*> seen_;
};

// Which connected group each joint belongs to; groups are numbered by their first link.
std::vector<std::vector<int>> connected_groups(const std::vector<Link>& links, std::size_t joints) {
  std::vector<int> parent(joints);
  std::iota(parent.begin(), parent.end(), 0);
  const auto root = [&parent](int joint) {
    while (parent[joint] != joint) joint = parent[joint];
    return joint;
  };
  std::vector<int> order;
  for (const auto& link : links) {
    parent[root(link.from->index)] = root(link.to->index);
    order.insert(order.end(), {link.from->index, link.to->index});
  }
  std::vector<std::vector<int>> groups;
  std::map<int, std::size_t> group_of;
  std::vector<bool> listed(joints, false);
  for (const int joint : order) {
    if (listed[joint]) continue;
    listed[joint] = true;
    const auto [place, fresh] = group_of.emplace(root(joint), groups.size());
    if (fresh) groups.emplace_back();
    groups[place->second].push_back(joint);
  }
  return groups;
}

class Growth {
 public:
  Growth(const std::vector<Link>& links, std::size_t joints, const AssemblyOptions& options,
         const Calibration* calibration)
      : links_(links),
        options_(options),
        calibration_(calibration),
        table_(links, joints),
        grown_{{}, std::vector<bool>(joints, false)} {}

  Grown run() {
    take_complete_groups();
    const auto wanted = static_cast<std::size_t>(options_.individuals);
    if (grown_.assemblies.size() == wanted) return std::move(grown_);
    take_best_links();
    if (grown_.assemblies.size() > wanted) {
      if (calibration_ != nullptr)
        fuse_plausibly();
      else
        fuse_by_unused_links();
    }
    for (auto& assembly : grown_.assemblies)
      if (assembly.found() != options_.keypoints_of_animals) {
        Grower(table_, grown_.used, nullptr).grow(assembly);
        mark_used(assembly);
      }
    return std::move(grown_);
  }

 private:
  void mark_used(const Assembly& assembly) {
    for (const int joint : assembly.joints()) grown_.used[joint] = true;
  }

  // A connected group with as many joints as an animal has is taken as it is.
  void take_complete_groups() {
    for (const auto& group : connected_groups(links_, grown_.used.size())) {
      if (static_cast<int>(group.size()) != options_.keypoints_of_animals) continue;
      Assembly assembly(options_.keypoints_of_animals);
      for (const auto& link : links_) {
        // DeepLabCut sorts the ends of the group's links, so it misses limbs drawn backwards.
        if (link.from->index >= link.to->index) continue;
        if (std::find(group.begin(), group.end(), link.from->index) == group.end()) continue;
        if (assembly.add(link)) table_.remove(link);
      }
      mark_used(assembly);
      grown_.assemblies.push_back(std::move(assembly));
    }
  }

  void take_best_links() {
    std::vector<const Link*> order;
    for (const auto& link : links_) order.push_back(&link);
    std::stable_sort(order.begin(), order.end(),
                     [](const auto* a, const auto* b) { return a->affinity > b->affinity; });
    for (const auto* link : order) {
      if (grown_.used[link->from->index] || grown_.used[link->to->index]) continue;
      Assembly assembly(options_.keypoints_of_animals);
      assembly.add(*link);
      Grower(table_, grown_.used, calibration_).grow(assembly);
      for (const auto* taken : assembly.links()) table_.remove(*taken);
      mark_used(assembly);
      grown_.assemblies.push_back(std::move(assembly));
    }
  }

  static Assembly fused(const Assembly& a, const Assembly& b, int keypoints) {
    Assembly both(keypoints);
    for (const auto* links : {&a.links(), &b.links()})
      for (const auto* link : *links) both.add(*link);
    return both;
  }

  // Joins the two that make the most plausible animal, as long as that makes things better.
  void fuse_plausibly() {
    auto& assemblies = grown_.assemblies;
    std::vector<double> distances;
    for (const auto& assembly : assemblies)
      distances.push_back(mahalanobis(assembly, *calibration_));
    while (assemblies.size() > static_cast<std::size_t>(options_.individuals)) {
      struct Candidate {
        std::size_t a, b;
        double gain, distance;
        Assembly both;
      };
      std::optional<Candidate> best;
      std::size_t candidates = 0;
      for (std::size_t a = 0; a < assemblies.size(); ++a)
        for (std::size_t b = a + 1; b < assemblies.size(); ++b) {
          if (assemblies[a].overlaps(assemblies[b])) continue;
          ++candidates;
          auto both = fused(assemblies[a], assemblies[b], options_.keypoints_of_animals);
          const double distance = mahalanobis(both, *calibration_);
          const double gain = distance - std::max(distances[a], distances[b]);
          if (!best || gain < best->gain) best = {a, b, gain, distance, std::move(both)};
        }
      if (!best || !(best->gain < 0 || candidates == 1)) return;
      assemblies[best->a] = std::move(best->both);
      distances[best->a] = best->distance;
      assemblies.erase(assemblies.begin() + static_cast<std::ptrdiff_t>(best->b));
      distances.erase(distances.begin() + static_cast<std::ptrdiff_t>(best->b));
    }
  }

  // Joins incomplete animals that an unused link connects.
  void fuse_by_unused_links() {
    auto& assemblies = grown_.assemblies;
    std::map<int, std::size_t> holder;  // of a joint, among the incomplete
    std::vector<const Link*> used;
    for (std::size_t n = 0; n < assemblies.size(); ++n) {
      used.insert(used.end(), assemblies[n].links().begin(), assemblies[n].links().end());
      if (assemblies[n].found() == options_.keypoints_of_animals) continue;
      for (const int joint : assemblies[n].joints()) holder[joint] = n;
    }
    std::vector<bool> gone(assemblies.size(), false);
    for (const auto& link : links_) {
      if (std::find(used.begin(), used.end(), &link) != used.end()) continue;
      const auto from = holder.find(link.from->index), to = holder.find(link.to->index);
      if (from == holder.end() || to == holder.end()) continue;
      const auto keep = from->second, drop = to->second;
      if (assemblies[keep].overlaps(assemblies[drop])) continue;
      assemblies[keep] = fused(assemblies[keep], assemblies[drop], options_.keypoints_of_animals);
      gone[drop] = true;
      for (const int joint : assemblies[drop].joints()) holder[joint] = keep;
    }
    std::vector<Assembly> kept;
    for (std::size_t n = 0; n < assemblies.size(); ++n)
      if (!gone[n]) kept.push_back(std::move(assemblies[n]));
    assemblies = std::move(kept);
  }

  const std::vector<Link>& links_;
  const AssemblyOptions& options_;
  const Calibration* calibration_;
  LinkTable table_;
  Grown grown_;
};

}  // namespace

Grown grow(const std::vector<Link>& links, std::size_t joint_count, const AssemblyOptions& options,
           const Calibration* calibration) {
  return Growth(links, joint_count, options, calibration).run();
}

}  // namespace poseheir
