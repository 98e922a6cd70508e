#include <algorithm>
#include <cmath>
#include <map>

#include "animals/shapes.h"
#include "animals/sort.h"
#include "poseheir/tracks.h"

namespace poseheir {
namespace {

PoseInTime without_ignored(const Animal& animal, const TrackerOptions& options) {
  PoseInTime points;
  for (int label = 0; label < static_cast<int>(animal.points.size()); ++label)
    if (std::find(options.ignored_keypoints.begin(), options.ignored_keypoints.end(), label) ==
        options.ignored_keypoints.end())
      points.push_back(animal.points[label]);
  return points;
}

// Animals without an ellipse are passed over, and DeepLabCut then counts the animals as if they
// were not there: the tracks of the others get the wrong animal of that frame.
std::vector<Ellipse> shapes_of(const std::vector<Animal>& animals, const TrackerOptions& options,
                               Ellipse) {
  std::vector<Ellipse> ellipses;
  for (const auto& animal : animals)
    if (const auto ellipse = fit_ellipse(without_ignored(animal, options)))
      ellipses.push_back(*ellipse);
  return ellipses;
}

std::vector<Rectangle> shapes_of(const std::vector<Animal>& animals, const TrackerOptions& options,
                                 Rectangle) {
  std::vector<Rectangle> boxes;
  for (const auto& animal : animals)
    boxes.push_back(bounding_box(without_ignored(animal, options), options.box_slack_pixels));
  return boxes;
}

void append(Tracklets& tracklets, int id, int frame, const Animal& animal) {
  auto& all = tracklets.animals;
  auto numbered = std::find_if(all.begin(), all.end(), [id](const auto& t) { return t.id == id; });
  if (numbered == all.end()) numbered = all.insert(all.end(), {id, {}});
  numbered->tracklet.frames.push_back(frame);
  numbered->tracklet.poses.push_back(animal.points);
}

template <typename Filter>
void follow(std::span<const AnimalsOfFrame> frames, const TrackerOptions& options,
            Tracklets& tracklets) {
  Sort<Filter> sort(options);
  for (const auto& [frame, found] : frames) {
    if (found.animals.empty()) continue;
    const auto shapes = shapes_of(found.animals, options, typename Filter::Shape{});
    for (const auto& [id, detection] : sort.track(shapes))
      append(tracklets, id, frame, found.animals[detection]);
  }
}

// The softmax over the identities of an animal of their mean likelihoods.
std::map<int, double> soft_identity(const Animal& animal) {
  std::map<int, std::pair<double, int>> sums;
  for (const auto& point : animal.points) {
    if (point.missing() || std::isnan(point.likelihood) || std::isnan(point.identity)) continue;
    auto& [sum, count] = sums[static_cast<int>(point.identity)];
    sum += point.likelihood;
    ++count;
  }
  double highest = -INFINITY, total = 0;
  std::map<int, double> soft;
  for (const auto& [identity, sum] : sums)
    highest = std::max(highest, soft[identity] = sum.first / sum.second);
  for (auto& [identity, share] : soft) total += share = std::exp(share - highest);
  for (auto& [identity, share] : soft) share /= total;
  return soft;
}

void follow_identity(std::span<const AnimalsOfFrame> frames, const TrackerOptions& options,
                     Tracklets& tracklets) {
  for (const auto& [frame, found] : frames) {
    Matrix votes(static_cast<int>(found.animals.size()), options.individuals);
    for (int row = 0; row < votes.rows; ++row)
      for (const auto& [identity, share] : soft_identity(found.animals[row]))
        if (identity >= 0 && identity < votes.columns) votes.at(row, identity) = share;
    for (const auto& [row, column] : assign(votes, Sense::maximise))
      append(tracklets, column, frame, found.animals[row]);
  }
}

}  // namespace

Tracklets track(std::span<const AnimalsOfFrame> frames, const TrackerOptions& options) {
  Tracklets tracklets;
  for (const auto& [frame, found] : frames) {
    if (!found.unique) continue;
    tracklets.unique.frames.push_back(frame);
    tracklets.unique.points.push_back(*found.unique);
  }
  if (options.individuals == 1) {
    for (const auto& [frame, found] : frames)
      if (!found.animals.empty()) append(tracklets, 0, frame, found.animals[0]);
  } else if (options.identity_only) {
    follow_identity(frames, options, tracklets);
  } else if (options.kind == TrackerKind::ellipse) {
    follow<EllipseFilter>(frames, options, tracklets);
  } else {
    follow<BoxFilter>(frames, options, tracklets);
  }
  return tracklets;
}

}  // namespace poseheir
