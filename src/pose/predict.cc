#include "poseheir/predict.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "pose/analysis_about.h"
#include "pose/decode.h"
#include "pose/training_options.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

// Score maps and offsets of one batch to poses.
Poses decode(FeatureMaps maps, const PoseModel& model, DecodeArithmetic arithmetic) {
  if (!maps.contains("locref"))
    throw Error(ErrorKind::unsupported,
                model.test_config.path.string() +
                    ": location_refinement is false; poses are decoded with it only");
  auto options = decode_options(model.test_config);
  options.arithmetic = arithmetic;
  auto& scores = maps.at("part_pred");
  apply_sigmoid(scores);
  return decode_poses(scores, maps.at("locref"), options);
}

}  // namespace

Poses predict_pictures(const PoseModel& model, const std::vector<std::filesystem::path>& pictures,
                       const EngineOptions& engine, const Progress& progress) {
  Predictor predictor(model.network, model.parameters, engine);
  Poses poses;
  const auto total = static_cast<std::int64_t>(pictures.size());
  for (const auto& path : pictures) {
    const auto image = read_image(path);
    auto pose = decode(predictor.run({1, image.height, image.width, image.pixels}), model,
                       DecodeArithmetic::numpy);
    poses.push_back(std::move(pose[0]));
    if (progress) progress(static_cast<std::int64_t>(poses.size()), total);
  }
  return poses;
}

VideoPoses predict_video(const PoseModel& model, const std::filesystem::path& video,
                         const VideoOptions& options, const Progress& progress) {
  const double start = seconds_now();
  FrameBatches batches(video, options);
  VideoPoses result;
  result.video = batches.info();
  Predictor predictor(model.network, model.parameters, options.engine);
  const std::vector<PredictedPoint> nothing(model.test_config.keypoint_names.size());
  while (const auto* batch = batches.next()) {
    auto poses = decode(predictor.run(batch->images), model, DecodeArithmetic::graph);
    for (std::size_t n = 0; n < batch->frames.size(); ++n) {
      result.poses.resize(static_cast<std::size_t>(batch->frames[n]), nothing);
      result.poses.push_back(std::move(poses[n]));
    }
    if (progress) progress(batch->frames.back() + 1, result.video.declared_frames);
  }
  result.poses.resize(static_cast<std::size_t>(batches.frame_count()), nothing);
  result.about = about_analysis(batches, options, start);
  result.lost = batches.lost();
  result.problems = batches.problems();
  return result;
}

Evaluation evaluate_model(const Project& project, const ModelChoice& choice, const PoseModel& model,
                          const Dataset& dataset, const EngineOptions& engine,
                          const Progress& progress) {
  const auto& labels = dataset.labels;
  if (labels.bodyparts != model.test_config.keypoint_names)
    throw Error(ErrorKind::mismatch,
                fmt::format("{}: the model predicts [{}], but the labels are of [{}]",
                            model.test_config.path.string(),
                            fmt::join(model.test_config.keypoint_names, ", "),
                            fmt::join(labels.bodyparts, ", ")));
  Evaluation evaluation;
  evaluation.iterations = model.snapshot.iteration;
  auto& predictions = evaluation.predictions;
  predictions.scorer =
      scorer_name(project, model.train_config, choice.shuffle, model.snapshot.iteration);
  predictions.bodyparts = labels.bodyparts;
  std::vector<std::filesystem::path> pictures;
  for (const auto& image : labels.images) {
    predictions.rows.push_back(image.path);
    pictures.push_back(image_path(project, image));
  }
  const auto start = std::chrono::steady_clock::now();
  predictions.poses = predict_pictures(model, pictures, engine, progress);
  evaluation.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  evaluation.metrics = evaluate(labels, predictions, dataset.split, project.pcutoff);
  return evaluation;
}

}  // namespace poseheir
