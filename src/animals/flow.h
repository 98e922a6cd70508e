// Cheapest flows through a graph, by LEMON's network simplex.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace poseheir {

struct FlowArc {
  int from = 0, to = 0;
  std::int64_t capacity = 1, cost = 0;
};

// How much flows along each arc so that every node sends its supply (or receives, below zero) at
// least cost; nothing if there is no such flow. Nodes are numbered by `supply`.
std::optional<std::vector<std::int64_t>> cheapest_flow(const std::vector<std::int64_t>& supply,
                                                       const std::vector<FlowArc>& arcs);

}  // namespace poseheir
