// The transfer plan: which stored tensor fills which variable of the new network, and why.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "poseheir/checkpoint.h"
#include "poseheir/network.h"
#include "poseheir/project.h"

namespace poseheir {

enum class TransferAction { copy, select_keypoints, from_init, initialize };
std::string_view action_name(TransferAction action);  // "copy", "select", "init", "new"

struct TransferStep {
  Variable target;
  std::string source;  // tensor of A (or of --init); empty when initialised afresh
  std::vector<std::int64_t> source_shape;
  TransferAction action = TransferAction::initialize;
  std::vector<std::vector<int>> channels;  // select_keypoints: sources of each target channel;
                                           // none: afresh; several: their mean
  std::size_t axis = 0;                    // select_keypoints: the dimension of the channels
  std::string reason;                      // one line for whoever reads the plan
};

struct UnusedTensor {
  TensorInfo tensor;
  std::string reason;
};

struct TransferPlan {
  NetworkSpec source_network, target_network;
  std::string source_description;    // the network of A in words
  std::string source_scope;          // stripped prefix, such as "model_a/"
  std::vector<TransferStep> steps;   // one a variable of C's network, in name order
  std::vector<UnusedTensor> unused;  // every tensor of A that fills nothing
  std::vector<std::string> warnings;
};

enum class Layers { base, backbone, all };

struct Selector {
  bool include = false;  // --include or --exclude
  std::string pattern;   // a keyword (substring, case-blind) or "re:…"
};

// keypoint of C -> keypoints of A; several are averaged
using KeypointMap = std::map<std::string, std::vector<std::string>>;

struct TransferOptions {
  std::optional<Layers> layers;     // absent: all when a keypoint map is known, else backbone
  std::vector<Selector> selectors;  // in the order given; the last match wins
  std::optional<std::string> source_scope;
  std::optional<KeypointMap> keypoints;  // absent: names that agree
  KeypointMap averages;                  // beside either: the mean of several keypoints of A
  bool allow_side_swap = false;          // a left keypoint may take from a right one
  std::uint64_t seed = 0;
};

struct KeypointNames {
  std::vector<std::string> source, target;
  std::vector<std::vector<int>> source_limbs, target_limbs;  // [partaffinityfield_graph]
};

// Decides from names and shapes alone: no weights are read. Throws Error(mismatch), saying what
// differs and the nearest thing that would work.
TransferPlan plan_transfer(const Checkpoint& source, const NetworkSpec& target,
                           const KeypointNames& names, const TransferOptions& options,
                           const Checkpoint* init = nullptr);

// The tensors of model B, read from A (and init) as they are written: bounded memory.
std::vector<StoredTensor> transferred_tensors(const TransferPlan& plan, const Checkpoint& source,
                                              const Checkpoint* init, std::uint64_t seed);

// A conversion table: csv with the columns of DeepLabCut's tables (gt, MasterName).
KeypointMap read_keypoint_map(const std::filesystem::path& path);

// A transfer between files: what the command is asked for.
struct TransferRequest {
  std::filesystem::path source;              // model A, whatever read_checkpoint takes
  std::filesystem::path source_pose_config;  // empty: pose_cfg.yaml beside A, if there is one
  std::filesystem::path pose_config;         // model C's train/pose_cfg.yaml
  std::filesystem::path init;                // start weights for what A does not fill; may be empty
  std::map<std::string, std::map<std::string, std::string>> conversion_tables;  // of config.yaml
  TransferOptions options;
  bool overwrite = false;
};

struct PreparedTransfer {
  TransferRequest request;
  Checkpoint source;
  std::optional<Checkpoint> init;
  PoseConfig pose_config;
  TransferPlan plan;
};

// Reads A and C and makes the plan; writes nothing.
PreparedTransfer prepare_transfer(TransferRequest request);

struct TransferResult {
  std::filesystem::path snapshot;  // …/train/snapshot-0
  std::uint64_t bytes = 0;         // of its data file
  std::string old_init_weights;
};

// Writes snapshot-0, `checkpoint`, transfer.json and the line init_weights of C's pose_cfg.yaml:
// all of them, or after an error none. Throws Error(usage) where snapshot-0 exists already and
// overwrite was not asked for.
TransferResult execute_transfer(const PreparedTransfer& prepared);

// Takes back what execute_transfer wrote into the folder of this pose_cfg.yaml. Returns what was
// done, a line each.
std::vector<std::string> undo_transfer(const std::filesystem::path& pose_config);

std::string format_plan_json(const TransferPlan& plan);  // one JSON document

}  // namespace poseheir
