// What a multi-animal network should answer for labelled animals: score discs, the way to each
// point, and the fields along the limbs (spec 5.2).
#pragma once

#include <array>
#include <span>
#include <vector>

namespace poseheir {

struct AnimalTargetOptions {
  double stride_pixels = 8;
  double disc_radius_pixels = 17;  // [pos_dist_thresh], at scale 1
  double locref_stdev = 7.2801;
  double limb_width_pixels = 20;          // [pafwidth]: half the width of a limb's field
  std::vector<std::array<int, 2>> limbs;  // [partaffinityfield_graph]: from keypoint to keypoint
};

struct AnimalJoint {
  int id = 0;
  double x = 0, y = 0;  // pixels of the network's input
};

// An individual that the training record of the picture holds, be its joints inside the crop or
// not.
struct LabelledAnimal {
  int individual = 0;
  std::vector<AnimalJoint> joints;  // those inside the crop
};

// Maps of a batch, float32 row-major [count, height, width, channels]. The masks of offsets and
// fields are all ones in DeepLabCut's multi-animal loader, so they are not stored.
struct AnimalTargets {
  int count = 0, height = 0, width = 0;
  int keypoints = 0, identities = 0, limbs = 0;
  std::vector<float> part_score;  // [keypoints + identities]
  std::vector<float> locref;      // [2 * keypoints]
  std::vector<float> paf;         // [2 * limbs]

  AnimalTargets() = default;
  AnimalTargets(int count, int height, int width, int keypoints, int identities, int limbs);
};

// Draws the animals of one picture of the batch into maps that are still zero there. `scale`
// shrinks the discs and, as in DeepLabCut, widens the limbs. `animals` ascend by individual; an
// absent individual with a smaller number shifts the identity channels of those that follow, which
// is DeepLabCut's own mistake and kept. Throws Error(mismatch) for an id outside the maps.
void draw_animal_targets(AnimalTargets& targets, int image, std::span<const LabelledAnimal> animals,
                         double scale, const AnimalTargetOptions& options);

}  // namespace poseheir
