// Taking back what a transfer wrote, as far as it is still there.
#include <fmt/format.h>

#include "base/file.h"
#include "poseheir/error.h"
#include "poseheir/transfer.h"
#include "transfer/provenance.h"
#include "transfer/train_folder.h"

namespace poseheir {
namespace {

namespace fs = std::filesystem;

bool still_ours(const fs::path& folder, const Provenance& provenance) {
  std::error_code code;
  return fs::file_size(folder / kData, code) == provenance.data_bytes && !code &&
         fs::file_size(folder / kIndex, code) == provenance.index_bytes && !code;
}

Provenance read_provenance(const fs::path& folder) {
  const auto text = text_of(folder / kProvenance);
  if (!text)
    throw Error(ErrorKind::usage, fmt::format("{}: there is no transfer.json, so there is no "
                                              "transfer to take back",
                                              folder.string()));
  try {
    return parse_provenance(*text);
  } catch (const Error& error) {
    throw error.within((folder / kProvenance).string());
  }
}

std::string undo_pose_config(Staging& staging, const fs::path& path, const Provenance& provenance) {
  const auto now = read_pose_config(path).init_weights;
  if (now != provenance.init_weights_after)
    return fmt::format("init_weights is '{}', not ours: left as it is", now);
  stage_pose_config(staging, path, provenance.init_weights_before);
  staging.replace(path.filename().string());
  return fmt::format("init_weights is '{}' again", provenance.init_weights_before);
}

// The text of before, unless training has listed further snapshots since.
void undo_state(Staging& staging, const fs::path& folder, const Provenance& provenance) {
  if (text_of(folder / kState) == provenance.state_after) {
    if (!provenance.state_before) return staging.remove(kState);
    write_file(staging / kState, *provenance.state_before);
    return staging.replace(kState);
  }
  auto state = read_checkpoint_state(folder);
  if (!state || std::erase(state->all, kSnapshot) == 0 || state->all.empty()) return;
  if (state->newest == kSnapshot) state->newest = state->all.back();
  write_checkpoint_state(staging.folder(), *state);
  staging.replace(kState);
}

std::string undo_snapshot(Staging& staging, const fs::path& folder, const Provenance& provenance) {
  if (!still_ours(folder, provenance))
    return "snapshot-0 is not the one that was written: left as it is";
  undo_state(staging, folder, provenance);
  staging.remove(kIndex);
  staging.remove(kData);
  return "snapshot-0 removed";
}

}  // namespace

std::vector<std::string> undo_transfer(const fs::path& pose_config) {
  const auto folder = folder_of(pose_config);
  const auto provenance = read_provenance(folder);
  Staging staging(folder);
  std::vector<std::string> done = {undo_pose_config(staging, pose_config, provenance),
                                   undo_snapshot(staging, folder, provenance)};
  staging.remove(kProvenance);
  staging.commit();
  return done;
}

}  // namespace poseheir
