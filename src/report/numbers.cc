#include "report/numbers.h"

#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/text.h"
#include "report/summary.h"

namespace poseheir {
namespace {

std::string field(double value) { return std::isnan(value) ? "" : shortest_double(value); }

std::string field(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string losses_csv(const std::vector<RunReport>& runs) {
  std::string text = "run,iteration,total_loss,part_loss,locref_loss,learning_rate,seconds\n";
  for (const auto& run : runs)
    for (const auto& p : run.losses)
      text +=
          fmt::format("{},{},{},{},{},{},{}\n", field(run.name), p.iteration, field(p.total_loss),
                      field(p.part_loss), field(p.locref_loss), field(p.rate), field(p.seconds));
  return text;
}

std::string errors_csv(const std::vector<RunReport>& runs) {
  std::string text =
      "run,iteration,train_px,test_px,train_px_with_pcutoff,test_px_with_pcutoff,seconds\n";
  for (const auto& run : runs)
    for (const auto& p : run.errors)
      text += fmt::format("{},{},{},{},{},{},{}\n", field(run.name), p.iteration,
                          field(p.errors.train), field(p.errors.test), field(p.errors.train_cutoff),
                          field(p.errors.test_cutoff), field(p.seconds));
  return text;
}

std::string keypoints_csv(const std::vector<RunReport>& runs) {
  std::string text = "run,bodypart,split,error_px,low_px,high_px,points\n";
  for (const auto& run : runs)
    for (std::size_t i = 0; i < run.metrics.keypoints.size(); ++i)
      for (const bool test : {false, true}) {
        const auto interval = bootstrap_mean(
            run.metrics.distances, test ? run.split.test : run.split.train, static_cast<int>(i));
        text += fmt::format("{},{},{},{},{},{},{}\n", field(run.name),
                            field(run.metrics.keypoints[i].bodypart), test ? "test" : "train",
                            field(interval.mean), field(interval.low), field(interval.high),
                            interval.points);
      }
  return text;
}

std::string cutoff_csv(const std::vector<RunReport>& runs) {
  std::string text = "run,pcutoff,train_px,test_px,train_share,test_share\n";
  for (const auto& run : runs)
    for (const auto& p : error_over_cutoff(run))
      text += fmt::format("{},{},{},{},{},{}\n", field(run.name), field(p.cutoff), field(p.train),
                          field(p.test), field(p.train_share), field(p.test_share));
  return text;
}

nlohmann::json run_data(const RunReport& run) {
  nlohmann::json data = {{"name", run.name},
                         {"loss", nlohmann::json::array()},
                         {"error", nlohmann::json::array()},
                         {"keypoints", nlohmann::json::array()},
                         {"cutoff", nlohmann::json::array()}};
  for (const auto& p : run.losses)
    data["loss"].push_back({p.iteration, p.total_loss, p.part_loss, p.seconds});
  for (const auto& p : run.errors)
    data["error"].push_back({p.iteration, p.errors.train, p.errors.test, p.errors.train_cutoff,
                             p.errors.test_cutoff, p.seconds});
  for (std::size_t i = 0; i < run.metrics.keypoints.size(); ++i) {
    const auto test = bootstrap_mean(run.metrics.distances, run.split.test, static_cast<int>(i));
    data["keypoints"].push_back({test.mean, test.low, test.high});
  }
  for (const auto& p : error_over_cutoff(run))
    data["cutoff"].push_back({p.cutoff, p.test, p.test_share});
  return data;
}

}  // namespace

void write_numbers(const std::filesystem::path& folder, const std::vector<RunReport>& runs) {
  write_file(folder / "losses.csv", losses_csv(runs));
  write_file(folder / "errors.csv", errors_csv(runs));
  write_file(folder / "keypoints.csv", keypoints_csv(runs));
  write_file(folder / "cutoff.csv", cutoff_csv(runs));
}

std::string page_data(const std::vector<RunReport>& runs, const ReportOptions& options) {
  nlohmann::json data = {{"pcutoff", options.pcutoff},
                         {"runs", nlohmann::json::array()},
                         {"bodyparts", options.bodyparts}};
  for (const auto& run : runs) data["runs"].push_back(run_data(run));
  return data.dump();
}

}  // namespace poseheir
