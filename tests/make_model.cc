// A model of generated weights in a file, for benchmarks and for tests with other programs:
// make_model NET_TYPE KEYPOINTS PREFIX
#include <iostream>

#include "generated_checkpoint.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "make_model NET_TYPE KEYPOINTS PREFIX\n";
    return 2;
  }
  try {
    poseheir::NetworkSpec spec;
    spec.net_type = argv[1];
    spec.keypoints = std::stoi(argv[2]);
    spec.location_refinement = true;
    poseheir::write_checkpoint(argv[3], poseheir::CheckpointFormat::tensorflow_v2,
                               poseheir::generated_checkpoint(spec).tensors);
  } catch (const std::exception& error) {
    std::cerr << "make_model: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
