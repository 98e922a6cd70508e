// From files to files: model A and model C's pose_cfg.yaml in, model B and its provenance out.
#include <fmt/format.h>

#include "base/file.h"
#include "poseheir/error.h"
#include "poseheir/transfer.h"
#include "transfer/provenance.h"
#include "transfer/source.h"
#include "transfer/staging.h"
#include "transfer/train_folder.h"

namespace poseheir {
namespace {

namespace fs = std::filesystem;

PoseConfig read_target(const fs::path& path) {
  if (!fs::exists(path))
    throw Error(ErrorKind::usage,
                fmt::format("{}: there is no such file, so model C has no network yet; create its "
                            "training dataset first (poseheir create-training-dataset, or "
                            "DeepLabCut's create_training_dataset)",
                            path.string()));
  auto config = read_pose_config(path);
  try {
    build_network(config.network);
  } catch (const Error& error) {
    throw error.within(path.string());
  }
  return config;
}

fs::path source_pose_config(const TransferRequest& request, const Checkpoint& source) {
  if (!request.source_pose_config.empty()) return request.source_pose_config;
  const auto beside = source.path.parent_path() / kPoseConfig;
  return fs::exists(beside) ? beside : fs::path();
}

std::vector<std::vector<int>> limbs_of(const PoseConfig& config) {
  std::vector<std::vector<int>> limbs;
  const auto found = config.lists.find("partaffinityfield_graph");
  if (found == config.lists.end()) return limbs;
  for (const auto& limb : found->second) limbs.emplace_back(limb.begin(), limb.end());
  return limbs;
}

// The map of C's config.yaml (SuperAnimalConversionTables), where A is that SuperAnimal.
void use_conversion_table(TransferRequest& request, const KeypointNames& names) {
  const auto count = static_cast<int>(names.source.size());
  if (request.options.keypoints || names.source != superanimal_keypoints(count)) return;
  const auto table = request.conversion_tables.find(superanimal_name(count));
  if (table == request.conversion_tables.end() || table->second.empty()) return;
  KeypointMap map;
  for (const auto& [target, source] : table->second) map[target] = {source};
  request.options.keypoints = map;
}

KeypointNames read_names(const PreparedTransfer& prepared, std::vector<std::string>& warnings) {
  KeypointNames names;
  names.target = prepared.pose_config.keypoint_names;
  names.target_limbs = limbs_of(prepared.pose_config);
  const auto path = source_pose_config(prepared.request, prepared.source);
  if (!path.empty()) {
    const auto config = read_pose_config(path);
    names.source = config.keypoint_names;
    names.source_limbs = limbs_of(config);
    return names;
  }
  const auto& options = prepared.request.options;
  const int count = recognise_source(prepared.source, options.source_scope).spec.keypoints;
  names.source = superanimal_keypoints(count);
  if (!names.source.empty())
    warnings.push_back(
        fmt::format("there is no pose_cfg.yaml beside A; its {} channels are taken "
                    "for the keypoints of {} (--source-pose-cfg says otherwise)",
                    count, superanimal_name(count)));
  return names;
}

void refuse_existing(const fs::path& folder) {
  for (const char* name : {kIndex, kData}) {
    if (fs::exists(folder / name))
      throw Error(ErrorKind::usage,
                  fmt::format("{}: exists already, from an earlier transfer or training; "
                              "--overwrite replaces it, --undo takes an earlier transfer back",
                              (folder / name).string()));
  }
}

void stage_state(const Staging& staging, const fs::path& folder) {
  auto state = read_checkpoint_state(folder).value_or(CheckpointState{});
  std::erase(state.all, kSnapshot);
  state.all.emplace_back(kSnapshot);
  state.newest = kSnapshot;
  write_checkpoint_state(staging.folder(), state);
}

// What undo has to restore: after a second transfer still the state before the first.
Provenance state_before(const fs::path& folder, const std::string& init_weights) {
  Provenance before;
  before.init_weights_before = init_weights;
  before.init_weights_after = kInitWeights;
  before.state_before = text_of(folder / kState);
  const auto earlier = text_of(folder / kProvenance);
  if (!earlier || init_weights != kInitWeights) return before;
  const auto first = parse_provenance(*earlier);
  before.init_weights_before = first.init_weights_before;
  before.state_before = first.state_before;
  return before;
}

TransferResult write_all(const PreparedTransfer& prepared, Staging& staging,
                         const fs::path& folder) {
  const auto& request = prepared.request;
  const auto* init = prepared.init ? &*prepared.init : nullptr;
  write_checkpoint(staging / kSnapshot, CheckpointFormat::tensorflow_v2,
                   transferred_tensors(prepared.plan, prepared.source, init, request.options.seed));
  auto provenance = state_before(folder, prepared.pose_config.init_weights);
  provenance.data_bytes = fs::file_size(staging / kData);
  provenance.index_bytes = fs::file_size(staging / kIndex);
  stage_state(staging, folder);
  provenance.state_after = read_file(staging / kState);
  write_file(staging / kProvenance, format_provenance(prepared, provenance));
  stage_pose_config(staging, request.pose_config, kInitWeights);
  // pose_cfg.yaml comes last: it is what makes the rest count.
  for (const char* name : {kData, kIndex, kState, kProvenance}) staging.replace(name);
  if (fs::exists(folder / kMeta)) staging.remove(kMeta);  // of the snapshot that is replaced
  staging.replace(request.pose_config.filename().string());
  staging.commit();
  return {folder / kSnapshot, provenance.data_bytes, provenance.init_weights_before};
}

}  // namespace

PreparedTransfer prepare_transfer(TransferRequest request) {
  PreparedTransfer prepared;
  prepared.pose_config = read_target(request.pose_config);
  prepared.source = read_checkpoint(request.source);
  if (!request.init.empty()) prepared.init = read_checkpoint(request.init);
  prepared.request = std::move(request);
  std::vector<std::string> warnings;
  const auto names = read_names(prepared, warnings);
  use_conversion_table(prepared.request, names);
  prepared.plan =
      plan_transfer(prepared.source, prepared.pose_config.network, names, prepared.request.options,
                    prepared.init ? &*prepared.init : nullptr);
  for (const auto& snapshot : list_snapshots(folder_of(prepared.request.pose_config)))
    if (snapshot.iteration > 0)
      warnings.push_back(
          fmt::format("{} lies in C's folder already: training starts at 0 again, "
                      "and DeepLabCut takes the snapshot with the largest number",
                      snapshot.prefix.filename().string()));
  prepared.plan.warnings.insert(prepared.plan.warnings.begin(), warnings.begin(), warnings.end());
  return prepared;
}

TransferResult execute_transfer(const PreparedTransfer& prepared) {
  const auto folder = folder_of(prepared.request.pose_config);
  if (!prepared.request.overwrite) refuse_existing(folder);
  Staging staging(folder);
  try {
    return write_all(prepared, staging, folder);
  } catch (const Error& error) {
    throw Error(error.kind(), staging.without_staging(error.what()));
  }
}

}  // namespace poseheir
