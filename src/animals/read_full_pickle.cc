#include <algorithm>
#include <charconv>
#include <fmt/format.h>

#include "base/pickle.h"
#include "base/pickle_numpy.h"
#include "poseheir/animal_files.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

using Kind = PickleValue::Kind;

const PickleValue& need(const PickleValue& dict, std::string_view key) {
  const auto* value = dict.find(key);
  if (value == nullptr)
    throw Error(ErrorKind::corrupt,
                fmt::format("'{}' is missing: no detections of DeepLabCut", key));
  return *value;
}

const std::vector<const PickleValue*>& items_of(const PickleValue& value, std::string_view what) {
  if (!value.is_sequence())
    throw Error(ErrorKind::corrupt,
                fmt::format("expected a list as '{}', found {}", what, describe(value)));
  return value.items;
}

NumpyArray matrix(const PickleValue& value) {
  auto array = numpy_array(value);
  if (array.shape.size() != 2)
    throw Error(ErrorKind::corrupt,
                fmt::format("an array of {} dimensions, expected 2", array.shape.size()));
  return array;
}

std::vector<float> floats(const NumpyArray& array) {
  std::vector<float> values;
  for (const double value : array.values) values.push_back(static_cast<float>(value));
  return values;
}

DetectionsAbout parse_about(const PickleValue& metadata) {
  DetectionsAbout about;
  auto& options = about.options;
  options.nms_radius = number_of(need(metadata, "nms radius"));
  options.minimal_confidence = number_of(need(metadata, "minimal confidence"));
  options.sigma = number_of(need(metadata, "sigma"));
  for (const auto* limb : items_of(need(metadata, "PAFgraph"), "PAFgraph")) {
    const auto ends = numpy_integers(*limb);
    if (ends.size() != 2) throw Error(ErrorKind::corrupt, "a limb of PAFgraph without two ends");
    options.graph.push_back({static_cast<int>(ends[0]), static_cast<int>(ends[1])});
  }
  for (const auto limb : numpy_integers(need(metadata, "PAFinds")))
    options.limbs.push_back(static_cast<int>(limb));
  for (const auto* name : items_of(need(metadata, "all_joints_names"), "all_joints_names"))
    about.keypoint_names.emplace_back(name->text);
  options.keypoints = static_cast<int>(about.keypoint_names.size());
  about.frames = static_cast<int>(number_of(need(metadata, "nframes")));
  return about;
}

std::vector<Peak> parse_peaks(const PickleValue& coordinates, const PickleValue& confidence) {
  const auto xy = matrix(coordinates), p = matrix(confidence);
  if (xy.shape[1] != 2 || p.shape[0] != xy.shape[0] || p.shape[1] != 1)
    throw Error(ErrorKind::corrupt, "coordinates and confidences that do not fit");
  std::vector<Peak> peaks;
  for (std::size_t n = 0; n < xy.shape[0]; ++n)
    peaks.push_back({xy.values[2 * n], xy.values[2 * n + 1], static_cast<float>(p.values[n])});
  return peaks;
}

LimbCosts parse_limb(const PickleValue& key, const PickleValue& value) {
  const auto affinity = matrix(need(value, "m1")), distance = matrix(need(value, "distance"));
  if (affinity.shape != distance.shape)
    throw Error(ErrorKind::corrupt, "limb costs whose matrices differ in shape");
  LimbCosts costs;
  costs.limb = static_cast<int>(number_of(key));
  costs.rows = static_cast<int>(affinity.shape[0]);
  costs.columns = static_cast<int>(affinity.shape[1]);
  costs.affinity = floats(affinity);
  costs.distance = floats(distance);
  return costs;
}

void parse_identity(const PickleValue& value, Detections& detections) {
  for (const auto* joint : items_of(value, "identity")) {
    const auto array = matrix(*joint);
    detections.identity_channels = static_cast<int>(array.shape[1]);
    detections.identity.push_back(floats(array));
  }
}

void check_costs(const Detections& detections, const DetectionsAbout& about) {
  const auto count = [&](int keypoint) {
    return static_cast<int>(detections.peaks.at(keypoint).size());
  };
  for (const auto& costs : detections.costs) {
    if (costs.limb < 0 || static_cast<std::size_t>(costs.limb) >= about.options.graph.size())
      throw Error(ErrorKind::corrupt,
                  fmt::format("costs of limb {}, which PAFgraph lacks", costs.limb));
    const auto [from, to] = about.options.graph[costs.limb];
    if (costs.rows > 0 && (costs.rows != count(from) || costs.columns != count(to)))
      throw Error(ErrorKind::corrupt,
                  fmt::format("limb {} has costs of {} x {} pairs for {} x {} peaks", costs.limb,
                              costs.rows, costs.columns, count(from), count(to)));
  }
}

Detections parse_detections(const PickleValue& value, const DetectionsAbout& about) {
  const auto& wrapped = items_of(need(value, "coordinates"), "coordinates");
  if (wrapped.size() != 1) throw Error(ErrorKind::corrupt, "coordinates of no single picture");
  const auto& coordinates = items_of(*wrapped[0], "coordinates");
  const auto& confidence = items_of(need(value, "confidence"), "confidence");
  if (coordinates.size() != about.keypoint_names.size() || confidence.size() != coordinates.size())
    throw Error(ErrorKind::corrupt, fmt::format("{} keypoints, expected {}", coordinates.size(),
                                                about.keypoint_names.size()));
  Detections detections;
  for (std::size_t n = 0; n < coordinates.size(); ++n)
    detections.peaks.push_back(parse_peaks(*coordinates[n], *confidence[n]));
  if (const auto* costs = value.find("costs"); costs != nullptr && costs->is(Kind::dict))
    for (std::size_t n = 0; n + 1 < costs->items.size(); n += 2)
      detections.costs.push_back(parse_limb(*costs->items[n], *costs->items[n + 1]));
  check_costs(detections, about);
  if (const auto* identity = value.find("identity")) parse_identity(*identity, detections);
  return detections;
}

int frame_number(std::string_view name) {
  const auto digit =
      std::find_if(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
  int number = -1;
  std::from_chars(&*digit, name.data() + name.size(), number);
  if (digit == name.end() || number < 0)
    throw Error(ErrorKind::corrupt, fmt::format("'{}' names no frame", name));
  return number;
}

void check_graph(const DetectionsAbout& about) {
  for (const auto& limb : about.options.graph)
    for (const int end : limb)
      if (end < 0 || end >= about.options.keypoints)
        throw Error(ErrorKind::corrupt,
                    fmt::format("PAFgraph names keypoint {} of {}", end, about.options.keypoints));
}

}  // namespace

FullPickle parse_full_pickle(const std::string& bytes) {
  PickleRules rules{plain_pickle_globals()};
  for (const auto& global : numpy_pickle_globals()) rules.allowed.push_back(global);
  const auto document = parse_pickle(as_bytes_of(bytes), rules);
  const auto& root = document.root();
  FullPickle full;
  full.about = parse_about(need(root, "metadata"));
  check_graph(full.about);
  for (std::size_t n = 0; n + 1 < root.items.size(); n += 2) {
    const auto name = root.items[n]->text;
    if (name == "metadata") continue;
    try {
      full.frames.push_back({frame_number(name), parse_detections(*root.items[n + 1], full.about)});
    } catch (const Error& error) {
      throw error.within(name);
    }
    full.about.options.identity_channels = full.frames.back().detections.identity_channels;
  }
  return full;
}

}  // namespace poseheir
