#include "pose/run_saver.h"

#include <fmt/format.h>

#include "poseheir/error.h"

namespace poseheir {
namespace {

double megabytes(std::uint64_t bytes) { return static_cast<double>(bytes) / 1e6; }

std::string free_text(const std::filesystem::path& folder) {
  const auto room = room_at(folder);
  return room ? fmt::format("{:.1f} MB are free", megabytes(*room)) : "too little is free";
}

// Without advice: it would be that of a command that has done nothing yet.
std::string what_failed(const Error& error) {
  const std::string text = error.what();
  return text.substr(0, text.find("; "));
}

}  // namespace

SaveSizes save_sizes(const Network& network, OptimizerKind optimizer) {
  constexpr std::uint64_t kNames = 256U << 10U, kCurves = 1U << 20U;
  std::uint64_t values = 0;
  for (const auto& variable : network.variables) values += 4 * element_count(variable.info.shape);
  const std::uint64_t copies = optimizer == OptimizerKind::adam ? 3 : 2;
  return {values + kNames, copies * (values + kNames) + kCurves};
}

void RunSaver::require_room(const std::filesystem::path& folder) const {
  const auto free = room_at(existing_part(folder));
  if (!free) return;
  std::error_code absent;
  const auto replaced = std::filesystem::file_size(files_.state_file(), absent);
  if (*free + (absent ? 0 : replaced) >= least_room()) return;
  throw Error(
      ErrorKind::io,
      fmt::format("{}: too little room on its disk to save the run: {:.1f} MB are needed (a "
                  "snapshot of {:.1f} MB, a state of {:.1f} MB twice), {:.1f} MB are free; free "
                  "some space and run the same command again: nothing was changed",
                  folder.string(), megabytes(least_room()), megabytes(sizes_.snapshot),
                  megabytes(sizes_.state), megabytes(*free)));
}

void RunSaver::keep_room(const std::filesystem::path& folder) {
  room_.emplace(folder, sizes_.state);
}

void RunSaver::give_up_room(const std::string& trouble) {
  if (trouble_.empty()) trouble_ = trouble;
  room_.reset();
}

void RunSaver::write(const std::function<void()>& part) {
  try {
    part();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::io || !room_) throw;
    give_up_room(what_failed(error));
    part();
  }
}

void RunSaver::save(std::int64_t iteration, TrainingState& state, const Parameters& parameters,
                    const OptimizerState& optimizer, bool is_regular) {
  if (!is_in_need()) try {
      return files_.save(iteration, network_, state, parameters, optimizer, is_regular);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::io) throw;
      give_up_room(what_failed(error));
    }
  state.pending = {iteration, is_regular};
  end_in_need(state, parameters, optimizer);
}

void RunSaver::save_state(TrainingState& state, const Parameters& parameters,
                          const OptimizerState& optimizer) {
  if (!is_in_need()) try {
      return write_training_state(files_.state_file(), network_, state, parameters, optimizer);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::io) throw;
      give_up_room(what_failed(error));
    }
  end_in_need(state, parameters, optimizer);
}

void RunSaver::end_in_need(const TrainingState& state, const Parameters& parameters,
                           const OptimizerState& optimizer) {
  const auto file = files_.state_file();
  auto saved = fmt::format("iteration {} is saved, nothing is lost", state.next_iteration - 1);
  try {
    write_training_state(file, network_, state, parameters, optimizer);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::io) throw;
    const auto before = read_training_state_header(file);
    saved = fmt::format(
        "nor could the state be saved ({}): {}", what_failed(error),
        before ? fmt::format("iteration {} is the last one saved", before->next_iteration - 1)
               : std::string("the run will begin anew"));
  }
  throw Error(ErrorKind::io,
              fmt::format("{}; {}. Going on needs {:.1f} MB of room, {}: free some space, and the "
                          "same command goes on from there",
                          trouble_, saved, megabytes(least_room()), free_text(file.parent_path())));
}

void RunSaver::make_up(TrainingState& state) {
  const auto missing = std::exchange(state.pending, std::nullopt);
  if (!missing) return;
  files_.save(missing->iteration, network_, state, state.parameters, state.optimizer,
              missing->is_regular);
}

}  // namespace poseheir
