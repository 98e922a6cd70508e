#include "pose/team.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <fmt/format.h>
#include <iostream>
#include <thread>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "pose/memory.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

template <typename T>
void share(Ranks& ranks, std::span<T> values) {
  ranks.broadcast(std::as_writable_bytes(values), 0);
}

void share(Ranks& ranks, Parameters& values) {
  std::vector<std::uint64_t> sizes(values.size());
  std::transform(values.begin(), values.end(), sizes.begin(),
                 [](const auto& value) { return value.size(); });
  std::uint64_t count = sizes.size();
  share(ranks, std::span(&count, 1));
  sizes.resize(count);
  share(ranks, std::span(sizes));
  values.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i].resize(sizes[i]);
    share(ranks, std::span(values[i]));
  }
}

// True where all ranks give the same number below 2^53.
bool is_shared(Ranks& ranks, double value) {
  double given[] = {value};
  share(ranks, std::span<double>(given));
  double differing[] = {given[0] == value ? 0.0 : 1.0};
  ranks.sum(differing);
  return differing[0] == 0;
}

}  // namespace

EngineOptions Team::with_threads(EngineOptions engine) const {
  if (is_alone() || engine.threads > 0) return engine;
  const auto own = static_cast<int>(std::lround(ranks_->processors()));
  engine.threads = std::clamp(own, 1, thread_count(engine));
  return engine;
}

void Team::agree(const std::function<void()>& part) {
  try {
    poseheir::agree(ranks_, part);
  } catch (...) {
    failed_together_ = true;
    throw;
  }
}

void Team::end_all(const std::string& why) const {
  // What several find wrong at once, such as damaged pictures, is told by one, which ends the
  // others (mpirun by SIGTERM, which asks for an orderly end no more).
  std::signal(SIGTERM, SIG_DFL);
  constexpr int kMostTurns = 20;
  if (const int turn = std::min(ranks_->rank(), kMostTurns); turn > 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(500 + 250 * turn));
  std::cerr << fmt::format(
                   "poseheir: {}: {}\nAll {} processes end. The same command goes on from the last "
                   "saved state, with any number of processes.\n",
                   name_of(*ranks_), why, size())
            << std::flush;
  ranks_->end_all(1);
  std::abort();  // for compilers that think a virtual function may return
}

std::size_t Team::memory() const {
  return available_memory() / (is_alone() ? 1 : static_cast<std::size_t>(ranks_->on_this_host()));
}

BatchChoice Team::share_of(BatchChoice whole) const {
  if (is_alone()) return whole;
  const auto count = static_cast<std::int64_t>(whole.records.size());
  const auto first = count * ranks_->rank() / size(), end = count * (ranks_->rank() + 1) / size();
  whole.records = {whole.records.begin() + first, whole.records.begin() + end};
  whole.key += static_cast<std::uint64_t>(first);
  return whole;
}

void Team::require_share(int pictures, const std::filesystem::path& folder) const {
  if (pictures >= size()) return;
  throw Error(ErrorKind::usage,
              fmt::format("{}: a batch of {} picture{} cannot be shared by {} processes; start "
                          "fewer, or take larger batches (--batch-size {})",
                          folder.string(), pictures, pictures == 1 ? "" : "s", size(), size()));
}

bool Team::any(bool mine) const {
  if (is_alone()) return mine;
  double count[] = {mine ? 1.0 : 0.0};
  ranks_->sum(count);
  return count[0] > 0;
}

LossCounts Team::total(LossCounts mine) const {
  if (is_alone()) return mine;
  double counts[] = {mine.part, mine.part_interm, mine.locref, mine.pairwise};
  ranks_->sum(counts);
  return {counts[0], counts[1], counts[2], counts[3]};
}

LossValues Team::total(LossValues mine) const {
  if (is_alone()) return mine;
  double values[] = {mine.part, mine.total, mine.part_interm.value_or(0), mine.locref.value_or(0),
                     mine.pairwise.value_or(0)};
  ranks_->sum(values);
  mine.part = values[0];
  mine.total = values[1];
  if (mine.part_interm) mine.part_interm = values[2];
  if (mine.locref) mine.locref = values[3];
  if (mine.pairwise) mine.pairwise = values[4];
  return mine;
}

void Team::share_state(TrainingState& state) const {
  if (is_alone()) return;
  struct Numbers {
    std::int64_t next_iteration, steps;
    double seconds;
  } numbers{state.next_iteration, state.optimizer.steps, state.seconds};
  share(*ranks_, std::span(&numbers, 1));
  state.next_iteration = numbers.next_iteration;
  state.optimizer.steps = numbers.steps;
  state.seconds = numbers.seconds;
  for (auto* values : {&state.parameters, &state.optimizer.first, &state.optimizer.second})
    share(*ranks_, *values);
}

void Team::require_same_run(const std::string& identity) {
  if (is_alone() || is_shared(*ranks_, crc32c(as_bytes_of(identity)))) return;
  agree([] {
    throw Error(ErrorKind::usage,
                "the processes of this run were not given the same: all need the same command, and "
                "the same project and start weights on a file system that they share");
  });
}

void Team::require_same_networks(const Parameters& parameters) {
  if (is_alone()) return;
  std::uint32_t checksum = 0;
  for (const auto& values : parameters)
    checksum = crc32c(std::as_bytes(std::span(values)), checksum);
  if (is_shared(*ranks_, checksum)) return;
  agree([] {
    throw Error(ErrorKind::mismatch,
                "the networks of the processes have come apart: their processors or libraries "
                "differ; start them on equal machines (DNNL_MAX_CPU_ISA=AVX2 may suffice)");
  });
}

void Team::connect(Trainer& trainer) const {
  if (is_alone()) return;
  trainer.set_sum_over_parts([this](std::span<double> values) { ranks_->sum(values); });
}

void Team::backward(Trainer& trainer, const FeatureMaps& output_gradients) {
  if (is_alone()) return trainer.backward(output_gradients);
  trainer.backward(output_gradients,
                   [this](int, std::vector<float>& gradient) { gradients_->add(gradient); });
  gradients_->finish();
}

}  // namespace poseheir
