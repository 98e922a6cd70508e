// metadata.yaml of a training-set folder: which shuffles there are, and which of them share a
// split.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "poseheir/project.h"

namespace poseheir {

struct Shuffle {
  std::string name;  // "openfieldOct30-trainset95shuffle1"
  double fraction = 0;
  int index = 1;
  std::string engine = "tensorflow";
  Split split;
};

std::string documentation_name(const Project& project, int train_percent, int shuffle);

// From metadata.yaml, or from the Documentation pickles where there is none, as DeepLabCut does.
std::vector<Shuffle> read_shuffles(const Project& project,
                                   const std::filesystem::path& training_set);

// Replaces the shuffle of the same fraction and index.
void put_shuffle(std::vector<Shuffle>& shuffles, Shuffle shuffle);

std::string format_shuffles(const std::vector<Shuffle>& shuffles);

}  // namespace poseheir
