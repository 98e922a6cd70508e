#include <cmath>

#include "animals/pickle_parts.h"
#include "poseheir/animal_files.h"

namespace poseheir {
namespace {

using Shape = std::vector<std::size_t>;

// Every label of a picture with its names, animal after animal, the unique ones last.
struct NamedLabel {
  std::string individual, bodypart;
  Point place;
};

std::vector<NamedLabel> named_labels(const EvaluationAbout& about, const LabelledFrame& labels) {
  std::vector<NamedLabel> named;
  for (std::size_t animal = 0; animal < labels.animals.size(); ++animal)
    for (std::size_t part = 0; part < about.bodyparts.size(); ++part)
      named.push_back(
          {about.individuals[animal], about.bodyparts[part], labels.animals[animal][part]});
  for (std::size_t part = 0; part < labels.unique.size(); ++part)
    named.push_back({"single", about.unique_bodyparts[part], labels.unique[part]});
  return named;
}

// pandas.Series(values, index): the row of the merged labels.
void write_row(PickleWriter& pickle, const EvaluationAbout& about,
               const std::vector<NamedLabel>& labels) {
  MultiIndex index{{"scorer", "individuals", "bodyparts", "coords"}, {}};
  std::vector<double> values;
  for (const auto& label : labels)
    for (const auto* coordinate : {"x", "y"}) {
      index.labels.push_back({about.label_scorer, label.individual, label.bodypart, coordinate});
      values.push_back(*coordinate == 'x' ? label.place.x : label.place.y);
    }
  pickle.begin_call("pandas.core.series", "Series").array(values, Shape{values.size()});
  write_multi_index(pickle, index);
  pickle.end();
}

// [identities, coordinates, row]; DeepLabCut reads the last two.
void write_ground_truth(PickleWriter& pickle, const EvaluationAbout& about,
                        const LabelledFrame& labels) {
  const auto named = named_labels(about, labels);
  pickle.begin_list().begin_list();
  for (const auto& label : named) {
    pickle.begin_list();
    if (!label.place.missing()) pickle.text(label.individual);
    pickle.end();
  }
  pickle.end().begin_list();
  for (const auto& label : named) {
    std::vector<double> xy;
    if (!label.place.missing()) xy = {label.place.x, label.place.y};
    pickle.array(xy, Shape{xy.size() / 2, 2});
  }
  pickle.end();
  write_row(pickle, about, named);
  pickle.end();
}

void write_path(PickleWriter& pickle, const std::vector<std::string>& path) {
  pickle.begin_tuple();
  for (const auto& part : path) pickle.text(part);
  pickle.end();
}

// As astype(int) cuts after the division.
int cell_of(double place, double stride) {
  return static_cast<int>((place - std::floor(stride / 2)) / stride);
}

}  // namespace

std::vector<PeakCell> label_cells(const LabelledFrame& labels, double stride_pixels) {
  std::vector<PeakCell> cells;
  const auto add = [&](const Point& point, std::size_t keypoint) {
    if (!point.missing())
      cells.push_back({0, cell_of(point.y, stride_pixels), cell_of(point.x, stride_pixels),
                       static_cast<int>(keypoint)});
  };
  for (const auto& animal : labels.animals)
    for (std::size_t part = 0; part < animal.size(); ++part) add(animal[part], part);
  const auto parts = labels.animals.empty() ? 0 : labels.animals[0].size();
  for (std::size_t part = 0; part < labels.unique.size(); ++part)
    add(labels.unique[part], parts + part);
  return cells;
}

std::string format_evaluation_pickle(const EvaluationAbout& about,
                                     std::span<const EvaluatedPicture> pictures) {
  auto keypoint_names = about.bodyparts;
  keypoint_names.insert(keypoint_names.end(), about.unique_bodyparts.begin(),
                        about.unique_bodyparts.end());
  PickleWriter pickle(PickleWriter::Protocol::binary_3);
  pickle.begin_dict();
  for (const auto& picture : pictures) {
    write_path(pickle, picture.path);
    pickle.begin_dict().text("index").integer(picture.row);
    pickle.text("prediction").begin_dict();
    write_detections(pickle, picture.detections, about.options);
    if (!about.options.graph.empty())
      write_costs(pickle.text("groundtruth_costs"), picture.label_costs);
    pickle.end().text("groundtruth");
    write_ground_truth(pickle, about, picture.labels);
    pickle.end();
  }
  pickle.text("metadata").begin_dict();
  write_detection_options(pickle, about.options, keypoint_names);
  pickle.text("stride").real(about.options.stride_pixels).end();
  return pickle.end().finish();
}

std::string format_evaluation_meta_pickle(const std::string& scorer, double train_fraction,
                                          const std::vector<std::int64_t>& train_rows,
                                          const std::vector<std::int64_t>& test_rows,
                                          const PoseConfig& config) {
  PickleWriter pickle(PickleWriter::Protocol::binary_3);
  pickle.begin_dict().text("data").begin_dict();
  pickle.text("Scorer").text(scorer);
  write_config(pickle.text("DLC-model-config file"), config);
  pickle.text("trainIndices").int64_array(train_rows);
  pickle.text("testIndices").int64_array(test_rows);
  pickle.text("trainFraction").real(train_fraction);
  return pickle.end().end().finish();
}

// pandas.DataFrame(values, index, columns); the columns are the numbers of limbs.
std::string format_skeleton_pickle(const SkeletonChoice& choice,
                                   const std::map<int, double>& separability) {
  const std::vector<std::pair<std::vector<std::string>, double (*)(const SkeletonScore&)>> rows = {
      {{"miss", "mean"}, [](const SkeletonScore& score) { return score.miss_mean; }},
      {{"miss", "std"}, [](const SkeletonScore& score) { return score.miss_deviation; }},
      {{"purity", "mean"}, [](const SkeletonScore& score) { return score.purity_mean; }},
      {{"purity", "std"}, [](const SkeletonScore& score) { return score.purity_deviation; }},
      {{"mAP_train", "mean"}, [](const SkeletonScore& score) { return score.train.map; }},
      {{"mAR_train", "mean"}, [](const SkeletonScore& score) { return score.train.mar; }},
      {{"mAP_test", "mean"}, [](const SkeletonScore& score) { return score.test.map; }},
      {{"mAR_test", "mean"}, [](const SkeletonScore& score) { return score.test.mar; }}};
  MultiIndex index{{"", ""}, {}};
  std::vector<double> values;
  for (const auto& [labels, value_of] : rows) {
    index.labels.push_back(labels);
    for (const auto& score : choice.scores) values.push_back(value_of(score));
  }
  PickleWriter pickle(PickleWriter::Protocol::binary_3);
  pickle.begin_tuple().begin_call("pandas.core.frame", "DataFrame");
  pickle.array(values, Shape{rows.size(), choice.scores.size()});
  write_multi_index(pickle, index);
  pickle.begin_list();
  for (const auto& score : choice.scores)
    pickle.integer(static_cast<std::int64_t>(score.limbs.size()));
  pickle.end().end();
  pickle.begin_dict();
  for (const auto& [limb, value] : separability) pickle.integer(limb).real(value);
  return pickle.end().end().finish();
}

std::string format_analysis_meta_pickle(const AnalysisAbout& about, const PoseConfig& config) {
  PickleWriter pickle(PickleWriter::Protocol::binary_3);
  pickle.begin_dict().text("data").begin_dict();
  pickle.text("start").real(about.start_seconds).text("stop").real(about.stop_seconds);
  pickle.text("run_duration").real(about.stop_seconds - about.start_seconds);
  pickle.text("Scorer").text(about.scorer);
  write_config(pickle.text("DLC-model-config file"), config);
  pickle.text("fps").real(about.frames_per_second);
  pickle.text("batch_size").integer(about.batch_size);
  pickle.text("frame_dimensions").begin_tuple().integer(about.height).integer(about.width).end();
  pickle.text("nframes").integer(about.frames);
  pickle.text("iteration (active-learning)").integer(about.iteration);
  pickle.text("training set fraction").real(about.training_fraction);
  pickle.text("cropping").boolean(about.cropping);
  pickle.text("cropping_parameters").begin_list();
  for (const int edge : about.crop) pickle.integer(edge);
  pickle.end();
  return pickle.end().end().finish();
}

}  // namespace poseheir
