// One function a format; and where a picture named on another machine may lie here.
#pragma once

#include <string>

#include "poseheir/import.h"

namespace poseheir {

AnnotationSet read_sleap(const std::filesystem::path& path, const ImportOptions& options);
AnnotationSet read_coco(const std::filesystem::path& path, const ImportOptions& options);
AnnotationSet read_label_file(const std::filesystem::path& path, const ImportOptions& options);

// As written, below the folder of --pictures or of the annotations, or there by its name alone.
// Where none of these exists: as written.
std::filesystem::path find_nearby(std::string written, const std::filesystem::path& annotations,
                                  const ImportOptions& options);

// "clip" for "…/videos/clip.mp4", whatever the separators.
std::string stem_of(std::string path);

}  // namespace poseheir
