#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "animals/pickle_parts.h"
#include "poseheir/animal_files.h"

namespace poseheir {
namespace {

using Shape = std::vector<std::size_t>;

void write_about(PickleWriter& pickle, const DetectionsAbout& about) {
  pickle.text("metadata").begin_dict();
  write_detection_options(pickle, about.options, about.keypoint_names);
  pickle.text("nframes").integer(about.frames).end();
}

void write_pose(PickleWriter& pickle, const std::vector<AssembledPoint>& points) {
  std::vector<double> values;
  for (const auto& point : points)
    values.insert(values.end(), {point.x, point.y, point.likelihood, point.identity});
  pickle.array(values, Shape{points.size(), 4});
}

void write_unique(PickleWriter& pickle, const std::vector<PredictedPoint>& points) {
  std::vector<double> values;
  for (const auto& point : points)
    values.insert(values.end(), {point.x, point.y, point.likelihood});
  pickle.array(values, Shape{points.size(), 3});
}

void write_header(PickleWriter& pickle, const std::string& scorer,
                  const std::vector<std::string>& bodyparts) {
  MultiIndex index{{"scorer", "bodyparts", "coords"}, {}};
  for (const auto& part : bodyparts)
    for (const auto* coordinate : {"x", "y", "likelihood"})
      index.labels.push_back({scorer, part, coordinate});
  pickle.text("header");
  write_multi_index(pickle, index);
}

}  // namespace

std::string frame_name(int frame, int frames) {
  const auto digits = static_cast<int>(std::ceil(std::log10(std::max(frames, 1))));
  return fmt::format("frame{:0{}}", frame, std::max(digits, 1));
}

std::string format_full_pickle(const DetectionsAbout& about,
                               std::span<const DetectionsOfFrame> frames) {
  PickleWriter pickle(PickleWriter::Protocol::binary_3);
  pickle.begin_dict();
  write_about(pickle, about);
  for (const auto& [frame, detections] : frames) {
    pickle.text(frame_name(frame, about.frames)).begin_dict();
    write_detections(pickle, detections, about.options);
    pickle.end();
  }
  return pickle.end().finish();
}

std::string format_assemblies_pickle(std::span<const AnimalsOfFrame> frames) {
  PickleWriter pickle(PickleWriter::Protocol::binary_3);
  pickle.begin_dict();
  bool any_unique = false;
  for (std::size_t place = 0; place < frames.size(); ++place) {
    any_unique = any_unique || frames[place].found.unique;
    if (frames[place].found.animals.empty()) continue;
    pickle.integer(static_cast<std::int64_t>(place)).begin_list();
    for (const auto& animal : frames[place].found.animals) write_pose(pickle, animal.points);
    pickle.end();
  }
  if (any_unique) {
    pickle.text("single").begin_dict();
    for (std::size_t place = 0; place < frames.size(); ++place) {
      if (!frames[place].found.unique) continue;
      pickle.integer(static_cast<std::int64_t>(place));
      write_unique(pickle, *frames[place].found.unique);
    }
    pickle.end();
  }
  return pickle.end().finish();
}

std::string format_tracklets_pickle(const Tracklets& tracklets, const std::string& scorer,
                                    const DetectionsAbout& about, bool unique) {
  PickleWriter pickle(PickleWriter::Protocol::binary_3);
  pickle.begin_dict();
  if (unique) {
    pickle.text("single").begin_dict();
    for (std::size_t n = 0; n < tracklets.unique.frames.size(); ++n) {
      pickle.integer(tracklets.unique.frames[n]);
      write_unique(pickle, tracklets.unique.points[n]);
    }
    pickle.end();
  }
  for (const auto& [id, tracklet] : tracklets.animals) {
    pickle.integer(id).begin_dict();
    for (std::size_t n = 0; n < tracklet.size(); ++n) {
      pickle.text(frame_name(tracklet.frames[n], about.frames));
      write_pose(pickle, tracklet.poses[n]);
    }
    pickle.end();
  }
  write_header(pickle, scorer, about.keypoint_names);
  return pickle.end().finish();
}

}  // namespace poseheir
