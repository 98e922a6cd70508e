#include "pose/watch.h"

#include <algorithm>
#include <cmath>

#include "pose/tiles.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

constexpr std::size_t kPictureBytes = 256U << 20U;

std::vector<int> spread(std::vector<int> rows, int limit) {
  std::sort(rows.begin(), rows.end());
  const int count = static_cast<int>(rows.size());
  if (count <= limit) return rows;
  std::vector<int> chosen;
  for (int i = 0; i < limit; ++i)
    chosen.push_back(rows[static_cast<std::int64_t>(i) * count / limit]);
  return chosen;
}

std::vector<std::filesystem::path> paths_of(const Project& project, const Labels& labels) {
  std::vector<std::filesystem::path> paths;
  for (const auto& image : labels.images) paths.push_back(image_path(project, image));
  return paths;
}

bool can_be_decoded(const std::filesystem::path& path, std::vector<std::string>& problems) {
  try {
    read_image(path);
    return true;
  } catch (const Error& error) {
    problems.emplace_back(error.what());
    return false;
  }
}

TrainingWatch::Sample sample_of(const Project& project, const Dataset& dataset) {
  TrainingWatch::Sample sample;
  auto& labels = sample.labels;
  labels.scorer = dataset.labels.scorer;
  labels.bodyparts = dataset.labels.bodyparts;
  const auto add = [&](const std::vector<int>& rows, std::vector<int>& numbers) {
    for (const int row : spread(rows, kWatched)) {
      const auto& image = dataset.labels.images.at(row);
      if (!can_be_decoded(image_path(project, image), sample.problems)) continue;
      numbers.push_back(static_cast<int>(labels.images.size()));
      labels.images.push_back(image);
    }
  };
  add(dataset.split.train, sample.split.train);
  add(dataset.split.test, sample.split.test);
  return sample;
}

}  // namespace

std::int64_t affordable_interval(const Dataset& dataset, const TrainingPlan& plan, Freeze freeze) {
  const auto at_most = [](std::size_t count) {
    return static_cast<double>(std::min<std::size_t>(count, kWatched));
  };
  double pixels = 0;
  for (const auto& record : dataset.records)
    pixels += static_cast<double>(record.width) * record.height;
  pixels /= static_cast<double>(std::max<std::size_t>(dataset.records.size(), 1));
  const auto& batches = plan.batches;
  double trained = pixels * batches.global_scale * batches.global_scale;
  if (batches.kind == LoaderKind::fast) {
    trained = 0;
    for (const auto& record : dataset.records)
      trained += static_cast<double>(tile_side(record.width, batches.largest_tile)) *
                 tile_side(record.height, batches.largest_tile);
    trained /= static_cast<double>(std::max<std::size_t>(dataset.records.size(), 1));
  }
  trained *= batches.batch_size;
  // A step costs about three forward passes, two of them for gradients that frozen layers lack.
  const double passes = freeze == Freeze::none ? 3 : freeze == Freeze::base ? 1.8 : 1.2;
  const double measured =
      (at_most(dataset.split.train.size()) + at_most(dataset.split.test.size())) * pixels;
  return static_cast<std::int64_t>(std::ceil(20 * measured / (passes * trained)));
}

TrainingWatch::TrainingWatch(const Project& project, const Dataset& dataset,
                             const PoseConfig& config, const EngineOptions& engine)
    : sample_(sample_of(project, dataset)),
      pictures_(paths_of(project, sample_.labels), kPictureBytes),
      decoding_{.stride_pixels = config.number("stride", 8),
                .locref_stdev = config.number("locref_stdev", 7.2801),
                .outputs = 1,
                .arithmetic = DecodeArithmetic::numpy},
      engine_(engine),
      pcutoff_(project.pcutoff) {}

ErrorSummary TrainingWatch::measure(const Network& network, const Parameters& parameters) {
  Predictor predictor(network, parameters, engine_);
  Predictions predictions;
  const auto& labels = sample_.labels;
  predictions.bodyparts = labels.bodyparts;
  for (std::size_t row = 0; row < labels.images.size(); ++row) {
    const auto image = pictures_.get(row);
    auto maps = predictor.run({1, image->height, image->width, image->pixels});
    apply_sigmoid(maps.at("part_pred"));
    predictions.rows.push_back(labels.images[row].path);
    predictions.poses.push_back(
        decode_poses(maps.at("part_pred"), maps.at("locref"), decoding_).front());
  }
  return evaluate(labels, predictions, sample_.split, pcutoff_).all;
}

}  // namespace poseheir
