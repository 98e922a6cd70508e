// Examination of a DeepLabCut project: what is wrong with its files, and what can be put right
// without anybody's judgement.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "poseheir/project.h"

namespace poseheir {

enum class Severity { note, warning, error };

struct Finding {
  Severity severity = Severity::note;
  std::string kind;   // "missing-picture": one word for scripts
  std::string place;  // a file below the project's folder, or a picture's path
  std::string text;   // what is wrong and what to do
};

// A file that --fix would write, with its whole new content.
struct Repair {
  std::filesystem::path file;
  std::string text;  // what changes
  std::string content;
};

struct ProjectCheck {
  std::vector<Finding> findings;  // errors first
  std::vector<Repair> repairs;
  int folders = 0, pictures = 0, points = 0, models = 0;

  int count(Severity severity) const;
};

// Reads everything, writes nothing. What is wrong becomes a finding; throws only where there is no
// readable config.yaml. `look_at_pictures` decodes them all: unreadable ones and near-duplicates
// are found by nothing less.
ProjectCheck check_project(const std::filesystem::path& config, bool look_at_pictures = true);

// Writes the repairs, all or none; the old file stays beside the new one under the returned name.
std::vector<std::filesystem::path> apply_repairs(const std::vector<Repair>& repairs);

// Labels whose left and right are likely swapped: the picture's configuration of points fits the
// project's typical shape much better with the sides exchanged.
struct SwapSuspect {
  std::size_t configuration = 0;   // of those given
  std::vector<std::string> parts;  // the left ones
  double gain = 0;                 // fall of the misfit, in squared robust deviations
};
// One configuration is the points of one animal in one picture, in the order of `bodyparts`.
std::vector<SwapSuspect> likely_swaps(const std::vector<std::string>& bodyparts,
                                      const std::vector<std::vector<Point>>& configurations);

// Pairs of body parts whose names say left and right (or near and off): indices, left first.
std::vector<std::pair<std::size_t, std::size_t>> sided_pairs(
    const std::vector<std::string>& bodyparts);

}  // namespace poseheir
