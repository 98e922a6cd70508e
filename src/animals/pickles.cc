#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <numeric>

#include "base/pickle.h"
#include "poseheir/animal_files.h"

namespace poseheir {
namespace {

using Shape = std::vector<std::size_t>;

void write_peaks(PickleWriter& pickle, const Detections& detections) {
  pickle.text("coordinates").begin_tuple().begin_list();
  for (const auto& peaks : detections.peaks) {
    std::vector<double> xy;
    for (const auto& peak : peaks) xy.insert(xy.end(), {peak.x, peak.y});
    pickle.array(xy, Shape{peaks.size(), 2});
  }
  pickle.end().end();
  pickle.text("confidence").begin_list();
  for (const auto& peaks : detections.peaks) {
    std::vector<float> confidence;
    for (const auto& peak : peaks) confidence.push_back(peak.confidence);
    pickle.array(confidence, Shape{peaks.size(), 1});
  }
  pickle.end();
}

void write_costs(PickleWriter& pickle, const std::vector<LimbCosts>& costs) {
  pickle.text("costs").begin_dict();
  for (const auto& limb : costs) {
    const Shape shape = {static_cast<std::size_t>(limb.rows),
                         static_cast<std::size_t>(limb.columns)};
    pickle.integer(limb.limb).begin_dict();
    pickle.text("m1").array(limb.affinity, shape);
    pickle.text("distance").array(limb.distance, shape);
    pickle.end();
  }
  pickle.end();
}

void write_identity(PickleWriter& pickle, const Detections& detections) {
  const auto channels = static_cast<std::size_t>(detections.identity_channels);
  pickle.text("identity").begin_list();
  for (const auto& identity : detections.identity)
    pickle.array(identity, Shape{identity.size() / channels, channels});
  pickle.end();
}

void write_about(PickleWriter& pickle, const DetectionsAbout& about) {
  const auto& options = about.options;
  pickle.text("metadata").begin_dict();
  pickle.text("nms radius").real(options.nms_radius);
  pickle.text("minimal confidence").real(options.minimal_confidence);
  pickle.text("sigma").real(options.sigma);
  pickle.text("PAFgraph").begin_list();
  for (const auto& [from, to] : options.graph) pickle.begin_list().integer(from).integer(to).end();
  pickle.end();
  pickle.text("PAFinds").begin_list();
  for (const int limb : options.used_limbs()) pickle.integer(limb);
  pickle.end();
  pickle.text("all_joints").begin_list();
  for (std::size_t n = 0; n < about.keypoint_names.size(); ++n)
    pickle.begin_list().integer(static_cast<std::int64_t>(n)).end();
  pickle.end();
  pickle.text("all_joints_names").begin_list();
  for (const auto& name : about.keypoint_names) pickle.text(name);
  pickle.end();
  pickle.text("nframes").integer(about.frames);
  pickle.end();
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

// A level of a pandas MultiIndex: its labels sorted, and each column's place among them.
struct Level {
  std::vector<std::string> labels;
  std::vector<std::int64_t> codes;

  explicit Level(const std::vector<std::string>& columns) : labels(columns) {
    std::sort(labels.begin(), labels.end());
    labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
    for (const auto& column : columns)
      codes.push_back(std::lower_bound(labels.begin(), labels.end(), column) - labels.begin());
  }
};

// pandas.MultiIndex(levels, codes, sortorder, names): its constructor, so that every pandas opens
// it.
void write_header(PickleWriter& pickle, const std::string& scorer,
                  const std::vector<std::string>& bodyparts) {
  std::vector<std::string> scorers, parts, coordinates;
  for (const auto& part : bodyparts)
    for (const auto* coordinate : {"x", "y", "likelihood"}) {
      scorers.push_back(scorer);
      parts.push_back(part);
      coordinates.emplace_back(coordinate);
    }
  const Level levels[] = {Level(scorers), Level(parts), Level(coordinates)};
  pickle.text("header").begin_call("pandas.core.indexes.multi", "MultiIndex");
  pickle.begin_list();
  for (const auto& level : levels) {
    pickle.begin_list();
    for (const auto& label : level.labels) pickle.text(label);
    pickle.end();
  }
  pickle.end().begin_list();
  for (const auto& level : levels) pickle.int64_array(level.codes);
  pickle.end().none().begin_list();
  for (const auto* name : {"scorer", "bodyparts", "coords"}) pickle.text(name);
  pickle.end().end();
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
    write_peaks(pickle, detections);
    if (!about.options.graph.empty()) write_costs(pickle, detections.costs);
    if (!detections.identity.empty()) write_identity(pickle, detections);
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
