#include "transfer/heads.h"

#include <algorithm>
#include <fmt/format.h>

namespace poseheir {
namespace {

using Channels = std::vector<std::vector<int>>;

// "part_pred" of "pose/part_pred_s1/Conv2d_transpose/weights".
std::string head_of(const std::string& variable) {
  const auto start = variable.find('/') + 1;
  auto head = variable.substr(start, variable.find('/', start) - start);
  if (const auto stage = head.rfind("_s"); stage != std::string::npos && stage + 3 == head.size())
    head.resize(stage);
  return head;
}

Channels score_channels(const HeadPair& pair) {
  auto channels = pair.keypoints;
  const int identities = pair.target->identity_channels;
  for (int i = 0; i < identities; ++i) {
    channels.emplace_back();
    if (pair.source->identity_channels == identities)
      channels.back().push_back(pair.source->keypoints + i);
  }
  return channels;
}

// x and y of each entry, in this order.
Channels pairs_of(const Channels& entries) {
  Channels channels;
  for (const auto& sources : entries) {
    for (const int part : {0, 1}) {
      channels.emplace_back();
      for (const int source : sources) channels.back().push_back(2 * source + part);
    }
  }
  return channels;
}

// A limb maps where both its ends do, onto the same limb in the same direction.
Channels limb_sources(const HeadPair& pair) {
  Channels limbs;
  const auto& known = pair.names->source_limbs;
  for (const auto& limb : pair.names->target_limbs) {
    limbs.emplace_back();
    if (limb.size() != 2) continue;
    std::vector<int> wanted;
    for (const int end : limb) {
      if (end < 0 || end >= static_cast<int>(pair.keypoints.size())) break;
      const auto& sources = pair.keypoints[static_cast<std::size_t>(end)];
      if (sources.size() == 1) wanted.push_back(sources[0]);
    }
    const auto found = std::find(known.begin(), known.end(), wanted);
    if (wanted.size() == 2 && found != known.end())
      limbs.back().push_back(static_cast<int>(found - known.begin()));
  }
  limbs.resize(static_cast<std::size_t>(pair.target->limbs));
  return limbs;
}

bool counts_up(const Channels& channels) {
  for (std::size_t i = 0; i < channels.size(); ++i) {
    if (channels[i] != std::vector{static_cast<int>(i)}) return false;
  }
  return true;
}

std::string describe(const HeadPair& pair) {
  const auto mapped = std::count_if(pair.keypoints.begin(), pair.keypoints.end(),
                                    [](const auto& sources) { return !sources.empty(); });
  return fmt::format("{} of {} keypoints from A's {}", mapped, pair.keypoints.size(),
                     pair.source->keypoints);
}

}  // namespace

HeadChannels head_channels(const std::string& variable, const HeadPair& pair) {
  HeadChannels result;
  result.axis = variable.ends_with("/biases") ? 0 : 2;
  if (pair.keypoints.empty()) {
    result.reason = "the channels of A's head have no names";
    return result;
  }
  const bool same = is_identity(pair.keypoints, pair.source->keypoints) &&
                    pair.source->identity_channels == pair.target->identity_channels;
  const auto head = head_of(variable);
  int source_channels = 0;
  if (variable.find("/Conv/") != std::string::npos || head == "Conv2d_transpose") {
    // A later stage sees all maps of the stage before it, so its inputs are keypoints too.
    result.whole = same && pair.names->source_limbs == pair.names->target_limbs;
    result.reason = result.whole ? "same keypoints" : "refines maps of other keypoints";
    return result;
  }
  if (head == "locref_pred") {
    result.sources = pairs_of(pair.keypoints);
    source_channels = 2 * pair.source->keypoints;
  } else if (head == "pairwise_pred" && pair.target->multi_animal) {
    if (pair.source->multi_animal) result.sources = pairs_of(limb_sources(pair));
    source_channels = 2 * pair.source->limbs;
  } else if (head == "pairwise_pred") {
    result.whole = same && !pair.source->multi_animal;
    result.reason = result.whole ? "same keypoints" : "pairs of other keypoints";
    return result;
  } else {
    result.sources = score_channels(pair);
    source_channels = pair.source->keypoints + pair.source->identity_channels;
  }
  result.whole =
      counts_up(result.sources) && static_cast<int>(result.sources.size()) == source_channels;
  result.reason = result.whole ? "same keypoints" : describe(pair);
  return result;
}

}  // namespace poseheir
