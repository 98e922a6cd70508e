// Simple online and realtime tracking: each detection goes to the tracker whose prediction it is
// most like.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "animals/assignment.h"
#include "poseheir/tracks.h"

namespace poseheir {

struct Sighting {
  int id = 0;         // of the tracker
  int detection = 0;  // index into what was passed
};

template <typename Filter>
class Sort {
 public:
  using Shape = typename Filter::Shape;
  explicit Sort(const TrackerOptions& options) : options_(options) {}

  // The trackers that saw something in this frame, youngest first.
  std::vector<Sighting> track(const std::vector<Shape>& detections) {
    ++frames_;
    predict();
    const auto fresh = match(detections);
    for (const int detection : fresh)
      trackers_.push_back({Filter(detections[detection]), next_id_++, 0, 0, detection});
    return report();
  }

 private:
  struct Tracker {
    Filter filter;
    int id = 0;
    int unseen = 0;  // frames since the last detection
    int streak = 0;  // detections in a row, after the first
    int detection = -1;
  };

  void predict() {
    for (auto& tracker : trackers_) {
      tracker.filter.predict();
      if (tracker.unseen > 0) tracker.streak = 0;
      ++tracker.unseen;
      tracker.detection = -1;
    }
    std::erase_if(trackers_, [](const Tracker& tracker) { return tracker.filter.lost(); });
  }

  // Updates the trackers that found their detection; returns those that nobody claimed.
  std::vector<int> match(const std::vector<Shape>& detections) {
    const auto count = static_cast<int>(detections.size());
    Matrix likeness(count, static_cast<int>(trackers_.size()));
    for (int row = 0; row < likeness.rows; ++row)
      for (int column = 0; column < likeness.columns; ++column)
        likeness.at(row, column) =
            Filter::likeness(detections[row], trackers_[column].filter.shape());
    std::vector<bool> paired(count, false);
    std::vector<int> rejected;
    for (const auto& [row, column] : assign(likeness, Sense::maximise)) {
      paired[row] = true;
      if (likeness.at(row, column) < options_.iou_threshold)
        rejected.push_back(row);
      else
        see(trackers_[column], detections[row], row);
    }
    std::vector<int> fresh;
    for (int row = 0; row < count; ++row)
      if (!paired[row]) fresh.push_back(row);
    fresh.insert(fresh.end(), rejected.begin(), rejected.end());
    return fresh;
  }

  static void see(Tracker& tracker, const Shape& shape, int detection) {
    tracker.filter.update(shape);
    tracker.unseen = 0;
    ++tracker.streak;
    tracker.detection = detection;
  }

  std::vector<Sighting> report() {
    std::vector<Sighting> seen;
    for (auto tracker = trackers_.rbegin(); tracker != trackers_.rend(); ++tracker)
      if (tracker->unseen < 1 &&
          (tracker->streak >= options_.min_hits || frames_ <= options_.min_hits))
        seen.push_back({tracker->id, tracker->detection});
    std::erase_if(trackers_,
                  [this](const Tracker& tracker) { return tracker.unseen > options_.max_age; });
    return seen;
  }

  TrackerOptions options_;
  std::vector<Tracker> trackers_;
  int frames_ = 0, next_id_ = 0;
};

}  // namespace poseheir
