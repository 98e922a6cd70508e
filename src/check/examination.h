// What the parts of an examination share: the project, its label files, what was found so far.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "poseheir/check.h"
#include "poseheir/media.h"

namespace poseheir {

struct LabelFile {
  std::filesystem::path path;
  LabelTable table;
};

struct TrainingSet {
  std::string name;  // of its model
  Labels labels;     // merged, as it was made
  Split split;
};

struct Examination {
  Project project;
  std::filesystem::path config;
  std::vector<LabelFile> files;            // one a folder, the h5 where both kinds exist
  std::vector<TrainingSet> training_sets;  // those that could be read
  ProjectCheck result;

  void add(Severity severity, std::string kind, const std::string& place, std::string text) {
    result.findings.push_back({severity, std::move(kind), place, std::move(text)});
  }
  // Below the project's folder, as people name it.
  std::string short_name(const std::filesystem::path& path) const {
    return path.lexically_relative(project.folder).generic_string();
  }
};

std::string picture_name(const LabelledImage& image);  // "labeled-data/m4s1/img0.png"

void check_config(Examination& examination);
void check_labels(Examination& examination);  // reads them into `files`
void check_sides(Examination& examination);
void check_models(Examination& examination);

struct PictureFacts {
  ImageSize size;
  std::vector<std::uint8_t> thumbnail;  // grey means of 32 x 32 cells; empty: not decoded
};
using Pictures = std::map<std::string, PictureFacts>;  // of the readable ones, by picture_name
Pictures check_pictures(Examination& examination, bool decode);
// Pictures of a test set that have a near-duplicate in the training set.
void check_leaks(Examination& examination, const Pictures& pictures);

}  // namespace poseheir
