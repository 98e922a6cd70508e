// Batches for training: which pictures, at which scale, augmented how, and their targets. A batch
// is a function of seed and iteration alone.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "pose/augment.h"
#include "pose/targets.h"
#include "pose/tensorpack.h"
#include "poseheir/animal_targets.h"
#include "poseheir/project.h"

namespace poseheir {

struct Batch {
  std::int64_t iteration = 0;
  int count = 0, height = 0, width = 0;
  std::vector<std::uint8_t> pixels;  // RGB, [count, height, width, 3]
  Targets targets;
  std::optional<PairwiseTargets> pairwise;  // of several animals: the limbs' fields
};

// Which of DeepLabCut's loaders, or ours.
enum class LoaderKind {
  imgaug,      // [imgaug, default]
  scalecrop,   // [scalecrop, deterministic]: one picture at a time, in epochs
  tensorpack,  // [tensorpack]: one picture at a time, too
  fast,        // [--recipe fast]: tiles, warped in one step
  animals,     // [multi-animal-imgaug]: pieces of pictures at their own scale
};

struct CropOptions {  // of the scalecrop loader, in pixels
  bool enabled = false;
  double probability = 0.4;
  int min_size = 100, left = 400, right = 400, top = 400, bottom = 400;
};

// Where pieces are cut [crop_sampling].
enum class CropSampling { uniform, keypoints, density, hybrid };

struct AnimalBatchOptions {
  int width = 400, height = 400;  // [crop_size]
  double max_shift = 0.4;
  CropSampling sampling = CropSampling::hybrid;
  std::vector<int> pre_resize;  // width, height; empty: pictures keep their size
  int map_unit = 2;             // [smfactor]
  int identities = 0;           // [num_idchannel]
  AnimalTargetOptions targets;
};

struct BatchOptions {
  LoaderKind kind = LoaderKind::imgaug;
  int batch_size = 1;
  double global_scale = 1;
  std::optional<std::pair<double, double>> scale_jitter;
  double min_input_size = 64, max_input_size = 1500;
  bool shuffle = true, constant_draws = false;  // [shuffle], [deterministic]
  bool mirror = false;                          // scalecrop: every picture a second time, flipped
  CropOptions crop;
  int largest_tile = 384;  // fast: of the input's sides, in pixels
  AugmentOptions augment;
  TensorpackOptions tensorpack;  // instead of `augment` in that loader
  TargetOptions targets;
  std::optional<AnimalBatchOptions> animals;  // set for several animals
  int keypoints = 0;
  std::uint64_t seed = 0;
};

// Gives the picture of a record; called from several threads.
using PictureSource = std::function<std::shared_ptr<const Image>(std::size_t record)>;

// What is drawn for a batch before any pixel is touched.
struct BatchChoice {
  std::vector<int> records;
  double scale = 1;
  int size_from = 0;      // the record that decides the input's size (imgaug: scaled)
  bool flipped = false;   // scalecrop: the mirrored half of an epoch
  std::uint64_t key = 0;  // of the random numbers of its first image
};

// Throws Error(usage) that names a picture when none fits min_input_size and max_input_size.
BatchChoice choose_batch(const std::vector<TrainingRecord>& records, const BatchOptions& options,
                         std::int64_t iteration);
// Throws whatever `picture` throws.
// Of the pictures in the batch; where the loader crops, the size before.
MapSize batch_size_of(const std::vector<TrainingRecord>& records, const BatchOptions& options,
                      const BatchChoice& choice);

Batch assemble_batch(const std::vector<TrainingRecord>& records, const PictureSource& picture,
                     const BatchOptions& options, const BatchChoice& choice);

}  // namespace poseheir
