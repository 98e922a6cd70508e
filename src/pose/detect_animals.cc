// Peaks and limbs of several animals in the frames of a video.
#include <cmath>
#include <fmt/format.h>

#include "base/file.h"
#include "pose/analysis_about.h"
#include "poseheir/error.h"
#include "poseheir/predict_animals.h"

namespace poseheir {
namespace {

Error wrong(const PoseConfig& config, const std::string& what) {
  const auto file = config.path.empty() ? std::string("pose_cfg.yaml") : config.path.string();
  return {ErrorKind::usage, file + ": " + what};
}

std::vector<std::array<int, 2>> limb_graph(const PoseConfig& config) {
  std::vector<std::array<int, 2>> graph;
  const auto list = config.lists.find("partaffinityfield_graph");
  if (list == config.lists.end()) return graph;
  for (const auto& limb : list->second) {
    if (limb.empty() && list->second.size() == 1) return graph;  // an empty list
    const auto is_keypoint = [&](double end) {
      return end == std::floor(end) && end >= 0 && end < config.network.keypoints;
    };
    if (limb.size() != 2 || !is_keypoint(limb[0]) || !is_keypoint(limb[1]))
      throw wrong(config, fmt::format("partaffinityfield_graph must be a list of pairs of the {} "
                                      "keypoints, counted from 0",
                                      config.network.keypoints));
    graph.push_back({static_cast<int>(limb[0]), static_cast<int>(limb[1])});
  }
  return graph;
}

std::vector<int> best_limbs(const PoseConfig& config, std::size_t limbs) {
  std::vector<int> best;
  const auto list = config.lists.find("paf_best");
  if (list == config.lists.end() || list->second.empty()) return best;
  for (const double number : list->second.front()) {
    if (number != std::floor(number) || number < 0 || number >= static_cast<double>(limbs))
      throw wrong(config, fmt::format("paf_best names limb {} of {}", number, limbs));
    best.push_back(static_cast<int>(number));
  }
  return best;
}

}  // namespace

DetectionOptions detection_options(const PoseConfig& config) {
  const auto& network = config.network;
  if (!network.location_refinement)
    throw Error(ErrorKind::unsupported,
                fmt::format("{}: location_refinement is false; peaks are placed with it only",
                            config.path.string()));
  DetectionOptions options;
  options.keypoints = network.keypoints;
  options.identity_channels = network.identity_channels;
  options.stride_pixels = config.number("stride", 8);
  options.locref_stdev = config.number("locref_stdev", 7.2801);
  options.nms_radius = config.number("nmsradius", 5);
  options.sigma = config.number("sigma", 1);
  options.minimal_confidence = config.number("minconfidence", 0.01);
  options.smooth_locref = config.flag("locref_smooth", false);
  if (!network.paf_predict) return options;
  options.graph = limb_graph(config);
  options.limbs = best_limbs(config, options.graph.size());
  return options;
}

VideoDetections detect_in_video(const PoseModel& model, const std::filesystem::path& video,
                                const VideoOptions& options, const Progress& progress) {
  VideoDetections result;
  const double start = seconds_now();
  FrameBatches batches(video, options);
  auto& about = result.found.about;
  about.options = detection_options(model.test_config);
  about.keypoint_names = model.test_config.keypoint_names;
  Predictor predictor(model.network, model.parameters, options.engine);
  while (const auto* batch = batches.next()) {
    const auto maps = predictor.run(batch->images);
    const auto fields = maps.find("pairwise_pred");
    auto found = detect(maps.at("part_pred"), maps.at("locref"),
                        fields == maps.end() ? nullptr : &fields->second, about.options);
    for (std::size_t n = 0; n < batch->frames.size() && n < found.size(); ++n)
      result.found.frames.push_back({static_cast<int>(batch->frames[n]), std::move(found[n])});
    if (progress) progress(batch->frames.back() + 1, batches.info().declared_frames);
  }
  result.frames = batches.frame_count();
  result.declared = batches.info().declared_frames;
  result.lost = batches.lost();
  result.problems = batches.problems();
  result.about = about_analysis(batches, options, start);
  about.frames = static_cast<int>(result.about.frames);
  return result;
}

void write_detections(const AnimalFiles& files, const VideoDetections& detections,
                      const PoseConfig& test_config) {
  FileTransaction both;
  both.append(both.add(files.full()),
              format_full_pickle(detections.found.about, detections.found.frames));
  both.append(both.add(files.meta()), format_analysis_meta_pickle(detections.about, test_config));
  both.commit();
}

FullPickle read_full_pickle(const std::filesystem::path& path) try {
  return parse_full_pickle(read_file(path));
} catch (const Error& error) {
  throw error.within(path.string());
}

}  // namespace poseheir
