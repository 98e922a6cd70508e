#include "pose/run_folder.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <fstream>
#include <sstream>

#include "base/file.h"
#include "base/text.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

constexpr std::size_t kKept = 5;  // DeepLabCut's max_snapshots_to_keep
constexpr const char* kSentence = "iteration: ";
constexpr const char* kStats = "learning_stats.csv";
constexpr const char* kLosses = "learning_curve.csv";
constexpr const char* kErrors = "error_curve.csv";

void append_line(const std::filesystem::path& path, const std::string& line) {
  std::ofstream stream(path, std::ios::app);
  stream << line << '\n';
  if (!stream.flush()) throw Error(ErrorKind::io, path.string() + ": cannot be written");
}

// Lines whose first number is below `end`.
void cut_lines(const std::filesystem::path& path, std::int64_t end) {
  if (!std::filesystem::exists(path)) return;
  std::istringstream lines(read_file(path));
  std::string kept, line;
  while (std::getline(lines, line)) {
    std::int64_t iteration = 0;
    const auto number = std::string_view(line).starts_with(kSentence)
                            ? std::string_view(line).substr(std::string_view(kSentence).size())
                            : std::string_view(line);
    const auto parsed = std::from_chars(number.data(), number.data() + number.size(), iteration);
    if (parsed.ec != std::errc() || iteration < end) kept += line + '\n';
  }
  write_file(path, kept);
}

std::string snapshot_name(std::int64_t iteration) { return fmt::format("snapshot-{}", iteration); }

}  // namespace

void RunFolder::clear() const {
  for (const auto& file : {path(kStats), path(kLosses), path(kErrors), state_file()})
    std::filesystem::remove(file);
}

void RunFolder::cut_curves(std::int64_t next_iteration) const {
  for (const char* file : {kStats, kLosses, kErrors}) cut_lines(path(file), next_iteration);
}

void RunFolder::add_learning_stats(std::int64_t iteration, double mean_loss, double rate) const {
  append_line(path(kStats),
              fmt::format("{}, {:.5f}, {}", iteration, mean_loss, shortest_double(rate)));
}

void RunFolder::add_animal_stats(std::int64_t iteration, const LossSums& means, double rate) const {
  append_line(path(kStats),
              fmt::format("{}{}, loss: {:.4f}, scmap loss: {:.4f}, locref loss: {:.4f}, "
                          "limb loss: {:.4f}, lr: {}",
                          kSentence, iteration, means.total, means.part, means.locref,
                          means.pairwise, shortest_double(rate)));
}

void RunFolder::add_loss(const LossPoint& point) const {
  append_learning_curve(path(kLosses), point);
}

void RunFolder::add_error(const ErrorPoint& point) const {
  append_error_curve(path(kErrors), point);
}

void RunFolder::save(std::int64_t iteration, const Network& network, TrainingState& state) const {
  const auto name = snapshot_name(iteration);
  write_checkpoint(path(name), CheckpointFormat::tensorflow_v2,
                   stored_parameters(network, state.parameters));
  std::erase(state.snapshots, name);
  state.snapshots.push_back(name);
  remove_old(state.snapshots);
  write_checkpoint_state(folder_, {name, state.snapshots});
  write_training_state(state_file(), network, state);
}

std::string RunFolder::best_of(const std::vector<std::string>& snapshots) const {
  if (!std::filesystem::exists(path(kErrors))) return {};
  std::string best;
  double least = 0;
  for (const auto& point : read_error_curve(path(kErrors))) {
    const auto name = snapshot_name(point.iteration);
    const double error = std::isnan(point.errors.test) ? point.errors.train : point.errors.test;
    if (std::isnan(error) || std::find(snapshots.begin(), snapshots.end(), name) == snapshots.end())
      continue;
    if (best.empty() || error < least) {
      best = name;
      least = error;
    }
  }
  return best;
}

void RunFolder::remove_old(std::vector<std::string>& snapshots) const {
  if (snapshots.size() <= kKept) return;
  const auto best = best_of(snapshots);
  const auto is_removed = [&](const std::string& name) {
    const auto place = std::find(snapshots.begin(), snapshots.end(), name) - snapshots.begin();
    return name != best && snapshots.size() - place > kKept;
  };
  std::vector<std::string> kept;
  for (const auto& name : snapshots) {
    if (!is_removed(name)) {
      kept.push_back(name);
      continue;
    }
    for (const char* suffix : {".index", ".data-00000-of-00001", ".meta"})
      std::filesystem::remove(path(name + suffix));
  }
  snapshots = std::move(kept);
}

}  // namespace poseheir
