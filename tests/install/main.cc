// A stranger's program: the number of tensors in a checkpoint.
#include <iostream>

#include "poseheir/checkpoint.h"

int main(int, char** argv) {
  std::cout << poseheir::read_checkpoint(argv[1]).tensors.size() << '\n';
}
