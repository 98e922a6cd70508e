#include "pose/watch.h"

#include <algorithm>

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

TrainingWatch::TrainingWatch(const Project& project, const Dataset& dataset,
                             const PoseConfig& config, const EngineOptions& engine, int limit)
    : labels_(sampled(dataset.labels, spread(dataset.split.train, limit),
                      spread(dataset.split.test, limit))),
      split_(numbered(spread(dataset.split.train, limit).size(),
                      spread(dataset.split.test, limit).size())),
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
