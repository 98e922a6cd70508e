#include "animals/flow.h"

#define LEMON_ONLY_TEMPLATES  // no need of its library, which would bring in GLPK
#include <lemon/network_simplex.h>
#include <lemon/smart_graph.h>

namespace poseheir {

std::optional<std::vector<std::int64_t>> cheapest_flow(const std::vector<std::int64_t>& supply,
                                                       const std::vector<FlowArc>& arcs) {
  using Graph = lemon::SmartDigraph;
  Graph graph;
  graph.reserveNode(static_cast<int>(supply.size()));
  graph.reserveArc(static_cast<int>(arcs.size()));
  for (std::size_t n = 0; n < supply.size(); ++n) graph.addNode();
  Graph::NodeMap<std::int64_t> supplies(graph);
  for (std::size_t n = 0; n < supply.size(); ++n)
    supplies[Graph::nodeFromId(static_cast<int>(n))] = supply[n];
  Graph::ArcMap<std::int64_t> capacities(graph), costs(graph);
  for (const auto& arc : arcs) {
    const auto added = graph.addArc(Graph::nodeFromId(arc.from), Graph::nodeFromId(arc.to));
    capacities[added] = arc.capacity;
    costs[added] = arc.cost;
  }
  lemon::NetworkSimplex<Graph, std::int64_t> simplex(graph);
  simplex.upperMap(capacities).costMap(costs).supplyMap(supplies);
  if (simplex.run() != simplex.OPTIMAL) return std::nullopt;
  std::vector<std::int64_t> flow;
  for (std::size_t n = 0; n < arcs.size(); ++n)
    flow.push_back(simplex.flow(Graph::arcFromId(static_cast<int>(n))));
  return flow;
}

}  // namespace poseheir
