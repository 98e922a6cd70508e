#include "pose/run_folder.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/append.h"
#include "base/file.h"
#include "base/leftovers.h"
#include "base/text.h"
#include "pose/event_file.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

constexpr const char* kSentence = "iteration: ";
constexpr const char* kStats = "learning_stats.csv";
constexpr const char* kLosses = "learning_curve.csv";
constexpr const char* kErrors = "error_curve.csv";
constexpr const char* kBest = "best_snapshot.json";

// Lines whose first number is below `end`. What a kill cut off in the middle is no line.
void cut_lines(const std::filesystem::path& path, std::int64_t end) {
  if (!std::filesystem::exists(path)) return;
  std::istringstream lines(read_file(path));
  std::string kept, line;
  while (std::getline(lines, line) && !lines.eof()) {
    std::int64_t iteration = 0;
    const auto number = std::string_view(line).starts_with(kSentence)
                            ? std::string_view(line).substr(std::string_view(kSentence).size())
                            : std::string_view(line);
    const auto parsed = std::from_chars(number.data(), number.data() + number.size(), iteration);
    if (parsed.ec != std::errc() || iteration < end) kept += line + '\n';
  }
  if (kept.empty())
    std::filesystem::remove(path);
  else
    write_file(path, kept);
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string snapshot_name(std::int64_t iteration) { return fmt::format("snapshot-{}", iteration); }

}  // namespace

void RunFolder::clear(std::int64_t first_iteration) const {
  if (first_iteration > 0)
    cut_lines(path(kStats), first_iteration + 1);  // the last of its rows may be of that one
  else
    std::filesystem::remove(path(kStats));
  for (const auto& file : {path(kLosses), path(kErrors), path(kBest), state_file()})
    std::filesystem::remove(file);
  EventFile::clear(path("log"));
}

void RunFolder::clear_leftovers() const {
  for (const auto& part : leftovers_in(folder_)) remove_leftovers_of(path(part.name));
}

ErrorHistory RunFolder::cut_curves(std::int64_t next_iteration) const {
  for (const char* file : {kStats, kLosses, kErrors}) cut_lines(path(file), next_iteration);
  return history(next_iteration);
}

ErrorHistory RunFolder::history(std::int64_t next_iteration) const {
  if (!std::filesystem::exists(path(kErrors))) return {};
  auto curve = read_error_curve(path(kErrors));
  std::erase_if(curve, [&](const auto& point) { return point.iteration >= next_iteration; });
  return history_of(curve);
}

void RunFolder::add_learning_stats(std::int64_t iteration, double mean_loss, double rate) const {
  append_whole(path(kStats),
               fmt::format("{}, {:.5f}, {}\n", iteration, mean_loss, shortest_double(rate)));
}

void RunFolder::add_animal_stats(std::int64_t iteration, const LossSums& means, double rate) const {
  append_whole(path(kStats),
               fmt::format("{}{}, loss: {:.4f}, scmap loss: {:.4f}, locref loss: {:.4f}, "
                           "limb loss: {:.4f}, lr: {}\n",
                           kSentence, iteration, means.total, means.part, means.locref,
                           means.pairwise, shortest_double(rate)));
}

void RunFolder::add_loss(const LossPoint& point) const {
  append_learning_curve(path(kLosses), point);
}

void RunFolder::add_error(const ErrorPoint& point) const {
  append_error_curve(path(kErrors), point);
}

void RunFolder::save(std::int64_t iteration, const Network& network, TrainingState& state,
                     const Parameters& parameters, const OptimizerState& optimizer,
                     bool is_regular) const {
  const auto name = snapshot_name(iteration);
  write_checkpoint(path(name), CheckpointFormat::tensorflow_v2,
                   stored_parameters(network, parameters));
  std::erase(state.snapshots, name);
  std::erase(state.irregular, name);
  state.snapshots.push_back(name);
  if (!is_regular) state.irregular.push_back(name);
  const auto best = best_of(state.snapshots);
  mark_best(best);
  remove_old(state, best ? snapshot_name(best->iteration) : std::string());
  write_checkpoint_state(folder_, {name, state.snapshots});
  write_training_state(state_file(), network, state, parameters, optimizer);
}

std::optional<ErrorPoint> RunFolder::best_of(const std::vector<std::string>& snapshots) const {
  if (!std::filesystem::exists(path(kErrors))) return {};
  ErrorHistory of_snapshots;
  for (const auto& point : read_error_curve(path(kErrors)))
    if (contains(snapshots, snapshot_name(point.iteration))) of_snapshots.add(point);
  return of_snapshots.best();
}

void RunFolder::mark_best(const std::optional<ErrorPoint>& best) const {
  if (!best) return;
  const auto pixels = [](double error) {
    return std::isnan(error) ? nlohmann::ordered_json() : nlohmann::ordered_json(error);
  };
  const nlohmann::ordered_json mark = {{"snapshot", snapshot_name(best->iteration)},
                                       {"iteration", best->iteration},
                                       {"test_error_px", pixels(best->errors.test)},
                                       {"train_error_px", pixels(best->errors.train)}};
  write_file(path(kBest), mark.dump(2) + "\n");
}

void RunFolder::remove_old(TrainingState& state, const std::string& best) const {
  std::vector<std::string> kept, removed;
  int regular = 0;
  for (auto name = state.snapshots.rbegin(); name != state.snapshots.rend(); ++name) {
    const bool is_regular = !contains(state.irregular, *name);
    const bool is_new = is_regular && ++regular <= max_snapshots_;
    (is_new || *name == best ? kept : removed).push_back(*name);
  }
  for (const auto& name : removed) {
    std::erase(state.irregular, name);
    for (const char* suffix : {".index", ".data-00000-of-00001", ".meta"})
      std::filesystem::remove(path(name + suffix));
  }
  state.snapshots.assign(kept.rbegin(), kept.rend());
}

}  // namespace poseheir
