// A run before its first iteration: what is read and checked without writing anything.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "pose/memory.h"
#include "pose/run_folder.h"
#include "pose/run_record.h"
#include "pose/start_weights.h"
#include "pose/team.h"
#include "pose/train_adjusted.h"
#include "pose/training_plan.h"

namespace poseheir {

constexpr std::size_t kPictureBytes = 1024U << 20U;  // of decoded pictures, kept in memory
constexpr int kBatchesAhead = 8;

struct PreparedRun {
  const Project& project;
  const ModelChoice& choice;
  const TrainOptions& options;
  int ranks = 1;
  PoseConfig config = {};
  Network network = {};
  Dataset dataset = {};
  std::filesystem::path folder = {};
  StartWeights start = {};
  TrainingPlan plan = {};
  std::vector<std::filesystem::path> pictures = {};  // of dataset.records
  PictureSums sums = {};                             // of pictures
  nlohmann::json identity = {};

  RunSubject subject() const {
    return {project, choice, options, config, dataset, start, plan, ranks, sums};
  }
};

// Throws as train() does for what stands in the way. The arguments are kept by reference.
PreparedRun prepare_run(const Project& project, const ModelChoice& choice,
                        const TrainOptions& options, int ranks, const AdjustPlan& adjust);

// What the folder holds of a run that the same command goes on with.
struct EarlierRun {
  std::optional<TrainingState> state;  // without tensors; nothing: the run begins anew
  std::vector<std::string> warnings, notes;
};
// Throws Error(usage) where the folder holds something else that would be replaced unasked.
EarlierRun find_earlier_run(const PreparedRun& run, const RunFolder& files);

// No better error in so many measurements as the options have patience for.
bool has_lost_patience(const TrainOptions& options, const ErrorHistory& history);

// Throws Error(usage) that names a batch that fits where that of `iteration` does not: it stands
// for all, as plans of other sizes use the same memory.
MemoryNeed require_memory_for(Trainer& trainer, const PreparedRun& run, const Team& team,
                              std::int64_t iteration);

}  // namespace poseheir
