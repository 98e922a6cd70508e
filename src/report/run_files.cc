#include "report/run_files.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>

#include "base/csv.h"
#include "base/file.h"
#include "base/text.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLongestValue = 120;  // characters of a setting

Json read_json(const std::filesystem::path& path) try {
  return Json::parse(read_file(path));
} catch (const nlohmann::json::exception& error) {
  throw Error(ErrorKind::corrupt, fmt::format("{}: {}", path.string(), error.what()));
}

std::string value_text(const Json& value) {
  auto text = value.is_string() ? value.get<std::string>() : value.dump();
  if (text.size() > kLongestValue) text = text.substr(0, kLongestValue) + "…";
  return text;
}

void add_scalars(const Json& json, const std::string& prefix, Settings& settings) {
  for (const auto& [name, value] : json.items()) {
    const auto full = prefix.empty() ? name : prefix + "." + name;
    if (value.is_object())
      add_scalars(value, full, settings);
    else if (!value.is_null())
      settings.emplace_back(full, value_text(value));
  }
}

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r");
  return first == std::string::npos
             ? ""
             : text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// The plan's words for what happens to a variable, as one says them afterwards.
std::string spoken(const std::string& action) {
  if (action == "copy") return "copied";
  if (action == "select") return "cut to keypoints";
  if (action == "init") return "taken from --init";
  if (action == "new") return "initialised afresh";
  return action;
}

std::vector<std::vector<std::string>> read_cells(const std::filesystem::path& path) {
  const auto file = read_file(path);
  std::string_view text = file;
  std::vector<std::vector<std::string>> rows;
  while (!text.empty()) rows.push_back(take_csv_line(text));
  return rows;
}

// The column of a results table by its name without blanks; throws where it is absent.
std::size_t column_of(const std::vector<std::string>& header, const std::string& name,
                      const std::filesystem::path& path) {
  for (std::size_t i = 0; i < header.size(); ++i)
    if (trimmed(header[i]) == name) return i;
  throw Error(ErrorKind::corrupt, fmt::format("{}, line 1: no column '{}'", path.string(), name));
}

void read_results(const std::filesystem::path& path, std::map<std::int64_t, ErrorPoint>& points) {
  const auto rows = read_cells(path);
  if (rows.empty()) return;
  const auto column = [&](const char* name) { return column_of(rows[0], name, path); };
  const std::size_t iterations = column("Training iterations:"), train = column("Train error(px)"),
                    test = column("Test error(px)"),
                    train_cutoff = column("Train error with p-cutoff"),
                    test_cutoff = column("Test error with p-cutoff");
  for (std::size_t line = 1; line < rows.size(); ++line) {
    if (rows[line].size() != rows[0].size())
      throw Error(ErrorKind::corrupt,
                  fmt::format("{}, line {}: {} columns, expected {}", path.string(), line + 1,
                              rows[line].size(), rows[0].size()));
    const auto number = [&](std::size_t i) {
      return csv_number(rows[line][i], path.string(), line + 1, i + 1);
    };
    ErrorPoint point;
    point.iteration = static_cast<std::int64_t>(number(iterations));
    point.errors = {number(train), number(test), number(train_cutoff), number(test_cutoff)};
    points[point.iteration] = point;
  }
}

}  // namespace

std::vector<LossPoint> read_learning_stats(const std::filesystem::path& path) {
  std::vector<LossPoint> points;
  const auto rows = read_cells(path);
  for (std::size_t line = 0; line < rows.size(); ++line) {
    if (rows[line].size() != 3)
      throw Error(ErrorKind::corrupt, fmt::format("{}, line {}: expected iteration, loss, rate",
                                                  path.string(), line + 1));
    const auto number = [&](std::size_t i) {
      return csv_number(trimmed(rows[line][i]), path.string(), line + 1, i + 1);
    };
    LossPoint point;
    point.iteration = static_cast<std::int64_t>(number(0));
    point.total_loss = number(1);
    point.rate = number(2);
    point.part_loss = point.locref_loss = point.seconds = kMissing;
    points.push_back(point);
  }
  return points;
}

std::vector<ErrorPoint> read_results_tables(const std::filesystem::path& folder) {
  std::map<std::int64_t, ErrorPoint> points;
  if (std::filesystem::is_directory(folder))
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      const auto name = entry.path().filename().string();
      if (name.ends_with("-results.csv") && !name.ends_with("-keypoint-results.csv"))
        read_results(entry.path(), points);
    }
  std::vector<ErrorPoint> sorted;
  for (const auto& [iteration, point] : points) sorted.push_back(point);
  return sorted;
}

std::vector<std::string> transfer_summary(const std::filesystem::path& transfer_json) try {
  if (!std::filesystem::exists(transfer_json)) return {};
  const auto json = read_json(transfer_json);
  std::vector<std::string> lines;
  const auto& plan = json.at("plan");
  lines.push_back(fmt::format(
      "Model A: {} ({})", json.at("source").at("path").get<std::string>(),
      plan.value("source_description", json.at("source").value("format", std::string()))));
  std::vector<std::pair<std::string, int>> actions;  // in the order of their first variable
  std::vector<std::string> heads;
  for (const auto& step : plan.at("steps")) {
    const auto action = step.at("action").get<std::string>();
    const auto found = std::find_if(actions.begin(), actions.end(),
                                    [&](const auto& pair) { return pair.first == action; });
    if (found == actions.end())
      actions.emplace_back(action, 1);
    else
      ++found->second;
    if (step.contains("channels"))
      heads.push_back(step.at("variable").get<std::string>() + ": " +
                      step.at("reason").get<std::string>());
  }
  for (const auto& [action, count] : actions)
    lines.push_back(fmt::format("{} variables {}", count, spoken(action)));
  lines.insert(lines.end(), heads.begin(), heads.end());
  lines.push_back(fmt::format("Not used: {} tensors of model A", plan.at("unused").size()));
  return lines;
} catch (const nlohmann::json::exception& error) {
  throw Error(ErrorKind::corrupt, fmt::format("{}: not what 'poseheir transfer' writes ({})",
                                              transfer_json.string(), error.what()));
}

Settings read_run_settings(const std::filesystem::path& run_json) {
  Settings settings;
  if (!std::filesystem::exists(run_json)) return settings;
  auto record = read_json(run_json);
  // Of every single picture, and a file that is there.
  if (record.is_object())
    for (const char* key : {"pictures", "pose_cfg_text"}) record.erase(key);
  add_scalars(record, "", settings);
  return settings;
}

Settings pose_settings(const PoseConfig& config, bool with_training) {
  Settings settings = {{"net_type", config.network.net_type},
                       {"keypoints", std::to_string(config.keypoint_names.size())}};
  if (!with_training) return settings;
  for (const auto* key : {"dataset_type", "optimizer", "batch_size", "global_scale",
                          "pos_dist_thresh", "locref_loss_weight", "weight_decay"})
    if (config.has(key)) settings.emplace_back(key, config.text(key, ""));
  if (const auto steps = config.lists.find("multi_step"); steps != config.lists.end()) {
    std::string text;
    for (const auto& step : steps->second)
      if (step.size() == 2)
        text += fmt::format("{}{} until {:.0f}", text.empty() ? "" : ", ", step[0], step[1]);
    settings.emplace_back("multi_step", text);
  }
  if (!config.init_weights.empty()) settings.emplace_back("init_weights", config.init_weights);
  return settings;
}

}  // namespace poseheir
