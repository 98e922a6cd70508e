// What a network should answer for labelled points: score discs and the way to each point (spec
// 5.1).
#pragma once

#include <span>
#include <vector>

namespace poseheir {

struct TargetOptions {
  double stride_pixels = 8;
  double disc_radius_pixels = 17;  // [pos_dist_thresh], at scale 1
  double locref_stdev = 7.2801;
  bool gaussian = false;             // [scmap_type: gaussian]
  bool only_present_joints = false;  // [weigh_only_present_joints]
};

// A labelled point in pixels of the network's input.
struct InputJoint {
  int id = 0;
  double x = 0, y = 0;
  int individual = 0;
};

// Maps of a batch, float32 row-major [count, height, width, channels].
struct Targets {
  int count = 0, height = 0, width = 0, keypoints = 0;
  int identities = 0;               // multi-animal: channels of individuals after the keypoints'
  std::vector<float> part_score;    // [keypoints + identities]
  std::vector<float> part_weights;  // [keypoints + identities]; empty: all ones
  std::vector<float> locref;        // [2 * keypoints], x and y of a keypoint side by side
  std::vector<float> locref_mask;   // [2 * keypoints]; empty: all ones

  Targets() = default;
  Targets(int count, int height, int width, int keypoints);
};

// Targets of the pairwise (part affinity) head, [count, height, width, 2 * limbs]. An empty mask is
// all ones.
struct PairwiseTargets {
  std::vector<float> values, mask;
};

struct TargetMapSize {
  int height = 0, width = 0;
};
// Cells of the maps of one input: ceil(pixels / (2 stride)) * 2 (spec 5.1).
TargetMapSize target_map_size(int input_height, int input_width, double stride_pixels);

// Draws the joints of one image of the batch into maps that are still zero there. `scale` is the
// image's (input pixels per image pixel); it shrinks the disc. Throws Error(mismatch) for an id
// outside the maps.
void draw_targets(Targets& targets, int image, std::span<const InputJoint> joints, double scale,
                  const TargetOptions& options);

}  // namespace poseheir
