#include "poseheir/predict.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <fmt/ranges.h>

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

void check_crop(const Crop& crop, const VideoInfo& video, const std::filesystem::path& path) {
  if (crop.x1 >= 0 && crop.y1 >= 0 && crop.x2 > crop.x1 && crop.y2 > crop.y1 &&
      crop.x2 <= video.width && crop.y2 <= video.height)
    return;
  throw Error(
      ErrorKind::usage,
      fmt::format("{}: the crop {},{},{},{} (x1,x2,y1,y2) does not lie in its {} x {} pixels",
                  path.string(), crop.x1, crop.x2, crop.y1, crop.y2, video.width, video.height));
}

// The frames of a batch side by side; what is not overwritten stays from the batch before.
class FrameBuffer {
 public:
  FrameBuffer(int capacity, const Crop& crop)
      : crop_(crop),
        frame_bytes_(static_cast<std::size_t>(height()) * width() * 3),
        pixels_(frame_bytes_ * capacity) {}

  int height() const { return crop_.y2 - crop_.y1; }
  int width() const { return crop_.x2 - crop_.x1; }

  void put(int slot, const Image& frame) {
    const auto row_bytes = static_cast<std::ptrdiff_t>(width()) * 3;
    auto* to = pixels_.data() + slot * frame_bytes_;
    for (int row = crop_.y1; row < crop_.y2; ++row, to += row_bytes) {
      const auto* from =
          frame.pixels.data() + (static_cast<std::size_t>(row) * frame.width + crop_.x1) * 3;
      std::copy(from, from + row_bytes, to);
    }
  }
  ImageBatch batch(int count) const { return {count, height(), width(), pixels_}; }

 private:
  Crop crop_;
  std::size_t frame_bytes_;
  std::vector<std::uint8_t> pixels_;
};

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
  VideoReader reader(video);
  VideoPoses result;
  result.video = reader.info();
  const Crop whole{0, result.video.width, 0, result.video.height};
  const auto crop = options.crop.value_or(whole);
  check_crop(crop, result.video, video);
  const int capacity = std::max(options.batch_size, 1);
  FrameBuffer buffer(capacity, crop);
  Predictor predictor(model.network, model.parameters, options.engine);
  const auto run = [&](int frames) {
    auto poses = decode(predictor.run(buffer.batch(capacity)), model, DecodeArithmetic::graph);
    for (int i = 0; i < frames; ++i) result.poses.push_back(std::move(poses[i]));
    if (progress)
      progress(static_cast<std::int64_t>(result.poses.size()), result.video.declared_frames);
  };
  Image frame;
  int filled = 0;
  while (reader.next(frame)) {
    buffer.put(filled++, frame);
    if (filled < capacity) continue;
    run(filled);
    filled = 0;
  }
  if (filled > 0) run(filled);
  result.problems = reader.problems();
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
