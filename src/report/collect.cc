// The runs of a project, gathered from its folders.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <optional>

#include "poseheir/error.h"
#include "poseheir/evaluated.h"
#include "poseheir/predictions.h"
#include "poseheir/report.h"
#include "report/run_files.h"

namespace poseheir {
namespace {

namespace fs = std::filesystem;

// "<scorer>-snapshot-500.h5" gives 500.
std::optional<std::int64_t> evaluated_iteration(const fs::path& path) {
  static const std::string kMark = "-snapshot-";
  const auto name = path.stem().string();
  const auto mark = name.rfind(kMark);
  if (path.extension() != ".h5" || mark == std::string::npos) return {};
  std::int64_t iteration = 0;
  const auto* first = name.data() + mark + kMark.size();
  const auto* last = name.data() + name.size();
  const auto [end, code] = std::from_chars(first, last, iteration);
  return code == std::errc() && end == last ? std::optional(iteration) : std::nullopt;
}

std::map<std::int64_t, fs::path> evaluations_in(const fs::path& folder) {
  std::map<std::int64_t, fs::path> files;
  if (!fs::is_directory(folder)) return files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (const auto iteration = evaluated_iteration(entry.path())) files[*iteration] = entry.path();
  return files;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : "/") + part;
  return text;
}

// The predictions row by row and part by part as the labels have them; missing where there is none.
Predictions aligned(const Predictions& predictions, const Labels& labels) {
  std::map<std::string, std::size_t> rows;
  for (std::size_t i = 0; i < predictions.rows.size(); ++i) rows[joined(predictions.rows[i])] = i;
  Predictions result{predictions.scorer, labels.bodyparts, {}, {}};
  for (const auto& image : labels.images) {
    result.rows.push_back(image.path);
    std::vector<PredictedPoint> pose(labels.bodyparts.size());
    const auto row = rows.find(joined(image.path));
    for (std::size_t i = 0; row != rows.end() && i < pose.size(); ++i) {
      const auto part = std::find(predictions.bodyparts.begin(), predictions.bodyparts.end(),
                                  labels.bodyparts[i]);
      if (part != predictions.bodyparts.end())
        pose[i] =
            predictions
                .poses[row->second][static_cast<std::size_t>(part - predictions.bodyparts.begin())];
    }
    result.poses.push_back(std::move(pose));
  }
  return result;
}

// Test pictures that are there and have labels, evenly spread.
std::vector<int> example_rows(const Project& project, const Dataset& dataset, int wanted) {
  auto rows = dataset.split.test;
  std::sort(rows.begin(), rows.end());
  std::erase_if(rows, [&](int row) {
    const auto& image = dataset.labels.images[static_cast<std::size_t>(row)];
    const bool labelled = std::any_of(image.points.begin(), image.points.end(),
                                      [](const Point& p) { return !p.missing(); });
    return !labelled || !fs::exists(image_path(project, image));
  });
  std::vector<int> chosen;
  const auto count = std::min(static_cast<std::size_t>(std::max(wanted, 0)), rows.size());
  for (std::size_t i = 0; i < count; ++i)
    chosen.push_back(rows[(2 * i + 1) * rows.size() / (2 * count)]);
  return chosen;
}

double mean_of(const std::vector<double>& distances) {
  double sum = 0;
  int count = 0;
  for (const double d : distances)
    if (!std::isnan(d)) {
      sum += d;
      ++count;
    }
  return count == 0 ? kMissing : sum / count;
}

class Collector {
 public:
  Collector(const Project& project, const CollectOptions& options)
      : project_(project), options_(options) {
    options_.choice.run_name.clear();
    paths_ = model_paths(project, options_.choice);
    if (!fs::exists(paths_.train_pose_config))
      throw Error(ErrorKind::usage,
                  paths_.train_pose_config.string() +
                      ": not found; create a training set and train, or choose another --shuffle");
    pose_config_ = read_pose_config(paths_.train_pose_config);
    dataset_ = read_dataset(project, options_.choice, pose_config_);
    examples_ = example_rows(project, dataset_, options.examples);
  }

  std::vector<RunReport> runs() const {
    std::vector<std::string> names = {""};
    const auto folder = paths_.train / "runs";
    if (fs::is_directory(folder))
      for (const auto& entry : fs::directory_iterator(folder))
        if (entry.is_directory()) names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    std::vector<RunReport> found;
    for (const auto& name : names) {
      auto report = run(name);
      if (!report.losses.empty() || !report.errors.empty() || !report.metrics.distances.empty())
        found.push_back(std::move(report));
    }
    if (found.empty())
      throw Error(ErrorKind::usage,
                  fmt::format("{}: no run has a learning curve or an evaluation yet; run 'poseheir "
                              "train' and 'poseheir evaluate' first",
                              paths_.train.string()));
    std::stable_partition(found.begin(), found.end(),
                          [](const RunReport& report) { return !report.transferred.empty(); });
    return found;
  }

 private:
  RunReport run(const std::string& name) const {
    auto choice = options_.choice;
    choice.run_name = name;
    const auto paths = model_paths(project_, choice);
    RunReport report;
    report.split = dataset_.split;
    read_losses(paths.train, report);
    read_errors(paths, report);
    read_origin(paths.train, report);
    report.name = !name.empty() ? name : report.transferred.empty() ? "main" : "inherited";
    return report;
  }

  static void read_losses(const fs::path& folder, RunReport& report) {
    if (fs::exists(folder / "learning_curve.csv"))
      report.losses = read_learning_curve(folder / "learning_curve.csv");
    else if (fs::exists(folder / "learning_stats.csv"))
      report.losses = read_learning_stats(folder / "learning_stats.csv");
  }

  // Those of weights that have been trained anew since tell of another run. Where only times say
  // so, a project may just have been copied.
  static std::map<std::int64_t, fs::path> current_evaluations(const ModelPaths& paths,
                                                              RunReport& report) {
    auto evaluations = evaluations_in(paths.evaluation);
    const auto age = [&](const auto& evaluation) {
      const auto& [iteration, path] = evaluation;
      return age_of_results(path, {paths.train / fmt::format("snapshot-{}", iteration), iteration});
    };
    const auto others = std::erase_if(evaluations, [&](const auto& evaluation) {
      return age(evaluation) == ResultsAge::of_other_weights;
    });
    if (others > 0)
      report.settings.emplace_back("evaluations of earlier weights, left out",
                                   std::to_string(others));
    if (!evaluations.empty() && age(*evaluations.rbegin()) == ResultsAge::older)
      report.settings.emplace_back("evaluation", "older than its snapshot");
    return evaluations;
  }

  // Error curves as logged; evaluations, which are exact, take the place of points of the same
  // iteration in DeepLabCut's rounded tables.
  void read_errors(const ModelPaths& paths, RunReport& report) const {
    const auto evaluations = current_evaluations(paths, report);
    const bool logged = fs::exists(paths.train / "error_curve.csv");
    std::map<std::int64_t, ErrorPoint> points;
    for (const auto& point : logged ? read_error_curve(paths.train / "error_curve.csv")
                                    : read_results_tables(paths.evaluation))
      points[point.iteration] = point;
    for (const auto& [iteration, path] : evaluations) {
      const bool newest = iteration == evaluations.rbegin()->first;
      if (logged && !newest) continue;
      const auto predictions = aligned(read_predictions(path), dataset_.labels);
      auto metrics = evaluate(dataset_.labels, predictions, dataset_.split, project_.pcutoff);
      if (!logged) points[iteration] = {iteration, metrics.all, 0};
      if (!newest) continue;
      report.metrics = std::move(metrics);
      read_likelihoods(predictions, report);
      report.settings.emplace_back("evaluated snapshot", std::to_string(iteration));
    }
    for (const auto& [iteration, point] : points) report.errors.push_back(point);
    if (evaluations.empty() && !report.errors.empty())
      report.metrics.all = report.errors.back().errors;
  }

  void read_likelihoods(const Predictions& predictions, RunReport& report) const {
    for (const auto& pose : predictions.poses) {
      std::vector<double> row;
      for (const auto& point : pose) row.push_back(point.likelihood);
      report.likelihoods.push_back(std::move(row));
    }
    for (const int row : examples_) {
      const auto i = static_cast<std::size_t>(row);
      const auto& image = dataset_.labels.images[i];
      const double error = mean_of(report.metrics.distances[i]);
      report.examples.push_back(
          {fmt::format("{} (test){}", joined(image.path),
                       std::isnan(error) ? "" : fmt::format(", mean error {:.1f} px", error)),
           read_image(image_path(project_, image)), image.points, predictions.poses[i]});
    }
  }

  // A transfer counts for the run that began with what it wrote.
  void read_origin(const fs::path& folder, RunReport& report) const {
    const auto run_settings = read_run_settings(folder / "run.json");
    auto start = pose_config_.init_weights;
    for (const auto& [name, value] : run_settings)
      if (name == "start_weights") start = value;
    if (start.find("snapshot-0") != std::string::npos) {
      const auto own = folder / "transfer.json";
      report.transferred = transfer_summary(fs::exists(own) ? own : paths_.train / "transfer.json");
    }
    // What a run of ours was trained with stands in its run.json, not in pose_cfg.yaml.
    const auto network = pose_settings(pose_config_, run_settings.empty());
    report.settings.insert(report.settings.begin(), network.begin(), network.end());
    report.settings.emplace_back("training pictures", std::to_string(dataset_.split.train.size()));
    report.settings.emplace_back("test pictures", std::to_string(dataset_.split.test.size()));
    report.settings.insert(report.settings.end(), run_settings.begin(), run_settings.end());
  }

  const Project& project_;
  CollectOptions options_;
  ModelPaths paths_;
  PoseConfig pose_config_;
  Dataset dataset_;
  std::vector<int> examples_;
};

}  // namespace

std::vector<RunReport> collect_runs(const Project& project, const CollectOptions& options) {
  return Collector(project, options).runs();
}

}  // namespace poseheir
