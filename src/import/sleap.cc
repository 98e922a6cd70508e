// SLEAP's projects (.slp) and packages with pictures in them (.pkg.slp): HDF5 with JSON inside.
#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <set>

#include "base/hdf5.h"
#include "base/text.h"
#include "import/formats.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

using hdf5::Node;
using Json = nlohmann::json;

std::vector<Json> json_list(const Node& root, const std::string& name) {
  std::vector<Json> list;
  if (!root.has(name)) return list;
  for (const auto& text : root.child(name).texts()) list.push_back(Json::parse(text));
  return list;
}

// A limb, or a pair of symmetric parts: what kind a link is stands at its first use, later ones
// refer to it by number.
class LinkKinds {
 public:
  bool is_limb(const Json& type) {
    if (type.contains("py/id")) {
      const auto id = type["py/id"].get<std::size_t>();
      return id == 0 || id > seen_.size() || seen_[id - 1] == 1;
    }
    seen_.push_back(type.at("py/reduce").at(1).at("py/tuple").at(0).get<int>());
    return seen_.back() == 1;
  }

 private:
  std::vector<int> seen_;
};

void read_skeleton(const Json& metadata, AnnotationSet& set, const std::string& name) {
  const auto& skeletons = metadata.at("skeletons");
  if (skeletons.size() != 1)
    throw Error(ErrorKind::unsupported,
                fmt::format("{}: {} skeletons, expected one; keep one in SLEAP and save again",
                            name, skeletons.size()));
  const auto& names = metadata.at("nodes");
  std::map<std::size_t, std::string> by_id;
  for (const auto& node : skeletons[0].at("nodes")) {
    const auto id = node.at("id").get<std::size_t>();
    by_id[id] = names.at(id).at("name").get<std::string>();
    set.bodyparts.push_back(by_id[id]);
  }
  LinkKinds kinds;
  for (const auto& link : skeletons[0].at("links")) {
    if (kinds.is_limb(link.value("type", Json{{"py/id", 0}})))
      set.skeleton.emplace_back(by_id.at(link.at("source").get<std::size_t>()),
                                by_id.at(link.at("target").get<std::size_t>()));
  }
}

struct Video {
  std::string clip;
  std::filesystem::path file;         // empty for pictures
  std::vector<std::string> pictures;  // of a sequence
  std::string dataset;                // of embedded pictures
  std::vector<std::int64_t> frame_numbers;
};

std::string file_of(const Json& video) {
  const auto& backend = video.value("backend", Json::object());
  for (const auto* from : {&video, &backend}) {
    const auto name = from->find("filename");
    if (name != from->end() && name->is_string()) return name->get<std::string>();
  }
  return {};
}

// Of a video that is a sequence of pictures; else empty.
std::vector<std::string> pictures_of(const Json& video) {
  const auto names =
      video.value("backend", Json::object()).value("filenames", video.value("filename", Json()));
  return names.is_array() ? names.get<std::vector<std::string>>() : std::vector<std::string>();
}

std::string folder_name(std::string picture) {
  std::replace(picture.begin(), picture.end(), '\\', '/');
  const auto name = std::filesystem::path(picture).parent_path().filename().string();
  return name.empty() ? "pictures" : name;
}

Node dataset_of(const Node& root, const std::string& path) {
  const auto slash = path.find('/');
  if (slash == std::string::npos) return root.child(path);
  return dataset_of(root.child(path.substr(0, slash)), path.substr(slash + 1));
}

// The clip is called after the video from which the pictures were taken.
Video embedded_video(const Node& root, const Json& entry, const std::string& dataset) {
  Video video;
  video.dataset = dataset;
  const auto group = dataset.substr(0, dataset.find('/'));
  const auto node = root.child(group);
  auto source = entry.value("source_video", Json());
  if (node.has("source_video") && node.child("source_video").has_attribute("json"))
    source = Json::parse(node.child("source_video").text_attribute("json"));
  const auto name = source.is_object() ? file_of(source) : std::string();
  const auto pictures = source.is_object() ? pictures_of(source) : std::vector<std::string>();
  video.clip = !pictures.empty() ? folder_name(pictures[0]) : name.empty() ? group : stem_of(name);
  if (node.has("frame_numbers")) video.frame_numbers = node.child("frame_numbers").integers();
  return video;
}

Video video_of(const Node& root, const Json& entry, const std::filesystem::path& path,
               const ImportOptions& options) {
  const auto& backend = entry.value("backend", Json::object());
  const auto dataset = backend.value("dataset", Json());
  const auto name = file_of(entry);
  if (dataset.is_string() && !dataset.get<std::string>().empty() &&
      (backend.value("filename", ".") == "." ||
       root.has(dataset.get<std::string>().substr(0, dataset.get<std::string>().find('/')))))
    return embedded_video(root, entry, dataset.get<std::string>());
  Video video;
  video.pictures = pictures_of(entry);
  if (!video.pictures.empty()) {
    video.clip = folder_name(video.pictures[0]);
    return video;
  }
  video.file = find_nearby(name, path, options);
  video.clip = stem_of(name);
  return video;
}

// Columns of the file's tables.
struct Tables {
  std::vector<std::int64_t> frame_video, frame_index, first_instance, last_instance;
  std::vector<std::int64_t> kind, track, first_point, last_point;
  std::vector<double> x, y;
  std::vector<std::int64_t> visible;
};

std::vector<std::int64_t> integers(const Node& table, const char* field) {
  return table.field_integers({field, false, 1});
}

Tables tables_of(const Node& root) {
  const auto frames = root.child("frames"), instances = root.child("instances"),
             points = root.child("points");
  return {integers(frames, "video"),
          integers(frames, "frame_idx"),
          integers(frames, "instance_id_start"),
          integers(frames, "instance_id_end"),
          integers(instances, "instance_type"),
          integers(instances, "track"),
          integers(instances, "point_id_start"),
          integers(instances, "point_id_end"),
          points.field_doubles({"x", false, 1}),
          points.field_doubles({"y", false, 1}),
          integers(points, "visible")};
}

struct Animal {
  std::int64_t track = -1;
  std::vector<Point> points;
};

class Reader {
 public:
  Reader(const std::filesystem::path& path, const ImportOptions& options)
      : path_(path), options_(options), root_(Node::open_file(path)) {}

  AnnotationSet read() {
    set_.format = "SLEAP";
    if (!root_.has("metadata") || !root_.has("frames"))
      throw Error(ErrorKind::corrupt,
                  path_.string() + ": an HDF5 file, but not SLEAP's (no 'metadata', 'frames')");
    const auto metadata = root_.child("metadata");
    const auto format =
        metadata.has_attribute("format_id") ? metadata.real_attribute("format_id") : 1;
    // Before 1.1 the origin was the corner of the first pixel, not its centre.
    shift_ = format < 1.1 ? -0.5 : 0;
    read_skeleton(Json::parse(metadata.text_attribute("json")), set_, path_.string());
    for (const auto& entry : json_list(root_, "videos_json"))
      videos_.push_back(video_of(root_, entry, path_, options_));
    for (const auto& video : videos_) {
      if (!video.file.empty()) set_.videos.push_back(video.file);
    }
    tables_ = tables_of(root_);
    for (std::size_t frame = 0; frame < tables_.frame_video.size(); ++frame) read_frame(frame);
    name_animals();
    if (predicted_ > 0)
      set_.warnings.push_back(fmt::format(
          "{}: {} predicted instances are left out; only what a person labelled is taken",
          path_.string(), predicted_));
    if (frames_.empty() && predicted_ > 0)
      throw Error(ErrorKind::unsupported,
                  path_.string() +
                      ": only predictions, no labels of a person; correct some in "
                      "SLEAP and save again");
    return std::move(set_);
  }

 private:
  struct Frame {
    AnnotatedPicture picture;
    std::vector<Animal> animals;
  };

  std::size_t at(const std::vector<std::int64_t>& column, std::size_t row, std::size_t limit,
                 const char* what) const {
    const auto value = row < column.size() ? column[row] : -1;
    if (value < 0 || static_cast<std::size_t>(value) > limit)
      throw Error(ErrorKind::corrupt, fmt::format("{}: row {}: {} is {}, beyond the {} there are",
                                                  path_.string(), row, what, value, limit));
    return static_cast<std::size_t>(value);
  }

  // Embedded pictures are named by the number in "video3/video", others count in the list.
  const Video& video(std::size_t number) const {
    const auto dataset = fmt::format("video{}/", number);
    for (const auto& video : videos_) {
      if (video.dataset.starts_with(dataset)) return video;
    }
    if (number >= videos_.size())
      throw Error(ErrorKind::corrupt, fmt::format("{}: a frame of video {}, but there are {}",
                                                  path_.string(), number, videos_.size()));
    return videos_[number];
  }

  void read_frame(std::size_t row) {
    Frame frame;
    const auto last = at(tables_.last_instance, row, tables_.kind.size(), "instance_id_end");
    for (auto i = at(tables_.first_instance, row, tables_.kind.size(), "instance_id_start");
         i < last; ++i) {
      if (tables_.kind[i] != 0) {
        ++predicted_;
      } else {
        frame.animals.push_back(read_animal(i));
      }
    }
    if (frame.animals.empty()) return;
    const auto index = at(tables_.frame_index, row, std::size_t{1} << 40, "frame_idx");
    frame.picture = picture_of(video(at(tables_.frame_video, row, 1 << 20, "video")), index);
    frames_.push_back(std::move(frame));
  }

  Animal read_animal(std::size_t row) const {
    Animal animal{tables_.track.at(row), std::vector<Point>(set_.bodyparts.size())};
    const auto first = at(tables_.first_point, row, tables_.x.size(), "point_id_start");
    const auto last = at(tables_.last_point, row, tables_.x.size(), "point_id_end");
    if (last < first || last - first != animal.points.size())
      throw Error(ErrorKind::corrupt,
                  fmt::format("{}: instance {} has {} points, its skeleton {}", path_.string(), row,
                              last - first, animal.points.size()));
    for (std::size_t i = 0; i < animal.points.size(); ++i) {
      if (tables_.visible[first + i] != 0)
        animal.points[i] = {tables_.x[first + i] + shift_, tables_.y[first + i] + shift_};
    }
    return animal;
  }

  AnnotatedPicture picture_of(const Video& video, std::size_t index) const {
    AnnotatedPicture picture;
    picture.clip = video.clip;
    picture.name = fmt::format("img{:04}.png", index);
    if (!video.dataset.empty()) {
      embed(video, index, picture);
    } else if (!video.pictures.empty()) {
      if (index >= video.pictures.size())
        throw Error(ErrorKind::corrupt, fmt::format("{}: frame {} of {} pictures", path_.string(),
                                                    index, video.pictures.size()));
      picture.source.file = find_nearby(video.pictures[index], path_, options_);
      picture.name = picture.source.file.filename().string();
    } else {
      picture.source = {PictureSource::Kind::video_frame, video.file, static_cast<int>(index), "",
                        0};
    }
    return picture;
  }

  void embed(const Video& video, std::size_t index, AnnotatedPicture& picture) const {
    const auto& numbers = video.frame_numbers;
    const auto found = std::find(numbers.begin(), numbers.end(), static_cast<std::int64_t>(index));
    const auto row = found != numbers.end() ? static_cast<std::size_t>(found - numbers.begin())
                     : numbers.empty()      ? index
                                            : numbers.size();
    const auto node = dataset_of(root_, video.dataset);
    const auto sizes = node.shape();
    if (sizes.empty() || row >= sizes[0])
      throw Error(ErrorKind::unsupported,
                  fmt::format("{}: frame {} of '{}' is labelled, but its picture is not in the "
                              "package; save it from SLEAP with pictures of all labelled frames",
                              path_.string(), index, video.clip));
    const auto format = node.has_attribute("format") ? node.text_attribute("format") : "";
    if (format != "png" && format != "jpg" && format != "jpeg")
      throw Error(ErrorKind::unsupported,
                  fmt::format("{}: pictures stored as '{}', expected png or jpg", node.place(),
                              format.empty() ? "raw pixels" : format));
    picture.name = fmt::format("img{:04}.{}", index, format == "png" ? "png" : "jpg");
    picture.source = {PictureSource::Kind::embedded, path_, 0, video.dataset, row};
  }

  // By SLEAP's tracks where every animal has one, else by their order in the picture.
  void name_animals() {
    std::size_t most = 1;
    bool tracked = true;
    for (const auto& frame : frames_) {
      most = std::max(most, frame.animals.size());
      std::set<std::int64_t> tracks;
      for (const auto& animal : frame.animals)
        tracked = tracked && animal.track >= 0 && tracks.insert(animal.track).second;
    }
    const auto tracks = json_list(root_, "tracks_json");
    std::map<std::int64_t, std::string> names;
    if (most > 1 && tracked) {
      for (std::size_t i = 0; i < tracks.size(); ++i)
        names[static_cast<std::int64_t>(i)] = tracks[i].at(1).get<std::string>();
    }
    for (auto& frame : frames_) {
      for (std::size_t i = 0; i < frame.animals.size(); ++i) {
        auto& animal = frame.animals[i];
        std::string name;
        if (most > 1)
          name = names.contains(animal.track) ? names[animal.track]
                                              : fmt::format("individual{}", i + 1);
        if (most > 1 && std::find(set_.individuals.begin(), set_.individuals.end(), name) ==
                            set_.individuals.end())
          set_.individuals.push_back(name);
        frame.picture.animals[name] = std::move(animal.points);
      }
      set_.pictures.push_back(std::move(frame.picture));
    }
  }

  std::filesystem::path path_;
  const ImportOptions& options_;
  Node root_;
  AnnotationSet set_;
  std::vector<Video> videos_;
  Tables tables_;
  std::vector<Frame> frames_;
  double shift_ = 0;
  int predicted_ = 0;
};

}  // namespace

AnnotationSet read_sleap(const std::filesystem::path& path, const ImportOptions& options) {
  try {
    return Reader(path, options).read();
  } catch (const Json::exception& error) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: not what SLEAP writes: {}", path.string(),
                                                printable(error.what())));
  } catch (const std::out_of_range&) {
    throw Error(ErrorKind::corrupt, path.string() + ": its tables contradict each other");
  }
}

}  // namespace poseheir
