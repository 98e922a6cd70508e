// What batches of several animals have of their own: pieces of pictures around animals, and targets
// with limbs and identities (spec 5.2, 5.3, 7.3).
#pragma once

#include "pose/batches.h"

namespace poseheir {

struct InputSize {
  int height = 0, width = 0;
};
// The piece that the network gets at this scale; the whole crop size where that would be too small
// or too large.
InputSize animal_input_size(const BatchOptions& options, double scale);
// What discs shrink by: the mean of both sides' ratios.
double animal_target_scale(const BatchOptions& options, InputSize input);

// Pads with black to the crop size (or the input, where that is larger) and cuts the input out.
// Pictures are never rescaled. The piece lies at a part of the free space, as in DeepLabCut: not
// around the joint that chose it.
void cut_piece(Sample& sample, InputSize input, const AnimalBatchOptions& options, Random& random);

// Maps of one batch, and what becomes of them.
AnimalTargets empty_animal_targets(int count, InputSize input, const BatchOptions& options);
void draw_animals(AnimalTargets& targets, int slot, const TrainingRecord& record,
                  const std::vector<InputJoint>& inside, double scale,
                  const AnimalTargetOptions& options);
void give_targets(AnimalTargets&& maps, Batch& batch);

}  // namespace poseheir
