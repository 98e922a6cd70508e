// Whether a training fits into the machine's memory, before it begins.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

#include "pose/batches.h"
#include "poseheir/engine.h"

namespace poseheir {

// What this process may still take: of the machine, its control groups and its own limit.
std::size_t available_memory();

// The largest batch whose need stays within `available`, need growing evenly with each picture;
// nothing where not even one fits.
std::optional<int> largest_batch(std::size_t need_of_one, std::size_t need_of_two,
                                 std::size_t available);

struct TrainingNeeds {
  const Network& network;
  const std::vector<TrainingRecord>& records;
  const BatchOptions& batches;
  std::size_t picture_bytes;  // budget of the pictures kept in memory
  int batches_ahead;
  double growth = 1;  // of the area from this batch to the largest that scales can make
};

struct MemoryNeed {
  std::size_t needed = 0, available = 0;
};

// Throws Error(usage) that names the largest batch that fits where `count` pictures of `size` do
// not.
MemoryNeed require_memory(Trainer& trainer, const TrainingNeeds& needs, MapSize size, int count,
                          std::size_t available, const std::filesystem::path& folder);

}  // namespace poseheir
