// A DeepLabCut project made of annotations: whole or not at all.
#include <algorithm>
#include <fmt/format.h>
#include <regex>
#include <set>

#include "base/file.h"
#include "base/hdf5.h"
#include "base/text.h"
#include "import/formats.h"
#include "poseheir/error.h"
#include "poseheir/media.h"

namespace poseheir {
namespace {

namespace fs = std::filesystem;
using Kind = PictureSource::Kind;

// Names that YAML could take for a number or a word of its own, or that have signs in them.
std::string quoted(const std::string& text) {
  static const std::regex kPlain("[A-Za-z][A-Za-z0-9_./ -]*[A-Za-z0-9_]");
  static const std::set<std::string> kWords = {"true", "false", "null", "yes", "no", "on", "off"};
  auto lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (std::regex_match(text, kPlain) && !kWords.contains(lower)) return text;
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? "''" : std::string(1, c);
  return result + "'";
}

std::string list_text(const std::string& key, const std::vector<std::string>& names) {
  if (names.empty()) return key + ": []\n";
  auto text = key + ":\n";
  for (const auto& name : names) text += "- " + quoted(name) + "\n";
  return text;
}

struct Clip {
  std::string name;
  fs::path video;  // as config.yaml names it
  ImageSize size;
};

std::string config_text(const AnnotationSet& set, const ImportOptions& options,
                        const std::vector<Clip>& clips) {
  const bool several = !set.individuals.empty();
  auto text = fmt::format(
      "# Project definitions (do not edit)\nTask: {}\nscorer: {}\ndate: {}\n"
      "multianimalproject: {}\nidentity: {}\n\n"
      "# Project path (DeepLabCut sets it when it reads this file)\nproject_path: .\n\n"
      "engine: tensorflow\n\n"
      "# Annotation data set configuration (and individual video cropping parameters)\n"
      "video_sets:\n",
      quoted(options.task), quoted(options.scorer), quoted(options.date), several,
      several ? "false" : "");
  for (const auto& clip : clips)
    text += fmt::format("  {}:\n    crop: 0, {}, 0, {}\n", quoted(clip.video.string()),
                        clip.size.width, clip.size.height);
  if (several) {
    text += list_text("individuals", set.individuals) + list_text("uniquebodyparts", {}) +
            list_text("multianimalbodyparts", set.bodyparts) + "bodyparts: MULTI!\n";
  } else {
    text += list_text("bodyparts", set.bodyparts);
  }
  text +=
      "\n# Fraction of video to start/stop when extracting frames for labeling/refinement\n"
      "start: 0\nstop: 1\nnumframes2pick: 20\n\n# Plotting configuration\n";
  text += set.skeleton.empty() ? "skeleton: []\n" : "skeleton:\n";
  for (const auto& [from, to] : set.skeleton)
    text += fmt::format("- - {}\n  - {}\n", quoted(from), quoted(to));
  return text +
         "skeleton_color: black\npcutoff: 0.6\ndotsize: 8\nalphavalue: 0.7\ncolormap: rainbow\n\n"
         "# Training, Evaluation and Analysis configuration\nTrainingFraction:\n- 0.95\n"
         "iteration: 0\ndefault_net_type: resnet_50\ndefault_augmenter: imgaug\n"
         "snapshotindex: -1\nbatch_size: 8\n\n"
         "# Cropping Parameters (for analysis and outlier frame detection)\ncropping: false\n"
         "x1: 0\nx2: 640\ny1: 277\ny2: 624\n\n"
         "# Refinement configuration\ncorner2move2:\n- 50\n- 50\nmove2corner: true\n";
}

// What one clip's pictures have in common: their video, or their folder.
std::string origin_of(const AnnotatedPicture& picture) {
  const auto& source = picture.source;
  if (source.kind == Kind::file) return source.file.parent_path().string();
  return source.file.string() + "/" + source.dataset;
}

// Clips of the same name but from different places become clip, clip_2, …
std::vector<std::string> clip_names(const AnnotationSet& set) {
  std::map<std::string, std::string> by_origin;
  std::set<std::string> taken;
  std::vector<std::string> names;
  for (const auto& picture : set.pictures) {
    auto& name = by_origin[origin_of(picture)];
    if (name.empty()) {
      const bool is_name = !picture.clip.empty() && picture.clip != "." && picture.clip != "..";
      const auto clip = is_name ? picture.clip : "pictures";
      name = clip;
      for (int i = 2; !taken.insert(name).second; ++i) name = fmt::format("{}_{}", clip, i);
    }
    names.push_back(name);
  }
  return names;
}

// They become parts of file names.
void require_names(const ImportOptions& options) {
  for (const auto& [what, name] :
       {std::pair{"--task", options.task}, {"--scorer", options.scorer}, {"--date", options.date}})
    if (name.empty() || name.find_first_of("/\\\n\r\t") != std::string::npos)
      throw Error(ErrorKind::usage,
                  fmt::format("{} is '{}', expected a word that can stand in the name of a file",
                              what, printable(name)));
}

void require_sources(const AnnotationSet& set) {
  std::set<fs::path> missing;
  for (const auto& picture : set.pictures) {
    if (!fs::is_regular_file(picture.source.file)) missing.insert(picture.source.file);
  }
  if (missing.empty()) return;
  const bool videos =
      std::any_of(set.pictures.begin(), set.pictures.end(),
                  [](const AnnotatedPicture& p) { return p.source.kind == Kind::video_frame; });
  throw Error(
      ErrorKind::io,
      fmt::format("{} {} not found, such as {}; say where they lie with --pictures FOLDER{}",
                  missing.size(),
                  missing.size() == 1 ? (videos ? "video or picture" : "picture")
                  : videos            ? "videos or pictures"
                                      : "pictures",
                  missing.begin()->string(),
                  videos ? ", or save a package with pictures (.pkg.slp) from SLEAP" : ""));
}

// Frames of one video in one pass.
void extract(const fs::path& video, std::map<int, fs::path> frames) {
  VideoReader reader(video);
  Image image;
  for (int index = 0; !frames.empty() && reader.next(image); ++index) {
    const auto wanted = frames.find(index);
    if (wanted == frames.end()) continue;
    write_image(wanted->second, image);
    frames.erase(wanted);
  }
  if (!frames.empty())
    throw Error(ErrorKind::mismatch,
                fmt::format("{}: frame {} is labelled, but the video ends before it; is it the "
                            "video that was labelled?",
                            video.string(), frames.begin()->first));
}

void write_pictures(const fs::path& folder, const AnnotationSet& set,
                    const std::vector<std::string>& clips) {
  std::map<fs::path, std::map<int, fs::path>> frames;
  for (std::size_t i = 0; i < set.pictures.size(); ++i) {
    const auto& [clip, name, source, animals] = set.pictures[i];
    const auto target = folder / "labeled-data" / clips[i] / name;
    fs::create_directories(target.parent_path());
    if (source.kind == Kind::video_frame) {
      frames[source.file][source.frame] = target;
    } else if (source.kind == Kind::file) {
      fs::copy_file(source.file, target, fs::copy_options::skip_existing);
    } else {
      auto node = hdf5::Node::open_file(source.file);
      for (const auto& component : fs::path(source.dataset)) node = node.child(component.string());
      write_file(target, node.bytes_of_row(source.row));
    }
  }
  for (const auto& [video, wanted] : frames) extract(video, wanted);
}

LabelTable empty_table(const AnnotationSet& set, const std::string& scorer) {
  LabelTable table;
  table.individuals = !set.individuals.empty();
  auto animals = set.individuals;
  if (animals.empty()) animals = {""};
  for (const auto& animal : animals) {
    for (const auto& part : set.bodyparts) table.columns.push_back({scorer, animal, part});
  }
  return table;
}

std::vector<Point> row_of(const AnnotationSet& set, const AnnotatedPicture& picture) {
  auto animals = set.individuals;
  if (animals.empty()) animals = {""};
  std::vector<Point> points;
  for (const auto& animal : animals) {
    const auto found = picture.animals.find(animal);
    const auto own = found == picture.animals.end() ? std::vector<Point>() : found->second;
    for (std::size_t i = 0; i < set.bodyparts.size(); ++i)
      points.push_back(i < own.size() ? own[i] : Point{});
  }
  return points;
}

std::vector<Clip> write_clips(const fs::path& folder, const AnnotationSet& set,
                              const ImportOptions& options, const std::vector<std::string>& clips) {
  std::map<std::string, LabelTable> tables;
  std::map<std::string, Clip> described;
  for (std::size_t i = 0; i < set.pictures.size(); ++i) {
    const auto& picture = set.pictures[i];
    auto [table, is_new] = tables.try_emplace(clips[i], empty_table(set, options.scorer));
    if (is_new) {
      const bool own_video =
          picture.source.kind == Kind::video_frame && picture.source.file.stem() == clips[i];
      described[clips[i]] = {clips[i],
                             own_video ? fs::absolute(picture.source.file).lexically_normal()
                                       : fs::path("videos/" + clips[i] + ".mp4"),
                             read_image_size(folder / "labeled-data" / clips[i] / picture.name)};
    }
    table->second.images.push_back(
        {{"labeled-data", clips[i], picture.name}, row_of(set, picture)});
  }
  std::vector<Clip> result;
  for (auto& [clip, table] : tables) {
    std::stable_sort(table.images.begin(), table.images.end(),
                     [](const auto& a, const auto& b) { return a.path < b.path; });
    const auto stem =
        (folder / "labeled-data" / clip / ("CollectedData_" + options.scorer)).string();
    const auto data = format_collected_data(table);
    write_file(stem + ".h5", data.h5);
    write_file(stem + ".csv", data.csv);
    result.push_back(described[clip]);
  }
  return result;
}

}  // namespace

void write_imported_project(const fs::path& folder, const AnnotationSet& annotations,
                            const ImportOptions& options) {
  if (fs::exists(folder))
    throw Error(ErrorKind::usage,
                folder.string() + ": exists already; name a new folder for the project");
  require_names(options);
  require_sources(annotations);
  auto target = fs::absolute(folder).lexically_normal();
  if (target.filename().empty()) target = target.parent_path();
  auto temporary = target;
  temporary += ".importing";
  fs::create_directories(target.parent_path());
  if (!fs::create_directory(temporary))
    throw Error(ErrorKind::io, temporary.string() +
                                   ": left by an import that was cut off, or in "
                                   "work; delete it and start again");
  try {
    const auto clips = clip_names(annotations);
    write_pictures(temporary, annotations, clips);
    const auto described = write_clips(temporary, annotations, options, clips);
    fs::create_directories(temporary / "videos");
    write_file(temporary / "config.yaml", config_text(annotations, options, described));
    fs::rename(temporary, target);
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    throw;
  }
}

}  // namespace poseheir
