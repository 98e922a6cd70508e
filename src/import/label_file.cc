// Tables of labels as DeepLabCut and Lightning Pose write them.
#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "import/formats.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

std::string joined(const std::vector<std::string>& path) {
  std::string text;
  for (const auto& component : path) text += (text.empty() ? "" : "/") + component;
  return text;
}

// What a table splits into components has lost the "/" that it may have begun with.
std::filesystem::path find_picture(const std::vector<std::string>& components,
                                   const std::filesystem::path& table,
                                   const ImportOptions& options) {
  const auto name = joined(components);
  auto found = find_nearby(name, table, options);
  if (!std::filesystem::exists(found) && std::filesystem::is_regular_file("/" + name))
    return "/" + name;
  return found;
}

// The folder that holds a picture names its clip.
std::string clip_of(const std::vector<std::string>& path) {
  return path.size() < 2 ? "pictures" : path[path.size() - 2];
}

std::size_t place_of(std::vector<std::string>& names, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  const auto place = static_cast<std::size_t>(found - names.begin());
  if (found == names.end()) names.push_back(name);
  return place;
}

}  // namespace

AnnotationSet read_label_file(const std::filesystem::path& path, const ImportOptions& options) {
  const auto table = read_label_table(path);
  std::set<std::string> scorers;
  for (const auto& column : table.columns) scorers.insert(column.scorer);
  if (scorers.size() > 1)
    throw Error(ErrorKind::unsupported,
                fmt::format("{}: labels of several scorers ('{}', '{}'); keep one's columns",
                            path.string(), *scorers.begin(), *scorers.rbegin()));
  AnnotationSet set;
  set.format = "a table of labels";
  std::vector<std::size_t> part;
  std::vector<std::string> animals;
  for (const auto& column : table.columns) {
    part.push_back(place_of(set.bodyparts, column.bodypart));
    place_of(animals, column.individual);
  }
  if (animals.size() > 1) set.individuals = animals;
  for (const auto& image : table.images) {
    AnnotatedPicture picture;
    picture.clip = clip_of(image.path);
    picture.name = image.path.empty() ? "" : image.path.back();
    picture.source.file = find_picture(image.path, path, options);
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      auto& points = picture.animals[animals.size() > 1 ? table.columns[i].individual : ""];
      points.resize(set.bodyparts.size());
      points[part[i]] = image.points[i];
    }
    set.pictures.push_back(std::move(picture));
  }
  return set;
}

}  // namespace poseheir
