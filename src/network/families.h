// One function a family: each adds its layers to a graph.
#pragma once

#include <string>
#include <vector>

#include "network/graph.h"

namespace poseheir {

// What the heads and the multi-scale networks need of a backbone.
struct Backbone {
  int features = 0;             // the last layer, at 1/16 of the image
  std::vector<int> end_points;  // what intermediate_supervision_layer chooses from, from 1
  std::string end_point_name;   // what one of them is called in an error text
  int fine = 0;                 // at 1/8, for the multi-scale networks
  int finer = -1;               // block1's last unit, for the multi-stage ResNet
};

Backbone add_resnet(Graph& graph, int image);
Backbone add_mobilenet(Graph& graph, int image);
Backbone add_efficientnet(Graph& graph, const std::string& outer_scope, int image);

void add_heads(Graph& graph, int features);  // one transposed convolution each
void add_intermediate_head(Graph& graph, const Backbone& backbone, const std::string& scope_end);
void add_multi_stage(Graph& graph, const Backbone& backbone);  // DLCRNet's decoder and heads
void add_dual_fusion(Graph& graph, const Backbone& backbone);

}  // namespace poseheir
