#include "poseheir/predict_superanimal.h"

#include <algorithm>
#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include "pose/analysis_about.h"
#include "pose/opencv_image.h"
#include "poseheir/error.h"
#include "poseheir/predict_animals.h"

namespace poseheir {
namespace {

constexpr int kLeastHeight = 16, kLargestHeight = 8192;  // pixels

Error no_superanimal(const std::filesystem::path& path, const std::string& found) {
  return {ErrorKind::mismatch,
          fmt::format("{}: holds {}; expected SuperAnimal-Quadruped (39 keypoints) or "
                      "SuperAnimal-TopViewMouse (27). A model of a project is analyzed with the "
                      "project's config.yaml",
                      path.string(), found)};
}

// What DeepLabCut's configuration of these models says.
PoseConfig config_of(const RecognisedNetwork& network, const std::filesystem::path& snapshot) {
  PoseConfig config;
  config.network = network.spec;
  config.keypoint_names = superanimal_keypoints(network.spec.keypoints);
  for (int keypoint = 0; keypoint < network.spec.keypoints; ++keypoint)
    config.all_joints.push_back({keypoint});
  config.init_weights = snapshot.string();
  config.values = {{"net_type", network.spec.net_type},
                   {"location_refinement", "true"},
                   {"locref_stdev", "7.2801"},
                   {"stride", fmt::format("{:.1f}", network.spec.stride)},
                   {"num_joints", std::to_string(network.spec.keypoints)},
                   {"dataset_type", "multi-animal-imgaug"},
                   {"partaffinityfield_predict", "false"},
                   {"init_weights", snapshot.string()}};
  return config;
}

std::vector<int> heights_for(const PyramidSettings& settings, int height) {
  auto heights = settings.heights.empty() ? default_scales(height) : settings.heights;
  for (const int scaled : heights)
    if (scaled < kLeastHeight || scaled > kLargestHeight)
      throw Error(ErrorKind::usage, fmt::format("a scale of {} pixels in height; expected {} to {}",
                                                scaled, kLeastHeight, kLargestHeight));
  return heights;
}

class Pyramid {
 public:
  Pyramid(const PoseModel& model, const PyramidSettings& settings, const EngineOptions& engine)
      : settings_(settings),
        options_(detection_options(model.test_config)),
        predictor_(model.network, model.parameters, engine) {
    options_.graph.clear();
  }

  std::vector<PredictedPoint> pose_in(const Image& picture) {
    std::vector<ScaleDetections> scales;
    for (const int height : heights_for(settings_, picture.height))
      scales.push_back(detect_at(picture, scaled_size(picture.height, picture.width, height)));
    return combine_scales(scales, picture.height, options_.keypoints, settings_.combine);
  }

 private:
  ScaleDetections detect_at(const Image& picture, const ScaledSize& size) {
    Image scaled = blank_image(size.height, size.width);
    if (size == ScaledSize{picture.height, picture.width}) {
      scaled = picture;
    } else {
      cv::Mat pixels = as_matrix(scaled);
      cv::resize(as_matrix(picture), pixels, pixels.size(), 0, 0, cv::INTER_CUBIC);
    }
    const auto maps = predictor_.run({1, size.height, size.width, scaled.pixels});
    auto found = detect(maps.at("part_pred"), maps.at("locref"), nullptr, options_);
    ScaleDetections detections{size.height, std::nullopt};
    if (!found.empty()) detections.detections = std::move(found[0]);
    return detections;
  }

  PyramidSettings settings_;
  DetectionOptions options_;
  Predictor predictor_;
};

Image image_of(const FrameBatch& batch) {
  return {batch.images.height, batch.images.width, batch.pixels};
}

}  // namespace

PoseModel load_superanimal(const std::filesystem::path& snapshot) {
  const auto checkpoint = read_checkpoint(snapshot);
  std::vector<TensorInfo> tensors;
  for (const auto& tensor : checkpoint.tensors) tensors.push_back(tensor.info);
  const auto known = recognise_network(tensors);
  if (known.empty()) throw no_superanimal(snapshot, "no network that Poseheir knows");
  const auto& network = known.front();
  if (!network.obstacle.empty() || !network.scope.empty() || !network.spec.location_refinement ||
      superanimal_keypoints(network.spec.keypoints).empty())
    throw no_superanimal(snapshot, network.description);
  PoseModel model;
  model.snapshot.prefix = checkpoint.path;
  model.test_config = model.train_config = config_of(network, checkpoint.path);
  model.network = build_network(network.spec);
  model.parameters = load_parameters(model.network, checkpoint);
  return model;
}

std::string superanimal_scorer(const PoseModel& model) {
  return "DLC_" + model.snapshot.prefix.filename().stem().string();
}

Poses predict_pyramid(const PoseModel& model, const std::vector<std::filesystem::path>& pictures,
                      const PyramidSettings& settings, const EngineOptions& engine,
                      const Progress& progress) {
  Pyramid pyramid(model, settings, engine);
  Poses poses;
  for (const auto& path : pictures) {
    poses.push_back(pyramid.pose_in(read_image(path)));
    if (progress)
      progress(static_cast<std::int64_t>(poses.size()), static_cast<std::int64_t>(pictures.size()));
  }
  return poses;
}

VideoPoses predict_pyramid_video(const PoseModel& model, const std::filesystem::path& video,
                                 const PyramidSettings& settings, const VideoOptions& options,
                                 const Progress& progress) {
  const double start = seconds_now();
  auto one_by_one = options;
  one_by_one.batch_size = 1;
  FrameBatches batches(video, one_by_one);
  VideoPoses result;
  result.video = batches.info();
  Pyramid pyramid(model, settings, options.engine);
  const std::vector<PredictedPoint> nothing(model.test_config.keypoint_names.size());
  while (const auto* batch = batches.next()) {
    result.poses.resize(static_cast<std::size_t>(batch->frames[0]), nothing);
    result.poses.push_back(pyramid.pose_in(image_of(*batch)));
    if (progress) progress(batch->frames[0] + 1, result.video.declared_frames);
  }
  result.poses.resize(static_cast<std::size_t>(batches.frame_count()), nothing);
  result.about = about_analysis(batches, one_by_one, start);
  result.lost = batches.lost();
  result.problems = batches.problems();
  return result;
}

}  // namespace poseheir
