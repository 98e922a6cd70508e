#include "cli/train_forecast.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <iostream>
#include <nlohmann/json.hpp>

namespace poseheir {
namespace {

template <typename T>
double megabytes(T bytes) {
  return static_cast<double>(bytes) / 1e6;
}

nlohmann::json as_json(const TrainingForecast& of) {
  return {
      {"dry_run", true},
      {"folder", of.folder.string()},
      {"net_type", of.net_type},
      {"pictures",
       {{"labelled", of.labelled},
        {"train", of.train},
        {"test", of.test},
        {"trained_on", of.records}}},
      {"start", of.start},
      {"beginning", of.beginning},
      {"resumes", of.resumes},
      {"finished", of.finished},
      {"first_iteration", of.first_iteration},
      {"next_iteration", of.next_iteration},
      {"last_iteration", of.last_iteration},
      {"batch_size", of.batch_size},
      {"ranks", of.ranks},
      {"threads", of.threads},
      {"optimizer", of.optimizer},
      {"rate", {{"first", of.first_rate}, {"largest", of.largest_rate}, {"last", of.last_rate}}},
      {"variables", {{"all", of.variables}, {"trained", of.trained_variables}}},
      {"snapshots", of.snapshots},
      {"kept_snapshots", of.kept_snapshots},
      {"eval_iterations", of.eval_iterations},
      {"memory_bytes", {{"needed", of.memory_needed}, {"available", of.memory_available}}},
      {"disk_bytes",
       {{"snapshot", of.snapshot_bytes},
        {"needed", of.disk_needed},
        {"available", of.disk_available ? nlohmann::json(*of.disk_available) : nlohmann::json()}}},
      {"files", of.files}};
}

// "snapshot-250, 500, 750, 1000"; of many the first, and the last.
std::string snapshots_text(const TrainingForecast& of) {
  constexpr std::size_t kTold = 6;
  auto first = of.snapshots;
  if (first.empty()) return "none";
  if (first.size() <= kTold) return fmt::format("snapshot-{}", fmt::join(first, ", "));
  first.resize(kTold - 2);
  return fmt::format("snapshot-{}, ..., {} ({} of them)", fmt::join(first, ", "),
                     of.snapshots.back(), of.snapshots.size());
}

void line(const char* what, const std::string& text) {
  std::cout << fmt::format("{:<12}{}\n", what, text);
}

void print(const TrainingForecast& of) {
  line("would train", fmt::format("{} in {}", of.net_type, of.folder.string()));
  line("begins", of.beginning);
  line("pictures", fmt::format("{} labelled: {} to train ({} with visible joints), {} to test",
                               of.labelled, of.train, of.records, of.test));
  line("start", of.start);
  line(
      "iterations",
      fmt::format("{} to {}, batches of {}{}", of.next_iteration, of.last_iteration, of.batch_size,
                  of.ranks > 1 ? fmt::format(" shared by {} processes", of.ranks) : std::string()));
  line("optimizer", fmt::format("{}, learning rate {:.3g} at first, {:.3g} at most, {:.3g} at last",
                                of.optimizer, of.first_rate, of.largest_rate, of.last_rate));
  line("trained", fmt::format("{} of {} variables", of.trained_variables, of.variables));
  if (of.finished) return;
  line("snapshots",
       fmt::format("{}; the newest {} stay, and the best", snapshots_text(of), of.kept_snapshots));
  line("errors", of.eval_iterations > 0
                     ? fmt::format("measured every {} iterations", of.eval_iterations)
                     : std::string("not measured while training"));
  line("memory", fmt::format("{:.0f} MB of {:.0f} MB that can be had, {} thread{}",
                             megabytes(of.memory_needed), megabytes(of.memory_available),
                             of.threads, of.threads == 1 ? "" : "s"));
  line("disk", fmt::format("{:.1f} MB a snapshot; {:.1f} MB for one save{}",
                           megabytes(of.snapshot_bytes), megabytes(of.disk_needed),
                           of.disk_available
                               ? fmt::format(" of {:.0f} MB free", megabytes(*of.disk_available))
                               : std::string()));
  line("writes", fmt::format("{}", fmt::join(of.files, ", ")));
}

}  // namespace

void print_forecast(const TrainingForecast& forecast, const Output& output, bool json) {
  for (const auto& text : forecast.warnings) output.warn(text);
  for (const auto& text : forecast.notes) output.note(text);
  if (json)
    std::cout << as_json(forecast).dump(2) << '\n';
  else
    print(forecast);
  output.note("nothing was written (--dry-run)");
}

}  // namespace poseheir
