// Saves a run as it goes, so that a disk that becomes full takes nothing of it: room for one state
// is kept from the start and given up when something cannot be written.
#pragma once

#include <functional>
#include <optional>

#include "base/disk_room.h"
#include "pose/run_folder.h"

namespace poseheir {

// Bytes of a run's files.
struct SaveSizes {
  std::uint64_t snapshot = 0, state = 0;
};
// With a little more for curves. Variables without an optimizer's slots count as if they had some.
SaveSizes save_sizes(const Network& network, OptimizerKind optimizer);

class RunSaver {
 public:
  RunSaver(RunFolder files, const Network& network, SaveSizes sizes)
      : files_(std::move(files)), network_(network), sizes_(sizes) {}

  // Of the disk that the folder lies on: to save once, beside what is kept.
  std::uint64_t least_room() const { return 2 * sizes_.state + sizes_.snapshot; }
  // Throws Error(io) that tells both sizes, before anything is computed or removed.
  void require_room(const std::filesystem::path& folder) const;
  void keep_room(const std::filesystem::path& folder);

  // Does `part`, which writes whole or not at all. Where it cannot, the room kept is given up and
  // `part` done again.
  void write(const std::function<void()>& part);
  // Something could not be written. The next save is the last.
  bool is_in_need() const { return !trouble_.empty(); }

  // As RunFolder::save. Throws Error(io) where that cannot be done or something could not be
  // written before; the state is saved all the same where room was kept, and says what is missing.
  void save(std::int64_t iteration, TrainingState& state, const Parameters& parameters,
            const OptimizerState& optimizer, bool is_regular);
  // The state alone, in the same way.
  void save_state(TrainingState& state, const Parameters& parameters,
                  const OptimizerState& optimizer);

  // The snapshot that an earlier process had no room for, from what its state holds.
  void make_up(TrainingState& state);

 private:
  void give_up_room(const std::string& trouble);
  [[noreturn]] void end_in_need(const TrainingState& state, const Parameters& parameters,
                                const OptimizerState& optimizer);

  RunFolder files_;
  const Network& network_;
  SaveSizes sizes_;
  std::optional<ReservedRoom> room_;
  std::string trouble_;
};

}  // namespace poseheir
