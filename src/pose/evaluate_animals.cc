#include "poseheir/evaluate_animals.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <iterator>
#include <numeric>
#include <set>

#include "base/file.h"
#include "pose/animal_errors.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

void check_keypoints(const PoseModel& model, const AnimalLabels& labels) {
  auto labelled = labels.bodyparts;
  labelled.insert(labelled.end(), labels.unique_bodyparts.begin(), labels.unique_bodyparts.end());
  if (labelled != model.test_config.keypoint_names)
    throw Error(
        ErrorKind::mismatch,
        fmt::format("{}: the model predicts [{}], but the labels are of [{}]",
                    model.test_config.path.string(),
                    fmt::join(model.test_config.keypoint_names, ", "), fmt::join(labelled, ", ")));
}

// Finds the peaks of one picture, and what the limbs say of its labels.
class PictureEvaluator {
 public:
  PictureEvaluator(const Project& project, const PoseModel& model, const EngineOptions& engine)
      : project_(project),
        options_(evaluation_options(model.test_config)),
        predictor_(model.network, model.parameters, engine) {}

  const DetectionOptions& options() const { return options_; }

  // Nothing where the picture has no peak.
  std::optional<EvaluatedPicture> evaluate(const LabelledAnimals& labels, int row) {
    const auto image = read_image(image_path(project_, LabelledImage{labels.path, {}}));
    const auto maps = predictor_.run({1, image.height, image.width, image.pixels});
    const auto field = maps.find("pairwise_pred");
    const auto* fields = field == maps.end() ? nullptr : &field->second;
    auto found = detect(maps.at("part_pred"), maps.at("locref"), fields, options_);
    if (found.empty()) return std::nullopt;
    EvaluatedPicture picture{
        labels.path, row, {labels.animals, labels.unique}, std::move(found[0]), {}};
    const auto cells = label_cells(picture.labels, options_.stride_pixels);
    if (!options_.graph.empty()) picture.label_costs = limb_costs(*fields, cells, options_)[0];
    return picture;
  }

 private:
  const Project& project_;
  DetectionOptions options_;
  Predictor predictor_;
};

std::vector<EvaluatedFrame> frames_of(const AnimalEvaluation& evaluation,
                                      const std::vector<int>& train, bool by_place) {
  const std::set<int> rows(train.begin(), train.end());
  std::vector<EvaluatedFrame> frames;
  for (const auto& picture : evaluation.pictures) {
    const int number = by_place ? static_cast<int>(frames.size()) : picture.row;
    frames.push_back({picture.labels, picture.detections, rows.contains(number)});
  }
  return frames;
}

}  // namespace

AnimalEvaluation evaluate_animals(const Project& project, const ModelChoice& choice,
                                  const PoseModel& model, const AnimalLabels& labels,
                                  const Split& split, const EngineOptions& engine,
                                  const Progress& progress) {
  check_keypoints(model, labels);
  PictureEvaluator evaluator(project, model, engine);
  AnimalEvaluation evaluation;
  evaluation.iterations = model.snapshot.iteration;
  evaluation.scorer =
      scorer_name(project, model.train_config, choice.shuffle, model.snapshot.iteration);
  evaluation.about = {evaluator.options(), labels.scorer, labels.individuals, labels.bodyparts,
                      labels.unique_bodyparts};
  evaluation.errors = empty_table(labels);
  for (std::size_t row = 0; row < labels.images.size(); ++row) {
    if (progress)
      progress(static_cast<std::int64_t>(row), static_cast<std::int64_t>(labels.images.size()));
    if (!any_label(labels.images[row])) continue;
    auto picture = evaluator.evaluate(labels.images[row], static_cast<int>(row));
    if (!picture) continue;
    add_errors(evaluation.errors, row, picture->labels, picture->detections);
    evaluation.pictures.push_back(std::move(*picture));
  }
  evaluation.metrics = metrics_of(evaluation.errors, split, project.pcutoff);
  return evaluation;
}

void choose_limbs(AnimalEvaluation& evaluation, const AnimalLabels& labels, const Split& split,
                  const InferenceConfig& inference, const PoseConfig& test_config) {
  const auto& graph = evaluation.about.options.graph;
  const auto keypoints = labels.bodyparts.size();
  if (keypoints < 2 || graph.empty() || evaluation.pictures.empty()) return;
  if (inference.greedy_oks || test_config.has("symmetric_kpts"))
    throw Error(ErrorKind::unsupported,
                test_config.path.string() +
                    ": symmetric_kpts, and greedy_oks of inference_cfg.yaml, are not supported in "
                    "the choice of limbs; remove them");
  // DeepLabCut takes a picture's place among those evaluated for its row when it learns what limbs
  // look like, and its row when it judges the animals.
  const bool full = graph.size() == keypoints * (keypoints - 1) / 2;
  evaluation.skeletons = candidate_skeletons(frames_of(evaluation, split.train, true), graph, 10);
  auto candidates = evaluation.skeletons->limbs;
  if (!full) {
    candidates.assign(1, std::vector<int>(graph.size()));
    std::iota(candidates[0].begin(), candidates[0].end(), 0);
  }
  AssemblyOptions assembly;
  assembly.individuals = inference.individuals;
  assembly.keypoints_of_animals = static_cast<int>(keypoints);
  assembly.confidence_cutoff = 0.1;  // whatever inference_cfg.yaml says
  assembly.minimal_affinity = inference.minimal_affinity;
  assembly.add_discarded = true;
  assembly.graph = graph;
  OksOptions oks;
  oks.sigma = test_config.number("oks_sigma", oks.sigma);
  oks.margin = test_config.number("bbox_margin", oks.margin);
  evaluation.choice =
      choose_skeleton(frames_of(evaluation, split.train, false), candidates, assembly, oks);
}

std::filesystem::path evaluation_pickle(const ModelPaths& paths, const Snapshot& snapshot,
                                        const std::string& scorer) {
  return paths.evaluation /
         fmt::format("{}-{}_full.pickle", scorer, snapshot.prefix.filename().string());
}

void write_evaluation(const ModelPaths& paths, const Snapshot& snapshot,
                      const AnimalEvaluation& evaluation, const PoseModel& model,
                      const Split& split, double train_fraction) {
  const auto full = evaluation_pickle(paths, snapshot, evaluation.scorer);
  const auto stem =
      full.string().substr(0, full.string().size() - std::string("_full.pickle").size());
  const auto rows = [](const std::vector<int>& indices) {
    return std::vector<std::int64_t>(indices.begin(), indices.end());
  };
  FileTransaction pickles;
  pickles.append(pickles.add(full),
                 format_evaluation_pickle(evaluation.about, evaluation.pictures));
  pickles.append(pickles.add(stem + "_meta.pickle"),
                 format_evaluation_meta_pickle(evaluation.scorer, train_fraction, rows(split.train),
                                               rows(split.test), model.test_config));
  if (evaluation.choice)
    pickles.append(pickles.add(stem + "_map.pickle"),
                   format_skeleton_pickle(*evaluation.choice, evaluation.skeletons->separability));
  pickles.commit();
  write_distances_csv(paths.evaluation / fmt::format("dist_{}.csv", evaluation.iterations),
                      evaluation.errors);
  write_predicted_poses(
      paths.evaluation / fmt::format("predicted_poses_{}.h5", evaluation.iterations),
      evaluation.errors);
  write_keypoint_csv(paths.evaluation / (evaluation.scorer + "-keypoint-results.csv"),
                     evaluation.metrics);
  if (evaluation.choice && std::filesystem::exists(paths.test_pose_config))
    set_pose_config_list(paths.test_pose_config, "paf_best",
                         evaluation.choice->scores[evaluation.choice->best].limbs);
}

}  // namespace poseheir
