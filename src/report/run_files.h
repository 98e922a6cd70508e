// What a run's folder holds beside its curves: settings, provenance, DeepLabCut's own tables.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "poseheir/metrics.h"
#include "poseheir/project.h"

namespace poseheir {

using Settings = std::vector<std::pair<std::string, std::string>>;

// Rows "iteration, loss, rate" of a single-animal learning_stats.csv.
std::vector<LossPoint> read_learning_stats(const std::filesystem::path& path);

// Rows of all "*-results.csv" of an evaluation folder, ascending by iteration.
std::vector<ErrorPoint> read_results_tables(const std::filesystem::path& folder);

// transfer.json in sentences; empty when there is none.
std::vector<std::string> transfer_summary(const std::filesystem::path& transfer_json);

// Scalars of run.json, nested names joined by dots; empty when there is none.
Settings read_run_settings(const std::filesystem::path& run_json);

// What of a pose_cfg.yaml a reader needs to judge a run: the network, and how it is trained.
Settings pose_settings(const PoseConfig& config, bool with_training);

}  // namespace poseheir
