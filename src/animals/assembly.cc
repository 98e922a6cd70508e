#include <algorithm>
#include <cmath>
#include <deque>
#include <fmt/format.h>
#include <map>

#include "animals/parts.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

int strongest(const std::vector<float>& identity, std::size_t peak, int channels) {
  const auto first = identity.begin() + static_cast<std::ptrdiff_t>(peak) * channels;
  return static_cast<int>(std::max_element(first, first + channels) - first);
}

// A keypoint whose peaks all lie at the origin counts as not found, as in DeepLabCut.
bool any_coordinate(const std::vector<Peak>& peaks) {
  return std::any_of(peaks.begin(), peaks.end(),
                     [](const Peak& peak) { return peak.x != 0 || peak.y != 0; });
}

struct Frame {
  JointsOfLabel joints;
  std::size_t count = 0;
};

Frame number_joints(const Detections& detections) {
  Frame frame;
  frame.joints.resize(detections.peaks.size());
  for (std::size_t label = 0; label < detections.peaks.size(); ++label) {
    const auto& peaks = detections.peaks[label];
    if (!any_coordinate(peaks)) continue;
    for (std::size_t n = 0; n < peaks.size(); ++n) {
      const int group = detections.identity.empty() ? -1
                                                    : strongest(detections.identity[label], n,
                                                                detections.identity_channels);
      frame.joints[label].push_back({peaks[n].x, peaks[n].y, double(peaks[n].confidence),
                                     static_cast<int>(label), static_cast<int>(frame.count++),
                                     group});
    }
  }
  return frame;
}

const Joint& most_confident(const std::vector<Joint>& joints) {
  return *std::max_element(joints.begin(), joints.end(), [](const Joint& a, const Joint& b) {
    return a.confidence < b.confidence;
  });
}

std::optional<std::vector<PredictedPoint>> unique_points(const Frame& frame,
                                                         const AssemblyOptions& options) {
  std::vector<PredictedPoint> points;
  bool any = false;
  for (std::size_t label = options.keypoints_of_animals; label < frame.joints.size(); ++label) {
    points.emplace_back();
    if (frame.joints[label].empty()) continue;
    const auto& joint = most_confident(frame.joints[label]);
    if (joint.confidence <= options.confidence_cutoff && !options.add_discarded) continue;
    points.back() = {joint.x, joint.y, joint.confidence};
    any = true;
  }
  if (!any) return std::nullopt;
  return points;
}

std::vector<Assembly> one_point_animals(const Frame& frame, const AssemblyOptions& options) {
  std::vector<Assembly> assemblies;
  for (const auto& joint : frame.joints[0])
    if (joint.confidence >= options.confidence_cutoff) assemblies.emplace_back(1).add(joint);
  return assemblies;
}

Assembly only_animal(const Frame& frame, const AssemblyOptions& options) {
  Assembly assembly(options.keypoints_of_animals);
  for (int label = 0; label < options.keypoints_of_animals; ++label)
    if (!frame.joints[label].empty()) assembly.add(most_confident(frame.joints[label]));
  return assembly;
}

Grown group_by_identity(const Frame& frame, const AssemblyOptions& options) {
  std::map<int, std::vector<const Joint*>> groups;
  for (const auto& joints : frame.joints)
    for (const auto& joint : joints)
      if (std::isfinite(joint.confidence)) groups[joint.group].push_back(&joint);
  Grown grown{{}, std::vector<bool>(frame.count, false)};
  for (auto& [group, joints] : groups) {
    std::stable_sort(joints.begin(), joints.end(),
                     [](const auto* a, const auto* b) { return a->confidence > b->confidence; });
    Assembly assembly(options.keypoints_of_animals);
    for (const auto* joint : joints)
      if (joint->confidence >= options.confidence_cutoff &&
          joint->label < options.keypoints_of_animals)
        assembly.add(*joint);
    if (assembly.found() == 0) continue;
    for (const int joint : assembly.joints()) grown.used[joint] = true;
    grown.assemblies.push_back(std::move(assembly));
  }
  return grown;
}

void weigh_by_length(std::vector<Link>& links, const AssemblyOptions& options,
                     const Calibration& calibration) {
  for (auto& link : links) link.affinity *= std::max(link_probability(link, calibration), 0.001);
  std::erase_if(links, [&](const Link& link) { return link.affinity < options.minimal_affinity; });
}

// What is left over: joints that no animal took, and those of animals that were given up.
class Discarded {
 public:
  Discarded(const Frame& frame, const std::vector<bool>& used, int unique_from) {
    for (const auto& joints : frame.joints)
      for (const auto& joint : joints)
        if (!used[joint.index] && joint.label < unique_from && std::isfinite(joint.confidence))
          joints_.emplace(joint.index, &joint);
  }
  void add(const Assembly& assembly) {
    for (const auto* link : assembly.links())
      for (const auto* joint : {link->from, link->to}) joints_.emplace(joint->index, joint);
  }
  std::vector<const Joint*> by_confidence() const {
    std::vector<const Joint*> joints;
    for (const auto& [index, joint] : joints_) joints.push_back(joint);
    std::stable_sort(joints.begin(), joints.end(),
                     [](const auto* a, const auto* b) { return a->confidence > b->confidence; });
    return joints;
  }

 private:
  std::map<int, const Joint*> joints_;
};

struct Box {
  double left = INFINITY, top = INFINITY, right = -INFINITY, bottom = -INFINITY;

  explicit Box(const Assembly& assembly) {
    for (const auto& point : assembly.points()) {
      if (point.missing()) continue;
      left = std::min(left, point.x), right = std::max(right, point.x);
      top = std::min(top, point.y), bottom = std::max(bottom, point.y);
    }
  }
  bool contains(const AssembledPoint& point) const {
    return point.x >= left && point.x <= right && point.y >= top && point.y <= bottom;
  }
};

// The smaller of both animals' shares of points that lie in the boxes' intersection.
double overlap(const Assembly& a, const Assembly& b) {
  Box both(a);
  const Box other(b);
  both.left = std::max(both.left, other.left), both.right = std::min(both.right, other.right);
  both.top = std::max(both.top, other.top), both.bottom = std::min(both.bottom, other.bottom);
  if (both.right < both.left || both.bottom < both.top) return 0;
  const auto share = [&both](const Assembly& assembly) {
    const auto inside = std::count_if(assembly.points().begin(), assembly.points().end(),
                                      [&](const auto& point) { return both.contains(point); });
    return double(inside) / assembly.found();
  };
  return std::min(share(a), share(b));
}

std::vector<Assembly> suppress_overlapping(std::vector<Assembly> assemblies,
                                           const AssemblyOptions& options,
                                           const Calibration* calibration) {
  if (!(options.maximal_overlap > 0 && options.maximal_overlap < 1)) return assemblies;
  std::vector<double> scores;
  for (const auto& assembly : assemblies)
    scores.push_back(calibration != nullptr ? -mahalanobis(assembly, *calibration)
                                            : assembly.affinity());
  std::vector<Assembly> kept;
  while (!assemblies.empty()) {
    const auto best = std::max_element(scores.begin(), scores.end()) - scores.begin();
    kept.push_back(std::move(assemblies[best]));
    std::vector<Assembly> others;
    std::vector<double> other_scores;
    for (std::ptrdiff_t n = 0; n < static_cast<std::ptrdiff_t>(assemblies.size()); ++n) {
      if (n == best || overlap(kept.back(), assemblies[n]) >= options.maximal_overlap) continue;
      others.push_back(std::move(assemblies[n]));
      other_scores.push_back(scores[n]);
    }
    assemblies = std::move(others);
    scores = std::move(other_scores);
  }
  return kept;
}

void keep_the_fullest(std::vector<Assembly>& assemblies, const AssemblyOptions& options,
                      Discarded& discarded) {
  const auto wanted = static_cast<std::size_t>(options.individuals);
  if (assemblies.size() <= wanted) return;
  std::stable_sort(assemblies.begin(), assemblies.end(),
                   [](const Assembly& a, const Assembly& b) { return a.found() > b.found(); });
  for (auto given_up = assemblies.begin() + static_cast<std::ptrdiff_t>(wanted);
       given_up != assemblies.end(); ++given_up)
    discarded.add(*given_up);
  assemblies.erase(assemblies.begin() + static_cast<std::ptrdiff_t>(wanted), assemblies.end());
}

void add_to_most_plausible(const Joint& joint, std::vector<Assembly>& assemblies,
                           const Calibration& calibration) {
  for (auto& assembly : assemblies) {
    if (assembly.shows(joint.label)) continue;
    const double before = mahalanobis(assembly, calibration);
    assembly.add(joint);
    if (mahalanobis(assembly, calibration) < before) return;
    assembly.remove(joint);
  }
}

void add_to_nearest(const Joint& joint, std::vector<Assembly>& assemblies) {
  Assembly* nearest = nullptr;
  double least = INFINITY;
  for (auto& assembly : assemblies) {
    if (assembly.shows(joint.label)) continue;
    double distance = INFINITY;
    for (const auto& point : assembly.points())
      if (!point.missing())
        distance = std::min(distance, std::hypot(point.x - joint.x, point.y - joint.y));
    if (nearest == nullptr || distance < least) {
      nearest = &assembly;
      least = distance;
    }
  }
  if (nearest != nullptr) nearest->add(joint);
}

LinkPlaces places_of(const std::vector<Link>& links) {
  LinkPlaces places;
  for (const auto& link : links)
    places.push_back({link.from->x, link.from->y, link.to->x, link.to->y});
  return places;
}

std::vector<Assembly> build(const Frame& frame, const Detections& detections,
                            const AssemblyOptions& options, const Calibration* calibration,
                            LinkMemory& memory) {
  std::vector<Link> links;
  Grown grown;
  if (options.identity_only && !detections.identity.empty()) {
    grown = group_by_identity(frame, options);
  } else {
    links = best_links(frame.joints, detections.costs, options, memory.before);
    if (calibration != nullptr) weigh_by_length(links, options, *calibration);
    if (options.window > 0) memory.now = places_of(links);
    grown = grow(links, frame.count, options, calibration);
  }
  Discarded discarded(frame, grown.used, options.keypoints_of_animals);
  std::erase_if(grown.assemblies, [&](const Assembly& assembly) {
    const auto count = static_cast<int>(assembly.links().size());
    const bool invalid = (count > 0 && count < options.minimal_links) || assembly.found() == 0;
    if (invalid) discarded.add(assembly);
    return invalid;
  });
  auto assemblies = suppress_overlapping(std::move(grown.assemblies), options, calibration);
  keep_the_fullest(assemblies, options, discarded);
  if (options.add_discarded)
    for (const auto* joint : discarded.by_confidence()) {
      if (calibration != nullptr)
        add_to_most_plausible(*joint, assemblies, *calibration);
      else
        add_to_nearest(*joint, assemblies);
    }
  return assemblies;
}

void check(const Detections& detections, const AssemblyOptions& options) {
  if (options.keypoints_of_animals < 1 ||
      static_cast<std::size_t>(options.keypoints_of_animals) > detections.peaks.size())
    throw Error(ErrorKind::mismatch,
                fmt::format("animals of {} keypoints, but the detections hold {}",
                            options.keypoints_of_animals, detections.peaks.size()));
  for (const auto& costs : detections.costs)
    if (costs.limb < 0 || static_cast<std::size_t>(costs.limb) >= options.graph.size())
      throw Error(ErrorKind::mismatch, fmt::format("the detections name limb {}, but the skeleton "
                                                   "has {}",
                                                   costs.limb, options.graph.size()));
}

FrameAnimals assemble_frame(const Detections& detections, const AssemblyOptions& options,
                            const Calibration* calibration, LinkMemory& memory) {
  check(detections, options);
  const auto frame = number_joints(detections);
  FrameAnimals result;
  if (frame.count == 0) return result;
  result.unique = unique_points(frame, options);
  const auto animals_end = frame.joints.begin() + options.keypoints_of_animals;
  if (std::all_of(frame.joints.begin(), animals_end, [](const auto& j) { return j.empty(); }))
    return result;
  std::vector<Assembly> assemblies;
  if (options.keypoints_of_animals == 1)
    assemblies = one_point_animals(frame, options);
  else if (options.individuals == 1)
    assemblies.push_back(only_animal(frame, options));
  else
    assemblies = build(frame, detections, options, calibration, memory);
  for (const auto& assembly : assemblies) result.animals.push_back(assembly.animal());
  return result;
}

}  // namespace

FrameAnimals assemble(const Detections& detections, const AssemblyOptions& options,
                      const Calibration* calibration) {
  LinkMemory memory;
  return assemble_frame(detections, options, calibration, memory);
}

std::vector<AnimalsOfFrame> assemble(std::span<const DetectionsOfFrame> frames,
                                     const AssemblyOptions& options,
                                     const Calibration* calibration) {
  std::vector<AnimalsOfFrame> animals;
  std::deque<LinkPlaces> window;  // the latest first
  for (const auto& [frame, detections] : frames) {
    LinkMemory memory;
    for (const auto& places : window)
      if (!places.empty()) memory.before.push_back(&places);
    animals.push_back({frame, assemble_frame(detections, options, calibration, memory)});
    if (options.window <= 0) continue;
    window.push_front(std::move(memory.now));
    if (window.size() > static_cast<std::size_t>(options.window)) window.pop_back();
  }
  return animals;
}

}  // namespace poseheir
