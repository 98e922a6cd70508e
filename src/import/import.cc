#include "poseheir/import.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/file.h"
#include "base/text.h"
#include "import/formats.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

std::string with_slashes(std::string path) {
  std::replace(path.begin(), path.end(), '\\', '/');
  return path;
}

bool is_sleap(const std::filesystem::path& path, const std::string& start) {
  return path.extension() == ".slp" ||
         (start.starts_with("\x89HDF\r\n\x1a\n") && path.extension() != ".h5");
}

std::string start_of(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  const auto bytes = file->bytes();
  return {reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(bytes.size(), 64)};
}

}  // namespace

std::filesystem::path find_nearby(std::string written, const std::filesystem::path& annotations,
                                  const ImportOptions& options) {
  const std::filesystem::path path = with_slashes(std::move(written));
  const auto beside = annotations.parent_path();
  std::vector<std::filesystem::path> candidates;
  if (!options.pictures.empty())
    candidates = {options.pictures / path, options.pictures / path.filename()};
  candidates.insert(candidates.end(),
                    {beside / path, path, beside / path.filename(), beside / "images" / path});
  for (const auto& candidate : candidates) {
    std::error_code ignored;
    if (std::filesystem::is_regular_file(candidate, ignored)) return candidate;
  }
  return path;
}

std::string stem_of(std::string path) {
  return std::filesystem::path(with_slashes(std::move(path))).stem().string();
}

AnnotationSet read_annotations(const std::filesystem::path& path, const ImportOptions& options) {
  if (!std::filesystem::is_regular_file(path))
    throw Error(ErrorKind::io,
                fmt::format("{}: {}; expected SLEAP's .slp or .pkg.slp, COCO's .json, or a .csv or "
                            ".h5 of labels",
                            path.string(),
                            std::filesystem::is_directory(path) ? "a folder" : "no such file"));
  const auto start = start_of(path);
  const auto first = start.find_first_not_of(" \t\r\n");
  auto annotations = is_sleap(path, start) ? read_sleap(path, options)
                     : path.extension() == ".json" || (first != std::string::npos &&
                                                       (start[first] == '{' || start[first] == '['))
                         ? read_coco(path, options)
                         : read_label_file(path, options);
  auto parts = annotations.bodyparts;
  std::sort(parts.begin(), parts.end());
  if (!parts.empty() && parts.front().empty())
    throw Error(ErrorKind::unsupported,
                path.string() + ": a body part without a name; give it one");
  if (const auto twice = std::adjacent_find(parts.begin(), parts.end()); twice != parts.end())
    throw Error(ErrorKind::unsupported,
                fmt::format("{}: '{}' names two body parts; rename one, for DeepLabCut tells them "
                            "apart by name",
                            path.string(), printable(*twice)));
  if (annotations.pictures.empty())
    throw Error(ErrorKind::unsupported, path.string() + ": no labelled picture in it");
  return annotations;
}

}  // namespace poseheir
