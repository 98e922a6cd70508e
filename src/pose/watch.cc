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

// The sampled rows, test rows behind the training rows.
Labels sampled(const Labels& all, const std::vector<int>& train, const std::vector<int>& test) {
  Labels labels;
  labels.scorer = all.scorer;
  labels.bodyparts = all.bodyparts;
  for (const auto* rows : {&train, &test})
    for (const int row : *rows) labels.images.push_back(all.images.at(row));
  return labels;
}

Split numbered(std::size_t train, std::size_t test) {
  Split split;
  for (std::size_t i = 0; i < train + test; ++i)
    (i < train ? split.train : split.test).push_back(static_cast<int>(i));
  return split;
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

std::vector<int> TrainingWatch::watched(const Project& project, const Labels& labels,
                                        const std::vector<int>& rows) {
  auto chosen = spread(rows, kWatched);
  std::erase_if(chosen, [&](int row) {
    try {
      read_image(image_path(project, labels.images.at(row)));
      return false;
    } catch (const Error& error) {
      problems_.emplace_back(error.what());
      return true;
    }
  });
  return chosen;
}

TrainingWatch::TrainingWatch(const Project& project, const Dataset& dataset,
                             const PoseConfig& config, const EngineOptions& engine)
    : train_(watched(project, dataset.labels, dataset.split.train)),
      test_(watched(project, dataset.labels, dataset.split.test)),
      labels_(sampled(dataset.labels, train_, test_)),
      split_(numbered(train_.size(), test_.size())),
      pictures_(paths_of(project, labels_), kPictureBytes),
      decoding_{.stride_pixels = config.number("stride", 8),
                .locref_stdev = config.number("locref_stdev", 7.2801),
                .outputs = 1,
                .arithmetic = DecodeArithmetic::numpy},
      engine_(engine),
      pcutoff_(project.pcutoff) {}

ErrorSummary TrainingWatch::measure(const Network& network, const Parameters& parameters) {
  Predictor predictor(network, parameters, engine_);
  Predictions predictions;
  predictions.bodyparts = labels_.bodyparts;
  for (std::size_t row = 0; row < labels_.images.size(); ++row) {
    const auto image = pictures_.get(row);
    auto maps = predictor.run({1, image->height, image->width, image->pixels});
    apply_sigmoid(maps.at("part_pred"));
    predictions.rows.push_back(labels_.images[row].path);
    predictions.poses.push_back(
        decode_poses(maps.at("part_pred"), maps.at("locref"), decoding_).front());
  }
  return evaluate(labels_, predictions, split_, pcutoff_).all;
}

}  // namespace poseheir
