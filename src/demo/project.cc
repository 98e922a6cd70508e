#include <atomic>
#include <exception>
#include <fmt/format.h>
#include <mutex>
#include <thread>

#include "base/file.h"
#include "poseheir/demo.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

constexpr auto kScorer = "Poseheir";
constexpr auto kDate = "Nov24";  // fixed, so that a demo project's files are always called the same

std::string task_of(DemoWorld world) {
  return world == DemoWorld::pretraining ? "sixkinds" : "genet";
}

std::string clip_name(DemoWorld world, int clip) {
  return fmt::format("{}{:02}", task_of(world), clip);
}

std::string config_text(const DemoProjectOptions& options) {
  std::string text = fmt::format(
      "# Project definitions (do not edit)\nTask: {}\nscorer: {}\ndate: {}\nmultianimalproject: "
      "false\nidentity:\n\n"
      "# Project path (DeepLabCut sets it when it reads this file)\nproject_path: .\n\n"
      "engine: tensorflow\n\n"
      "# Annotation data set configuration (and individual video cropping "
      "parameters)\nvideo_sets:\n",
      task_of(options.world), kScorer, kDate);
  const DemoClipOptions clip;
  for (int i = 0; i < options.clips; ++i)
    text += fmt::format("  videos/{}.mp4:\n    crop: 0, {}, 0, {}\n", clip_name(options.world, i),
                        clip.width, clip.height);
  text += "bodyparts:\n";
  for (const auto& part : demo_bodyparts(options.world)) text += "- " + part + "\n";
  text += fmt::format(
      "\n# Fraction of video to start/stop when extracting frames for labeling/refinement\nstart: "
      "0\nstop: 1\nnumframes2pick: {}\n\n"
      "# Plotting configuration\nskeleton:\n",
      options.labelled);
  for (const auto& [from, to] : demo_skeleton(options.world))
    text += fmt::format("- - {}\n  - {}\n", from, to);
  text += fmt::format(
      "skeleton_color: black\npcutoff: 0.6\ndotsize: 4\nalphavalue: 0.7\ncolormap: rainbow\n\n"
      "# Training,Evaluation and Analysis configuration\nTrainingFraction:\n- {}\niteration: 0\n"
      "default_net_type: mobilenet_v2_0.35\ndefault_augmenter: imgaug\nsnapshotindex: "
      "-1\nbatch_size: 8\n\n"
      "# Cropping Parameters (for analysis and outlier frame detection)\ncropping: false\nx1: "
      "0\nx2: {}\ny1: 0\ny2: {}\n\n"
      "# Refinement configuration (parameters from annotation dataset configuration also relevant "
      "in this stage)\n"
      "corner2move2:\n- 50\n- 50\nmove2corner: true\n",
      options.train_fraction, clip.width, clip.height);
  return text;
}

// Columns of DeepLabCut's own conversion tables.
std::string conversion_csv() {
  std::string text = "gt,MasterName\n";
  for (const auto& [part, partner] : demo_conversion_table()) text += part + "," + partner + "\n";
  return text;
}

Labels write_clip(const std::filesystem::path& folder, const DemoProjectOptions& options,
                  int clip) {
  const auto name = clip_name(options.world, clip);
  DemoClipOptions clip_options;
  clip_options.world = options.world;
  clip_options.seed = options.seed;
  clip_options.clip = clip;
  clip_options.frames = options.frames;
  clip_options.frames_per_second = options.frames_per_second;
  const auto frames = render_demo_clip(clip_options);
  const auto pictures = folder / "labeled-data" / name;
  std::filesystem::create_directories(pictures);
  Labels labels;
  labels.scorer = kScorer;
  labels.bodyparts = demo_bodyparts(options.world);
  for (int i = 0; i < options.labelled; ++i) {
    const auto index = i * options.frames / options.labelled;
    const auto& frame = frames[static_cast<std::size_t>(index)];
    const auto file = fmt::format("img{:04}.png", index);
    write_image(pictures / file, frame.image);
    labels.images.push_back({{"labeled-data", name, file}, frame.points});
  }
  if (options.videos) {
    VideoWriter video(folder / "videos" / (name + ".mp4"), clip_options.height, clip_options.width,
                      clip_options.frames_per_second);
    for (const auto& frame : frames) video.write(frame.image);
    video.finish();
  }
  return labels;
}

// Calls task(0) to task(count - 1) on all cores; the first exception is passed on.
template <typename Task>
void in_parallel(int count, const Task& task) {
  std::atomic<int> next = 0;
  std::exception_ptr failure;
  std::mutex guard;
  const auto work = [&] {
    for (int i = next++; i < count; i = next++) try {
        task(i);
      } catch (...) {
        const std::lock_guard lock(guard);
        failure = std::current_exception();
        next = count;
      }
  };
  std::vector<std::jthread> threads;
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  for (int i = 0; i < std::min(cores, count); ++i) threads.emplace_back(work);
  threads.clear();
  if (failure) std::rethrow_exception(failure);
}

void check(const std::filesystem::path& folder, const DemoProjectOptions& options) {
  if (std::filesystem::exists(folder) && !std::filesystem::is_empty(folder))
    throw Error(ErrorKind::usage,
                folder.string() + ": is not empty; name a folder that does not exist yet");
  if (options.clips < 1 || options.labelled < 1 || options.frames < options.labelled)
    throw Error(ErrorKind::usage,
                fmt::format("a demo project needs at least one clip and as many frames as labels; "
                            "asked for {} clips of {} frames, {} labelled",
                            options.clips, options.frames, options.labelled));
}

}  // namespace

std::filesystem::path make_demo_project(const std::filesystem::path& folder,
                                        const DemoProjectOptions& options) {
  check(folder, options);
  std::filesystem::create_directories(folder / "videos");
  std::vector<Labels> clips(static_cast<std::size_t>(options.clips));
  in_parallel(options.clips, [&](int clip) {
    clips[static_cast<std::size_t>(clip)] = write_clip(folder, options, clip);
  });
  // The HDF5 library must not be entered by two threads at a time.
  for (int clip = 0; clip < options.clips; ++clip)
    write_labels(folder / "labeled-data" / clip_name(options.world, clip) /
                     (std::string("CollectedData_") + kScorer),
                 clips[static_cast<std::size_t>(clip)]);
  if (options.world == DemoWorld::target) write_file(folder / "keypoints.csv", conversion_csv());
  const auto config = folder / "config.yaml";
  write_file(config, config_text(options));
  TrainingSetOptions training_set;
  training_set.net_type = "mobilenet_v2_0.35";
  training_set.augmenter = "imgaug";
  training_set.seed = options.seed;
  create_training_dataset(read_project(config), training_set);
  return config;
}

}  // namespace poseheir
