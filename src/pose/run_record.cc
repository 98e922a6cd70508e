#include "pose/run_record.h"

#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/crc32c.h"
#include "base/file.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr const char* kLabels = "labels_crc32c";
constexpr const char* kEngine = "engine";
constexpr const char* kFrozen = "frozen";
constexpr const char* kRates = "layer_rates";
constexpr const char* kHeadsFirst = "heads_first";
constexpr const char* kOptimizer = "optimizer";
constexpr const char* kFirstEngine = "onednn";  // the one of runs that name none

constexpr std::array kRecipes{std::pair{Recipe::dlc, "dlc"}, std::pair{Recipe::fast, "fast"}};
constexpr std::array kFreezes{std::pair{Freeze::none, "none"}, std::pair{Freeze::base, "base"},
                              std::pair{Freeze::backbone, "backbone"}};
constexpr std::array kPrecisions{std::pair{Precision::fp32, "fp32"},
                                 std::pair{Precision::bf16, "bf16"}};
constexpr std::array kOptimizers{
    std::pair{OptimizerChoice::by_config, "pose_cfg"}, std::pair{OptimizerChoice::sgd, "sgd"},
    std::pair{OptimizerChoice::adam, "adam"}, std::pair{OptimizerChoice::without_cuda, "auto"}};
constexpr std::array kEngines{std::pair{EngineKind::onednn, kFirstEngine},
                              std::pair{EngineKind::torch, "torch"}};

template <typename Names, typename T>
const char* name_of(const Names& names, T value) {
  for (const auto& [known, name] : names)
    if (known == value) return name;
  return "";
}

template <typename Names>
auto value_of(const Names& names, const std::string& word) {
  for (const auto& [known, name] : names)
    if (word == name) return known;
  throw Error(ErrorKind::corrupt, fmt::format("'{}' is no value that this version knows", word));
}

std::string crc_text(const std::string& text) {
  return fmt::format("{:08x}", crc32c(as_bytes_of(text)));
}

std::string text_of(const std::vector<TrainingRecord>& records) {
  std::string text;
  for (const auto& record : records) {
    for (const auto& part : record.path) text += part + '/';
    text += fmt::format("{}x{}x{}", record.width, record.height, record.channels);
    for (const auto& joint : record.joints)
      text += fmt::format(" {}:{}:{},{}", joint.individual, joint.id, joint.x, joint.y);
    text += '\n';
  }
  return text;
}

std::string text_of(const Labels& labels, const Split& split) {
  std::string text;
  for (const auto& image : labels.images) {
    for (const auto& part : image.path) text += part + '/';
    for (const auto& point : image.points) text += fmt::format(" {},{}", point.x, point.y);
    text += '\n';
  }
  for (const auto* rows : {&split.train, &split.test}) {
    for (const int row : *rows) text += fmt::format("{} ", row);
    text += '\n';
  }
  return text;
}

// The project may move: a path in it is told from there.
std::string portable(const std::string& path, const fs::path& project) {
  const auto inside = fs::absolute(path).lexically_normal().lexically_relative(
      fs::absolute(project).lexically_normal());
  return inside.empty() || *inside.begin() == ".." ? path : inside.string();
}

template <typename T>
json optional_json(const std::optional<T>& value) {
  return value ? json(*value) : json();
}

template <typename T>
void take(const json& from, const char* key, std::optional<T>& value) {
  if (!from.at(key).is_null()) value = from.at(key).get<T>();
}

json rates_json(const TrainOptions& options) {
  auto rates = json::array();
  for (const auto& [group, factor] : options.layer_rates) rates.push_back({group, factor});
  return rates;
}

json options_json(const RunSubject& run) {
  const auto& options = run.options;
  return {{"recipe", name_of(kRecipes, options.recipe)},
          {"init", run.start.source.empty() ? std::string("random")
                                            : portable(run.start.source, run.project.folder)},
          {"keep_heads", options.keep_heads},
          {"max_iterations", optional_json(options.max_iterations)},
          {"save_iterations", optional_json(options.save_iterations)},
          {"display_iterations", optional_json(options.display_iterations)},
          {"eval_iterations", optional_json(options.eval_iterations)},
          {"batch_size", optional_json(options.batch_size)},
          {"max_snapshots", options.max_snapshots},
          {"seed", options.seed},
          {"freeze", name_of(kFreezes, options.freeze)},
          {kFrozen, options.frozen},
          {kRates, rates_json(options)},
          {kHeadsFirst, options.heads_first},
          {kOptimizer, name_of(kOptimizers, options.optimizer)},
          {"patience", optional_json(options.patience)},
          {"exact_joints", options.exact_joints},
          {"strict", options.strict},
          {"ranks", run.ranks},
          {"threads", thread_count(options.engine)},
          {"precision", name_of(kPrecisions, options.engine.precision)},
          {kEngine, name_of(kEngines, options.engine.engine)},
          {"device", options.engine.device}};
}

TrainOptions options_of(const json& from) {
  TrainOptions options;
  options.recipe = value_of(kRecipes, from.at("recipe"));
  options.init = from.at("init");
  options.keep_heads = from.at("keep_heads");
  take(from, "max_iterations", options.max_iterations);
  take(from, "save_iterations", options.save_iterations);
  take(from, "display_iterations", options.display_iterations);
  take(from, "eval_iterations", options.eval_iterations);
  take(from, "batch_size", options.batch_size);
  options.max_snapshots = from.value("max_snapshots", options.max_snapshots);
  options.seed = from.at("seed");
  options.freeze = value_of(kFreezes, from.at("freeze"));
  options.frozen = from.value(kFrozen, options.frozen);
  for (const auto& rate : from.value(kRates, json::array()))
    options.layer_rates.push_back({rate.at(0), rate.at(1)});
  options.heads_first = from.value(kHeadsFirst, options.heads_first);
  options.optimizer =
      value_of(kOptimizers, from.value(kOptimizer, std::string(kOptimizers[0].second)));
  take(from, "patience", options.patience);
  options.exact_joints = from.at("exact_joints");
  options.strict = from.at("strict");
  options.engine.threads = from.at("threads");
  options.engine.precision = value_of(kPrecisions, from.at("precision"));
  options.engine.engine = value_of(kEngines, from.value(kEngine, kFirstEngine));
  options.engine.device = from.value("device", options.engine.device);
  return options;
}

json choice_json(const ModelChoice& choice, const Project& project) {
  return {{"shuffle", choice.shuffle},
          {"trainset_index", choice.trainset_index},
          {"iteration", choice.iteration.value_or(project.iteration)},
          {"modelprefix", choice.model_prefix},
          {"run_name", choice.run_name}};
}

ModelChoice choice_of(const json& from) {
  ModelChoice choice;
  choice.shuffle = from.at("shuffle");
  choice.trainset_index = from.at("trainset_index");
  choice.iteration = from.at("iteration").get<int>();
  choice.model_prefix = from.at("modelprefix");
  choice.run_name = from.at("run_name");
  return choice;
}

}  // namespace

json before_it_was_told(const std::string& key) {
  if (key == kEngine) return kFirstEngine;
  if (key == kFrozen || key == kRates) return json::array();
  if (key == kHeadsFirst) return 0;
  if (key == kOptimizer) return kOptimizers[0].second;
  return {};
}

json identity_of(const RunSubject& run) {
  const auto& options = run.options;
  json identity = {
      {"recipe", name_of(kRecipes, options.recipe)},
      {"seed", options.seed},
      {"freeze", name_of(kFreezes, options.freeze)},
      {kFrozen, options.frozen},
      {kRates, rates_json(options)},
      {kHeadsFirst, options.heads_first},
      {kOptimizer, name_of(kOptimizers, options.optimizer)},
      {"precision", name_of(kPrecisions, options.engine.precision)},
      {kEngine, engine_text(options.engine)},
      {"batch_size", run.plan.batches.batch_size},
      {"first_iteration", run.plan.first_iteration},
      {"start_weights", run.start.source.empty() ? run.start.description
                                                 : portable(run.start.source, run.project.folder)},
      {"start_weights_fnv1a", fmt::format("{:016x}", run.start.checksum)},
      {"pose_cfg_crc32c", crc_text(read_file(run.config.path))},
      {"training_set_crc32c", crc_text(text_of(run.dataset.records))},
      {"pictures_crc32c", fmt::format("{:08x}", run.pictures.all)},
      {kLabels, crc_text(text_of(run.dataset.labels, run.dataset.split))},
      {"training_pictures", run.dataset.records.size()}};
  if (options.recipe == Recipe::fast) identity["last_iteration"] = run.plan.last_iteration;
  return identity;
}

json with_details(json identity, const RunSubject& run) {
  auto& pictures = identity[kPictures] = json::object();
  for (std::size_t i = 0; i < run.dataset.records.size(); ++i) {
    const auto& record = run.dataset.records[i];
    pictures[fmt::format("{}", fmt::join(record.path, "/"))] = {
        {kPictureSum, fmt::format("{:08x}", run.pictures.each.at(i))},
        {kLabelsSum, crc_text(text_of(std::vector{record}))}};
  }
  identity["pose_cfg"] = portable(run.config.path.string(), run.project.folder);
  identity[kPoseConfigText] = read_file(run.config.path);
  return identity;
}

std::string format_run_record(const RunSubject& run, const fs::path& folder) {
  auto record = with_details(identity_of(run), run);
  record["program"] = "poseheir";
  record["version"] = POSEHEIR_VERSION;
  const auto project = fs::absolute(run.project.folder).lexically_normal();
  record["config"] = (project / "config.yaml")
                         .lexically_relative(fs::absolute(folder).lexically_normal())
                         .string();
  record["net_type"] = run.config.network.net_type;
  record["last_iteration"] = run.plan.last_iteration;
  record["model"] = choice_json(run.choice, run.project);
  record["options"] = options_json(run);
  return record.dump(2) + "\n";
}

std::string with_sums(const std::string& run_record, const TrainResult& result) {
  auto record = json::parse(run_record);
  record["sums"] = {{"ranks", result.ranks},
                    {"bytes_per_step", result.bytes_per_step},
                    {"waited_seconds_per_step", result.waited_seconds_per_step}};
  return record.dump(2) + "\n";
}

RunRecord read_run_record(const fs::path& run_json) try {
  const auto record = json::parse(read_file(run_json));
  RunRecord run;
  run.config = (run_json.parent_path() / record.at("config").get<std::string>()).lexically_normal();
  run.choice = choice_of(record.at("model"));
  run.options = options_of(record.at("options"));
  run.ranks = record.at("options").value("ranks", 1);
  run.options.repeats = record.dump();
  return run;
} catch (const json::exception& error) {
  throw Error(ErrorKind::corrupt, fmt::format("{}: not the run.json of a run of this version: {}",
                                              run_json.string(), error.what()));
} catch (const Error& error) {
  throw error.kind() == ErrorKind::io ? error : error.within(run_json.string());
}

}  // namespace poseheir
