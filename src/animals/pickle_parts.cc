#include "animals/pickle_parts.h"

#include <algorithm>
#include <charconv>

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

void write_identity(PickleWriter& pickle, const Detections& detections) {
  const auto channels = static_cast<std::size_t>(detections.identity_channels);
  pickle.text("identity").begin_list();
  for (const auto& identity : detections.identity)
    pickle.array(identity, Shape{identity.size() / channels, channels});
  pickle.end();
}

// A level of a MultiIndex: its labels sorted, and each entry's place among them.
struct Level {
  std::vector<std::string> labels;
  std::vector<std::int64_t> codes;

  Level(const MultiIndex& index, std::size_t level) {
    for (const auto& entry : index.labels) labels.push_back(entry[level]);
    std::sort(labels.begin(), labels.end());
    labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
    for (const auto& entry : index.labels)
      codes.push_back(std::lower_bound(labels.begin(), labels.end(), entry[level]) -
                      labels.begin());
  }
};

template <typename Number>
bool parses(const std::string& text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

void write_scalar(PickleWriter& pickle, const std::string& text) {
  std::int64_t integer = 0;
  double real = 0;
  if (text == "true" || text == "false")
    pickle.boolean(text == "true");
  else if (text.empty() || text == "null" || text == "~")
    pickle.none();
  else if (parses(text, integer))
    pickle.integer(integer);
  else if (parses(text, real))
    pickle.real(real);
  else
    pickle.text(text);
}

}  // namespace

void write_costs(PickleWriter& pickle, const std::vector<LimbCosts>& costs) {
  pickle.begin_dict();
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

void write_detections(PickleWriter& pickle, const Detections& detections,
                      const DetectionOptions& options) {
  write_peaks(pickle, detections);
  if (!options.graph.empty()) write_costs(pickle.text("costs"), detections.costs);
  if (!detections.identity.empty()) write_identity(pickle, detections);
}

void write_detection_options(PickleWriter& pickle, const DetectionOptions& options,
                             const std::vector<std::string>& keypoint_names) {
  pickle.text("nms radius").real(options.nms_radius);
  pickle.text("minimal confidence").real(options.minimal_confidence);
  pickle.text("sigma").real(options.sigma);
  pickle.text("PAFgraph").begin_list();
  for (const auto& [from, to] : options.graph) pickle.begin_list().integer(from).integer(to).end();
  pickle.end().text("PAFinds").begin_list();
  for (const int limb : options.used_limbs()) pickle.integer(limb);
  pickle.end().text("all_joints").begin_list();
  for (std::size_t n = 0; n < keypoint_names.size(); ++n)
    pickle.begin_list().integer(static_cast<std::int64_t>(n)).end();
  pickle.end().text("all_joints_names").begin_list();
  for (const auto& name : keypoint_names) pickle.text(name);
  pickle.end();
}

// pandas.MultiIndex(levels, codes, sortorder, names).
void write_multi_index(PickleWriter& pickle, const MultiIndex& index) {
  std::vector<Level> levels;
  for (std::size_t level = 0; level < index.names.size(); ++level)
    levels.emplace_back(index, level);
  pickle.begin_call("pandas.core.indexes.multi", "MultiIndex").begin_list();
  for (const auto& level : levels) {
    pickle.begin_list();
    for (const auto& label : level.labels) pickle.text(label);
    pickle.end();
  }
  pickle.end().begin_list();
  for (const auto& level : levels) pickle.int64_array(level.codes);
  pickle.end().none().begin_list();
  for (const auto& name : index.names) {
    if (name.empty())
      pickle.none();
    else
      pickle.text(name);
  }
  pickle.end().end();
}

void write_config(PickleWriter& pickle, const PoseConfig& config) {
  pickle.begin_dict();
  for (const auto& [key, text] : config.values) write_scalar(pickle.text(key), text);
  pickle.text("all_joints_names").begin_list();
  for (const auto& name : config.keypoint_names) pickle.text(name);
  pickle.end().text("all_joints").begin_list();
  for (const auto& joints : config.all_joints) {
    pickle.begin_list();
    for (const int joint : joints) pickle.integer(joint);
    pickle.end();
  }
  pickle.end().end();
}

}  // namespace poseheir
