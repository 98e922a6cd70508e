#include "pose/watch.h"

#include <algorithm>
#include <cmath>

#include "pose/animal_errors.h"
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

bool can_be_decoded(const std::filesystem::path& path, std::vector<std::string>& problems) {
  try {
    read_image(path);
    return true;
  } catch (const Error& error) {
    problems.emplace_back(error.what());
    return false;
  }
}

std::vector<int> rows_with_labels(const std::vector<int>& rows, const AnimalLabels& labels) {
  std::vector<int> labelled;
  for (const int row : rows)
    if (any_label(labels.images.at(row))) labelled.push_back(row);
  return labelled;
}

TrainingWatch::Sample sample_of(const Project& project, const Dataset& dataset) {
  TrainingWatch::Sample sample;
  sample.labels.scorer = dataset.labels.scorer;
  sample.labels.bodyparts = dataset.labels.bodyparts;
  sample.animals = dataset.animals;
  sample.animals.images.clear();
  const auto add = [&](const std::vector<int>& rows, std::vector<int>& numbers) {
    for (const int row : spread(rows, kWatched)) {
      const auto path = image_path(
          project, project.multi_animal ? LabelledImage{dataset.animals.images.at(row).path, {}}
                                        : dataset.labels.images.at(row));
      if (!can_be_decoded(path, sample.problems)) continue;
      numbers.push_back(static_cast<int>(sample.paths.size()));
      sample.paths.push_back(path);
      if (project.multi_animal)
        sample.animals.images.push_back(dataset.animals.images[row]);
      else
        sample.labels.images.push_back(dataset.labels.images[row]);
    }
  };
  const auto rows = [&](const std::vector<int>& all) {
    return project.multi_animal ? rows_with_labels(all, dataset.animals) : all;
  };
  add(rows(dataset.split.train), sample.split.train);
  add(rows(dataset.split.test), sample.split.test);
  return sample;
}

// Peaks alone: no limb is needed to say how far they lie from labels.
std::optional<DetectionOptions> peaks_of(const Project& project, const PoseConfig& test_config) {
  if (!project.multi_animal) return std::nullopt;
  auto options = evaluation_options(test_config);
  options.graph.clear();
  return options;
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
  if (batches.kind == LoaderKind::animals)
    trained = static_cast<double>(batches.animals->width) * batches.animals->height;
  trained *= batches.batch_size;
  // A step costs about three forward passes, two of them for gradients that frozen layers lack.
  const double passes = freeze == Freeze::none ? 3 : freeze == Freeze::base ? 1.8 : 1.2;
  const double measured =
      (at_most(dataset.split.train.size()) + at_most(dataset.split.test.size())) * pixels;
  return static_cast<std::int64_t>(std::ceil(20 * measured / (passes * trained)));
}

TrainingWatch::TrainingWatch(const Project& project, const Dataset& dataset,
                             const PoseConfig& config, const PoseConfig& test_config,
                             const EngineOptions& engine)
    : sample_(sample_of(project, dataset)),
      pictures_(sample_.paths, kPictureBytes),
      decoding_{.stride_pixels = config.number("stride", 8),
                .locref_stdev = config.number("locref_stdev", 7.2801),
                .outputs = 1,
                .arithmetic = DecodeArithmetic::numpy},
      detection_(peaks_of(project, test_config)),
      engine_(engine),
      pcutoff_(project.pcutoff) {}

ErrorSummary TrainingWatch::measure(const Network& network, const Parameters& parameters) {
  Predictor predictor(network, parameters, engine_);
  return detection_ ? measure_animals(predictor) : measure_animal(predictor);
}

ErrorSummary TrainingWatch::measure_animal(Predictor& predictor) {
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

ErrorSummary TrainingWatch::measure_animals(Predictor& predictor) {
  const auto& images = sample_.animals.images;
  auto errors = empty_table(sample_.animals);
  for (std::size_t row = 0; row < images.size(); ++row) {
    const auto image = pictures_.get(row);
    const auto maps = predictor.run({1, image->height, image->width, image->pixels});
    const auto found = detect(maps.at("part_pred"), maps.at("locref"), nullptr, *detection_);
    if (found.empty()) continue;
    add_errors(errors, row, {images[row].animals, images[row].unique}, found[0]);
  }
  return metrics_of(errors, sample_.split, pcutoff_).all;
}

}  // namespace poseheir
