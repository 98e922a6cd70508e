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

struct TransferStep {
  Variable target;
  std::string source;  // tensor of A (or of --init); empty when initialised afresh
  std::vector<std::int64_t> source_shape;
  TransferAction action = TransferAction::initialize;
  std::vector<std::vector<int>> channels;  // select_keypoints: sources of each target channel;
                                           // none: afresh; several: their mean
  std::string reason;                      // one line for whoever reads the plan
};

struct UnusedTensor {
  TensorInfo tensor;
  std::string reason;
};

struct TransferPlan {
  NetworkSpec source_network, target_network;
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
  std::uint64_t seed = 0;
};

struct KeypointNames {
  std::vector<std::string> source, target;
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

}  // namespace poseheir
