// What turns features into score maps, refinements and limbs.
#include <fmt/format.h>

#include "network/families.h"
#include "poseheir/error.h"

namespace poseheir {

void add_heads(Graph& graph, int features) {
  const auto& spec = graph.spec();
  graph.enter(NetworkPart::head);
  const auto head = [&](const std::string& name, const std::string& output, int channels) {
    graph.output(output, graph.transposed(features, "pose/" + name + "/block4", channels));
  };
  head("part_pred", "part_pred", spec.keypoints + spec.identity_channels);
  if (spec.location_refinement) head("locref_pred", "locref", 2 * spec.keypoints);
  if (spec.pairwise_predict && !spec.multi_animal)
    head("pairwise_pred", "pairwise_pred", 2 * spec.keypoints * (spec.keypoints - 1));
  if (spec.paf_predict && spec.multi_animal) head("pairwise_pred", "pairwise_pred", 2 * spec.limbs);
}

void add_intermediate_head(Graph& graph, const Backbone& backbone, const std::string& scope_end) {
  const auto& spec = graph.spec();
  if (!spec.intermediate_supervision) return;
  const auto count = static_cast<int>(backbone.end_points.size());
  if (count == 0)
    throw Error(ErrorKind::unsupported,
                spec.net_type +
                    ": intermediate_supervision is not available for this network in DeepLabCut; "
                    "set it to false");
  if (spec.intermediate_layer < 1 || spec.intermediate_layer > count)
    throw Error(ErrorKind::usage,
                fmt::format("{}: intermediate_supervision_layer {} does not exist; it has {}1 to "
                            "{}{}, so set it to a number from 1 to {}",
                            spec.net_type, spec.intermediate_layer, backbone.end_point_name,
                            backbone.end_point_name, count, count));
  graph.enter(NetworkPart::head);
  const int layer = backbone.end_points[static_cast<std::size_t>(spec.intermediate_layer) - 1];
  graph.output("part_pred_interm",
               graph.transposed(layer, "pose/intermediate_supervision/" + scope_end,
                                spec.keypoints + spec.identity_channels));
}

}  // namespace poseheir
