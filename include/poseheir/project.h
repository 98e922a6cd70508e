// A DeepLabCut project as it lies on disk: config.yaml, pose_cfg.yaml, labels, splits, folders.
#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "poseheir/network.h"

namespace poseheir {

// Which model of a project is meant; DeepLabCut's own choices.
struct ModelChoice {
  int shuffle = 1;
  int trainset_index = 0;        // into TrainingFraction
  std::optional<int> iteration;  // from config.yaml if absent
  std::string model_prefix;      // [modelprefix]
  std::string run_name;          // empty: DeepLabCut's own folder; else train/runs/<run_name>
};

// Part of a picture: x2 and y2 are the first columns and rows outside.
struct Crop {
  int x1 = 0, x2 = 0, y1 = 0, y2 = 0;
  bool operator==(const Crop&) const = default;
};

struct Project {
  std::filesystem::path folder;  // where config.yaml lies, whatever project_path says
  std::string task, scorer, date;
  std::vector<std::string> bodyparts;  // single-animal list, or multi-animal then unique parts
  std::vector<std::string> individuals;
  std::vector<std::string> unique_bodyparts;  // multi-animal: the last ones of bodyparts
  bool multi_animal = false;
  bool identity = false;  // the network learns who is who
  std::vector<std::pair<std::string, std::string>> skeleton;
  std::vector<double> training_fractions;
  std::vector<std::string> video_stems;  // in the order of video_sets
  std::vector<std::string> videos;       // the same as written, with their folders
  std::string project_path;              // as written: where the project once lay
  int iteration = 0;
  double pcutoff = 0.6;
  int batch_size = 8;        // inference
  std::optional<Crop> crop;  // of the videos analyzed [cropping, x1, x2, y1, y2]
  std::string track_method;  // [default_track_method]
  std::string default_net_type = "resnet_50";
  std::string default_augmenter = "default";
  std::string snapshot_index = "-1";  // a number or "all"
  std::map<std::string, std::map<std::string, std::string>>
      conversion_tables;              // [SuperAnimalConversionTables]
  std::vector<std::string> warnings;  // for stderr: keys that looked odd
};

// `path` is a config.yaml or its folder. Throws Error naming file and line.
Project read_project(const std::filesystem::path& path);
// The body parts that every individual has: all but the unique ones.
std::vector<std::string> animal_bodyparts(const Project& project);

// Folders and names of one model, spelled as DeepLabCut spells them (spec 1.1, 9.1).
struct ModelPaths {
  std::string model_name;       // "openfieldOct30-trainset95shuffle1"
  int train_percent = 95;       // P: int(100 * fraction) in double precision
  std::filesystem::path model;  // dlc-models/iteration-0/<model_name>
  std::filesystem::path train;  // …/train (or …/train/runs/<run_name>)
  std::filesystem::path train_pose_config, test_pose_config;
  std::filesystem::path
      training_set;  // training-datasets/iteration-0/UnaugmentedDataSet_<Task><date>
  std::filesystem::path
      evaluation;  // evaluation-results/iteration-0/<model_name> (or …/runs/<run_name>)
};
ModelPaths model_paths(const Project& project, const ModelChoice& choice);

// A model as CONFIG names it: by a project's config.yaml (or folder) and `choice`, or by the
// model's own pose_cfg.yaml in the project's dlc-models, whose folders then decide iteration,
// training fraction, shuffle and model prefix instead. Throws Error(usage) for a pose_cfg.yaml
// elsewhere.
struct NamedModel {
  Project project;
  ModelChoice choice;
};
NamedModel read_model(const std::filesystem::path& config, const ModelChoice& choice);

// A pose_cfg.yaml: defaults of DeepLabCut underneath, unknown keys kept (as YAML text).
struct PoseConfig {
  std::filesystem::path path;  // empty when parsed from text
  NetworkSpec network;
  std::vector<std::string> keypoint_names;  // [all_joints_names]
  std::vector<std::vector<int>> all_joints;
  std::string dataset, metadataset, project_path, init_weights, dataset_type = "imgaug";
  std::map<std::string, std::string> values;  // every scalar key as text, maps as "contrast.clahe"
  std::map<std::string, std::vector<std::vector<double>>>
      lists;                         // multi_step and other lists of numbers
  std::map<std::string, int> lines;  // of each top-level key, from 1

  // A value with its default; throws Error(usage) naming file, line and key when it does not parse.
  double number(const std::string& key, double otherwise) const;
  bool flag(const std::string& key, bool otherwise) const;
  std::string text(const std::string& key, const std::string& otherwise) const;
  bool has(const std::string& key) const;
};

PoseConfig read_pose_config(const std::filesystem::path& path);
PoseConfig parse_pose_config(const std::string& text);

// Replaces the value of one top-level key in a YAML text by editing that value alone: comments,
// order and everything else stay. Appends the key if it is absent. `name` is the file's, for
// errors.
struct YamlEdit {
  std::string text;
  std::string old_value;
};
YamlEdit edit_yaml_value(const std::string& text, const std::string& name, const std::string& key,
                         const std::string& value);

// The same in a file, which changes whole or not at all; returns the old value.
std::string set_pose_config_value(const std::filesystem::path& path, const std::string& key,
                                  const std::string& value);

// The same for a key whose value is a list of numbers.
void set_pose_config_list(const std::filesystem::path& path, const std::string& key,
                          const std::vector<int>& values);

// inference_cfg.yaml of a multi-animal model: how its detections become animals and tracks.
struct InferenceConfig {
  double confidence_cutoff = 0.1;  // [pcutoff]
  double minimal_affinity = 0.1;   // [pafthreshold]
  double minimal_links = 2;        // [minimalnumberofconnections]
  int individuals = 1;             // [topktoretain]
  double box_slack_pixels = 0;     // [boundingboxslack]
  double iou_threshold = 0.6;
  int max_age = 1, min_hits = 1;
  bool greedy_oks = false;  // evaluation
};

// The file, or where there is none what DeepLabCut would write there. Throws Error(usage) that
// names file, line and key.
InferenceConfig read_inference_config(const std::filesystem::path& path, const Project& project);
// As create_training_dataset writes it.
std::string format_inference_config(const Project& project);

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

// A point in an image: pixels, x to the right, y down, origin at the outer corner of the first
// pixel.
struct Point {
  double x = kMissing, y = kMissing;
  bool missing() const { return std::isnan(x) || std::isnan(y); }
};

struct LabelledImage {
  std::vector<std::string> path;  // components: labeled-data, m4s1, img0000.png
  std::vector<Point> points;      // one a body part; missing where not labelled
};

// Single-animal annotations; rows sorted as DeepLabCut sorts the merged table.
struct Labels {
  std::string scorer;
  std::vector<std::string> bodyparts;
  std::vector<LabelledImage> images;
  std::vector<std::string> warnings;  // for stderr: files and columns that were left out
};

// CollectedData csv or h5, any index style. Of a file with several scorers `scorer`'s columns are
// taken; without one named such a file is refused.
Labels read_labels(const std::filesystem::path& path, const std::string& scorer = "");
void write_labels(const std::filesystem::path& stem, const Labels& labels);  // stem.csv and stem.h5
Labels merge_labels(const Project& project);  // all labeled-data folders, as DeepLabCut merges them
std::filesystem::path image_path(const Project& project, const LabelledImage& image);

// Annotations of several individuals.
struct LabelledAnimals {
  std::vector<std::string> path;            // components
  std::vector<std::vector<Point>> animals;  // [individual][body part]
  std::vector<Point> unique;                // [unique body part]
};
struct AnimalLabels {
  std::string scorer;
  std::vector<std::string> individuals, bodyparts, unique_bodyparts;
  std::vector<LabelledAnimals> images;
  std::vector<std::string> warnings;  // for stderr: files that were left out
};
// A multi-animal CollectedData csv or h5, rows as they stand there. Body parts and individuals in
// the project's order; throws Error(mismatch) for names that config.yaml does not list, or lists
// but the file lacks.
AnimalLabels read_animal_labels(const std::filesystem::path& path, const Project& project);
// All labeled-data folders, as DeepLabCut merges them.
AnimalLabels merge_animal_labels(const Project& project);
// The labels that the model's training set was made of.
AnimalLabels read_training_animals(const Project& project, const ModelPaths& paths);
// Annotations as a file holds them: any number of scorers and individuals, rows in their order.
struct LabelColumn {
  std::string scorer, individual, bodypart;  // individual: empty, or "single" for unique parts
  bool operator==(const LabelColumn&) const = default;
};
struct LabelTable {
  bool individuals = false;           // the file has that level
  std::vector<LabelColumn> columns;   // a point each
  std::vector<LabelledImage> images;  // with a point for each column
  bool windows_paths = false;         // rows are named with backslashes
  bool likelihoods = false;           // the file holds some, which this table leaves out
};
LabelTable read_label_table(const std::filesystem::path& path);

// The two files of annotations, as DeepLabCut writes them.
struct CollectedData {
  std::string h5, csv;
};
CollectedData format_collected_data(const LabelTable& labels);
CollectedData format_collected_data(const Labels& labels);

struct Split {
  std::vector<int> train, test;  // rows of the merged labels
  double fraction = 0;
};

Split read_split(const std::filesystem::path& documentation_pickle);
// int(rows * fraction) rows for training, the rest for testing, in the order of
// numpy.random.RandomState(seed).permutation(rows), as DeepLabCut splits. Throws Error(usage) for a
// fraction that is not 0.01 to 1 in steps of 0.01.
Split make_split(int rows, double fraction, std::uint64_t seed);
// Of each folder the first int(pictures * fraction) by name for training and the later ones for
// testing, so that no test picture is the neighbour in time of a training picture on both sides.
// `pictures`: the components of each row's path.
Split split_by_time(const std::vector<std::vector<std::string>>& pictures, double fraction);

// One training record as DeepLabCut's .mat or pickle holds it: joints inside the image, cut to
// integers (single animal) or rounded to two decimals (multi-animal, ascending by individual).
struct TrainingRecord {
  std::vector<std::string> path;
  int channels = 3, height = 0, width = 0;
  struct Joint {
    int id;
    double x, y;
    int individual = 0;  // multi-animal; unique body parts belong to the one after the last
  };
  std::vector<Joint> joints;
};

// A single-animal .mat, or the records of a Documentation or data-set pickle.
std::vector<TrainingRecord> read_training_records(const std::filesystem::path& mat_or_pickle);

// What DeepLabCut reads when it trains (.mat) and evaluates (Documentation_data-….pickle).
void write_training_records(const std::filesystem::path& mat,
                            const std::vector<TrainingRecord>& records);
void write_split(const std::filesystem::path& documentation_pickle,
                 const std::vector<TrainingRecord>& records, const Split& split);
std::vector<TrainingRecord> make_animal_records(const Project& project, const AnimalLabels& labels,
                                                const std::vector<int>& rows);
enum class JointPlaces { whole_pixels, exact };  // cut as DeepLabCut does, or as labelled
std::vector<TrainingRecord> make_training_records(const Project& project, const Labels& labels,
                                                  const std::vector<int>& rows,
                                                  JointPlaces places = JointPlaces::whole_pixels);

// Everything train and evaluate need of one model: an existing training set with its split, or one
// made by us where there is none.
struct Dataset {
  Labels labels;         // merged; empty for several animals, whose labels are the next
  AnimalLabels animals;  // empty for a single animal
  Split split;
  std::vector<TrainingRecord> records;  // of the training rows that kept a joint
};
Dataset read_dataset(const Project& project, const ModelChoice& choice,
                     const PoseConfig& pose_config);

// create-training-dataset: writes pose_cfg.yaml (train and test), merged labels, split and records
// so that DeepLabCut reads them; one model for each training fraction of config.yaml.
struct TrainingSetOptions {
  std::string net_type;   // empty: the project's default
  std::string augmenter;  // empty: the project's default
  int shuffle = 1;
  std::uint64_t seed = 0;    // 0, shuffle 1: numpy.random.RandomState(0)
  bool by_time = false;      // test pictures are the last of each folder, no random ones
  std::string init_weights;  // empty: the key stays without a value
  // Multi-animal: limbs by config.yaml's skeleton instead of all pairs of body parts.
  bool limbs_from_skeleton = false;
  std::pair<int, int> crop_size = {400, 400};  // multi-animal: width, height of training pieces
  bool overwrite = false;                      // else an existing model of this shuffle is an error
};
struct CreatedModel {
  ModelPaths paths;
  Split split;
  int records = 0;  // training images that kept a joint
};
struct CreatedTrainingSet {
  std::vector<CreatedModel> models;
  std::vector<std::string> warnings;
};
CreatedTrainingSet create_training_dataset(const Project& project,
                                           const TrainingSetOptions& options);

}  // namespace poseheir
