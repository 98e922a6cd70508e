#include "cli/analyze_superanimal.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "cli/progress.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

namespace fs = std::filesystem;

bool is_picture(const fs::path& path) {
  auto extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::array kPictures = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"};
  return std::find(kPictures.begin(), kPictures.end(), extension) != kPictures.end();
}

Error wrong_scales(const std::string& text) {
  return {ErrorKind::usage,
          fmt::format("--scales: expected FROM:TO:STEP (TO is left out) or heights with commas, "
                      "such as 200:600:50 or 200,300,400; found '{}'",
                      text)};
}

std::vector<int> numbers(const std::string& text, char separator, const std::string& whole) {
  std::vector<int> values;
  for (std::size_t start = 0; start <= text.size();) {
    const auto end = std::min(text.find(separator, start), text.size());
    int value = 0;
    if (!CLI::detail::lexical_cast(text.substr(start, end - start), value))
      throw wrong_scales(whole);
    values.push_back(value);
    start = end + 1;
  }
  return values;
}

std::vector<int> parse_scales(const std::string& text) {
  if (text.empty()) return {};
  if (text.find(':') == std::string::npos) return numbers(text, ',', text);
  const auto range = numbers(text, ':', text);
  if (range.size() != 3 || range[2] <= 0 || range[1] <= range[0]) throw wrong_scales(text);
  std::vector<int> scales;
  for (int height = range[0]; height < range[1]; height += range[2]) scales.push_back(height);
  return scales;
}

class SuperAnimalAnalysis {
 public:
  explicit SuperAnimalAnalysis(const SuperAnimalArguments& arguments)
      : arguments_(arguments),
        settings_{parse_scales(arguments.scales), {}},
        model_(load_superanimal(arguments.model)),
        scorer_(superanimal_scorer(model_)) {}

  Analyzed video(const fs::path& path) const {
    const auto files = files_of(path, arguments_.folder, scorer_, arguments_.video.frames);
    auto analyzed = start(path, files);
    ProgressLine line(arguments_.quiet);
    if (is_done(analyzed, line)) return analyzed;
    auto poses = predict_pyramid_video(model_, path, settings_, arguments_.video,
                                       progress(line, path.filename().string()));
    poses.about.scorer = scorer_;
    poses.about.training_fraction = 70;  // DeepLabCut's word for it
    std::vector<std::vector<std::string>> rows;
    for (std::size_t frame = 0; frame < poses.poses.size(); ++frame)
      rows.push_back({frame_name(static_cast<int>(frame), static_cast<int>(poses.about.frames))});
    write_analysis_meta(files.meta(), poses.about, model_.test_config);
    write(files, rows, poses.poses);
    analyzed.frames = static_cast<std::int64_t>(poses.poses.size());
    if (!arguments_.video.frames) analyzed.declared = poses.video.declared_frames;
    analyzed.lost = poses.lost;
    analyzed.problems = poses.problems;
    return analyzed;
  }

  // All pictures in one table, named after the folder of the first.
  Analyzed pictures(const std::vector<fs::path>& paths) const {
    const auto parent = fs::absolute(paths[0]).parent_path();
    const AnimalFiles files{(arguments_.folder.empty() ? parent : fs::path(arguments_.folder)) /
                            (parent.filename().string() + scorer_)};
    auto analyzed = start(parent, files);
    ProgressLine line(arguments_.quiet);
    if (is_done(analyzed, line)) return analyzed;
    std::vector<std::vector<std::string>> rows;
    for (const auto& path : paths) rows.push_back({path.filename().string()});
    write(files, rows,
          predict_pyramid(model_, paths, settings_, arguments_.video.engine,
                          progress(line, parent.filename().string())));
    analyzed.frames = analyzed.declared = static_cast<std::int64_t>(paths.size());
    return analyzed;
  }

 private:
  static Analyzed start(const fs::path& path, const AnimalFiles& files) {
    Analyzed analyzed;
    analyzed.video = path;
    analyzed.result = files.base.string() + ".h5";
    return analyzed;
  }
  bool is_done(Analyzed& analyzed, ProgressLine& line) const {
    analyzed.skipped = fs::exists(analyzed.result) && !arguments_.overwrite;
    if (analyzed.skipped)
      line.say(analyzed.result.string() + " exists; not analyzed again (--overwrite does)");
    return analyzed.skipped;
  }
  static Progress progress(ProgressLine& line, const std::string& name) {
    return [&line, name](std::int64_t done, std::int64_t total) {
      line.update([&] { return fmt::format("{}: picture {} of {}", name, done, total); });
    };
  }
  void write(const AnimalFiles& files, const std::vector<std::vector<std::string>>& rows,
             const Poses& poses) const {
    const Predictions predictions{scorer_, model_.test_config.keypoint_names, rows, poses};
    write_predictions_csv(files.base.string() + ".csv", predictions);
    write_predictions_fixed(files.base.string() + ".h5", predictions);
  }

  const SuperAnimalArguments& arguments_;
  PyramidSettings settings_;
  PoseModel model_;
  std::string scorer_;
};

}  // namespace

std::vector<Analyzed> analyze_superanimal(const SuperAnimalArguments& arguments) {
  const SuperAnimalAnalysis analysis(arguments);
  std::vector<Analyzed> analyzed;
  std::vector<fs::path> pictures;
  for (const auto& file : arguments.files) {
    if (is_picture(file))
      pictures.emplace_back(file);
    else
      analyzed.push_back(analysis.video(file));
  }
  if (!pictures.empty()) analyzed.push_back(analysis.pictures(pictures));
  return analyzed;
}

}  // namespace poseheir
