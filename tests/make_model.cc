// A model of generated weights in a file, for benchmarks and for tests with other programs:
// make_model NET_TYPE KEYPOINTS PREFIX, or make_model POSE_CFG PREFIX
#include <iostream>

#include "generated_checkpoint.h"
#include "poseheir/project.h"

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) {
    std::cerr << "make_model NET_TYPE KEYPOINTS PREFIX, or make_model POSE_CFG PREFIX\n";
    return 2;
  }
  try {
    poseheir::NetworkSpec spec;
    if (argc == 4) {
      spec.net_type = argv[1];
      spec.keypoints = std::stoi(argv[2]);
      spec.location_refinement = true;
    } else {
      spec = poseheir::read_pose_config(argv[1]).network;
    }
    poseheir::write_checkpoint(argv[argc - 1], poseheir::CheckpointFormat::tensorflow_v2,
                               poseheir::generated_checkpoint(spec).tensors);
  } catch (const std::exception& error) {
    std::cerr << "make_model: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
