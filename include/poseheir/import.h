// Annotations of other programs, and DeepLabCut projects made of them.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "poseheir/project.h"

namespace poseheir {

// Where the pixels of an annotated picture are.
struct PictureSource {
  enum class Kind { file, video_frame, embedded } kind = Kind::file;
  std::filesystem::path file;  // a picture, a video, or the package that embeds it
  int frame = 0;               // of the video
  std::string dataset;         // in the package
  std::size_t row = 0;         // of the dataset
};

struct AnnotatedPicture {
  std::string clip, name;  // become labeled-data/<clip>/<name>
  PictureSource source;
  std::map<std::string, std::vector<Point>> animals;  // by individual ("" where there is one)
};

struct AnnotationSet {
  std::string format;  // "SLEAP", "COCO keypoints", "DeepLabCut table"
  std::vector<std::string> bodyparts;
  std::vector<std::pair<std::string, std::string>> skeleton;
  std::vector<std::string> individuals;  // empty: one animal a picture
  std::vector<std::filesystem::path> videos;
  std::vector<AnnotatedPicture> pictures;
  std::vector<std::string> warnings;
};

struct ImportOptions {
  std::filesystem::path pictures;  // where pictures and videos lie, if not where the file says
  std::string category;            // COCO: of several with keypoints
  std::string task = "imported", scorer = "imported", date = "Jan1";
};

// SLEAP's .slp and .pkg.slp, COCO's .json, and tables as DeepLabCut and Lightning Pose write them
// (.csv, .h5), told apart by content. Coordinates are those of the picture, in DeepLabCut's
// convention. Throws Error naming the file and what in it cannot be used.
AnnotationSet read_annotations(const std::filesystem::path& path, const ImportOptions& options);

// Makes `folder`, which must not exist, into a project that `create-training-dataset` and `train`
// take: config.yaml, labeled-data with pictures and labels, videos named by their own paths. The
// folder appears whole or not at all. Throws Error(io), saying where a picture was looked for.
void write_imported_project(const std::filesystem::path& folder, const AnnotationSet& annotations,
                            const ImportOptions& options);

}  // namespace poseheir
