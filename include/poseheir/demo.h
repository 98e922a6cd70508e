// The demo's world: rendered clips of four-legged animals with exact labels, and DeepLabCut
// projects made of them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "poseheir/media.h"
#include "poseheir/project.h"

namespace poseheir {

// Six kinds of animals (dog, fox, horse, deer, cow, cat) with 16 keypoints, from which model A
// learns; and another kind, elsewhere, with 11 keypoints of other names, for model C.
enum class DemoWorld { pretraining, target };

const std::vector<std::string>& demo_bodyparts(DemoWorld world);
const std::vector<std::pair<std::string, std::string>>& demo_skeleton(DemoWorld world);

// Keypoints of the target world and their partners in the pretraining world. One of the target
// world's keypoints (brisket) has none.
const std::vector<std::pair<std::string, std::string>>& demo_conversion_table();

struct DemoFrame {
  Image image;
  std::vector<Point> points;  // one a body part
};

struct DemoClipOptions {
  DemoWorld world = DemoWorld::target;
  std::uint64_t seed = 0;
  int clip = 0;  // each clip has its own animal, place, light and camera
  int frames = 32;
  double frames_per_second = 16;
  int height = 192, width = 256;
};

// The same options give the same frames. Joint centres are projected exactly. A joint hidden by the
// animal's own body keeps its label, as an annotator would place it from its neighbours; eyes and
// ear tips are labelled only where they can be seen; what is hidden behind grass or a post, or
// outside the picture, has no label.
std::vector<DemoFrame> render_demo_clip(const DemoClipOptions& options);

struct DemoProjectOptions {
  DemoWorld world = DemoWorld::target;
  std::uint64_t seed = 0;
  int clips = 8;
  int frames = 30;  // a clip
  double frames_per_second = 16;
  int labelled = 10;            // frames of each clip, evenly spread
  double train_fraction = 0.3;  // of the labelled frames
  bool videos = true;
};

// Writes a DeepLabCut project: config.yaml, labeled-data, videos, keypoints.csv (the conversion
// table) and a training set for mobilenet_v2_0.35. Returns the path of config.yaml. The folder must
// be empty or absent; throws Error(usage) otherwise.
std::filesystem::path make_demo_project(const std::filesystem::path& folder,
                                        const DemoProjectOptions& options);

}  // namespace poseheir
