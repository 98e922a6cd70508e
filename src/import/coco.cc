// COCO keypoints: https://cocodataset.org/#format-data
#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/text.h"
#include "import/formats.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

using Json = nlohmann::json;

const Json& list_of(const Json& root, const char* key, const std::string& name) {
  const auto found = root.find(key);
  if (found == root.end() || !found->is_array())
    throw Error(ErrorKind::corrupt,
                fmt::format("{}: no list '{}': not a COCO data set of keypoints", name, key));
  return *found;
}

const Json& category_of(const Json& root, const std::string& name, const std::string& wanted) {
  std::vector<const Json*> found;
  std::vector<std::string> names;
  for (const auto& category : list_of(root, "categories", name)) {
    if (!category.contains("keypoints")) continue;
    names.push_back(category.value("name", "?"));
    if (wanted.empty() || names.back() == wanted) found.push_back(&category);
  }
  if (names.empty())
    throw Error(ErrorKind::unsupported, name + ": no category has keypoints (boxes only?)");
  if (found.empty())
    throw Error(ErrorKind::usage, fmt::format("{}: no category '{}' with keypoints{}", name, wanted,
                                              nearest_hint(wanted, names)));
  if (found.size() > 1)
    throw Error(ErrorKind::usage,
                fmt::format("{}: {} categories have keypoints ('{}', '{}', …); choose one with "
                            "--category",
                            name, found.size(), names[0], names[1]));
  return *found[0];
}

void read_skeleton(const Json& category, AnnotationSet& set, const std::string& name) {
  for (const auto& bone : category.value("skeleton", Json::array())) {
    const auto from = bone.at(0).get<std::int64_t>(), to = bone.at(1).get<std::int64_t>();
    const auto count = static_cast<std::int64_t>(set.bodyparts.size());
    // Counted from 1, but some write from 0: such a limb is left out, and said so.
    if (from < 1 || to < 1 || from > count || to > count) {
      set.warnings.push_back(fmt::format("{}: a limb from {} to {} of {} keypoints is left out",
                                         name, from, to, set.bodyparts.size()));
      continue;
    }
    set.skeleton.emplace_back(set.bodyparts[static_cast<std::size_t>(from - 1)],
                              set.bodyparts[static_cast<std::size_t>(to - 1)]);
  }
}

// x, y, visibility: 0 is "not labelled".
std::vector<Point> points_of(const Json& annotation, std::size_t parts, const std::string& name) {
  const auto& values = annotation.at("keypoints");
  if (values.size() != parts * 3)
    throw Error(
        ErrorKind::corrupt,
        fmt::format("{}: annotation {} has {} numbers, expected {} for {} keypoints", name,
                    annotation.value("id", Json()).dump(), values.size(), parts * 3, parts));
  std::vector<Point> points(parts);
  for (std::size_t i = 0; i < parts; ++i) {
    if (values[i * 3 + 2].get<double>() > 0)
      points[i] = {values[i * 3].get<double>(), values[i * 3 + 1].get<double>()};
  }
  return points;
}

struct Pictures {
  std::map<Json, AnnotatedPicture> by_id;
  std::map<Json, std::vector<std::vector<Point>>> animals;
};

Pictures pictures_of(const Json& root, const std::filesystem::path& path,
                     const ImportOptions& options) {
  Pictures pictures;
  for (const auto& image : list_of(root, "images", path.string())) {
    const auto file = image.at("file_name").get<std::string>();
    AnnotatedPicture picture;
    const std::filesystem::path below(file);
    picture.clip =
        below.has_parent_path() ? below.parent_path().filename().string() : stem_of(path);
    picture.name = below.filename().string();
    picture.source.file = find_nearby(file, path, options);
    pictures.by_id.emplace(image.at("id"), std::move(picture));
  }
  return pictures;
}

AnnotationSet annotations_of(const Json& root, const std::filesystem::path& path,
                             const ImportOptions& options) {
  const auto name = path.string();
  const auto& category = category_of(root, name, options.category);
  AnnotationSet set;
  set.format = "COCO keypoints";
  set.bodyparts = category.at("keypoints").get<std::vector<std::string>>();
  read_skeleton(category, set, name);
  auto pictures = pictures_of(root, path, options);
  int crowds = 0;
  for (const auto& annotation : list_of(root, "annotations", name)) {
    if (annotation.value("category_id", Json()) != category.at("id") ||
        !annotation.contains("keypoints"))
      continue;
    if (annotation.value("iscrowd", 0) != 0) {
      ++crowds;
      continue;
    }
    const auto& image = annotation.at("image_id");
    if (!pictures.by_id.contains(image))
      throw Error(ErrorKind::corrupt, fmt::format("{}: an annotation of image {}, which is not in "
                                                  "'images'",
                                                  name, image.dump()));
    auto points = points_of(annotation, set.bodyparts.size(), name);
    if (std::any_of(points.begin(), points.end(), [](const Point& p) { return !p.missing(); }))
      pictures.animals[image].push_back(std::move(points));
  }
  if (crowds > 0)
    set.warnings.push_back(fmt::format("{}: {} annotations of crowds are left out", name, crowds));
  std::size_t most = 1;
  for (const auto& [id, animals] : pictures.animals) most = std::max(most, animals.size());
  for (std::size_t i = 1; most > 1 && i <= most; ++i)
    set.individuals.push_back(fmt::format("individual{}", i));
  for (auto& [id, animals] : pictures.animals) {
    auto& picture = pictures.by_id.at(id);
    for (std::size_t i = 0; i < animals.size(); ++i)
      picture.animals[most > 1 ? set.individuals[i] : ""] = std::move(animals[i]);
    set.pictures.push_back(std::move(picture));
  }
  return set;
}

}  // namespace

AnnotationSet read_coco(const std::filesystem::path& path, const ImportOptions& options) {
  try {
    return annotations_of(Json::parse(read_file(path)), path, options);
  } catch (const Json::exception& error) {
    throw Error(ErrorKind::corrupt,
                fmt::format("{}: not a COCO data set: {}", path.string(), printable(error.what())));
  }
}

}  // namespace poseheir
