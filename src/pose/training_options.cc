#include "pose/training_options.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>

#include "base/text.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

Error wrong(const PoseConfig& config, ErrorKind kind, const std::string& key,
            const std::string& text) {
  const auto line = config.lines.find(key.substr(0, key.find('.')));
  const auto place = line == config.lines.end()
                         ? config.path.string()
                         : fmt::format("{}, line {}", config.path.string(), line->second);
  return {kind, fmt::format("{}: key '{}' {}", place, key, text)};
}

std::string scalar(const PoseConfig& config, const std::string& key) {
  const auto found = config.values.find(key);
  return found == config.values.end() ? std::string() : to_lower(found->second);
}

enum class ScalarKind { absent, yes, no, whole, real };

// YAML's type decides in several of DeepLabCut's rules.
ScalarKind kind_of(const std::string& text) {
  if (text.empty()) return ScalarKind::absent;
  if (text == "true" || text == "yes" || text == "on") return ScalarKind::yes;
  if (text == "false" || text == "no" || text == "off") return ScalarKind::no;
  const bool digits = text.find_first_not_of("+-0123456789") == std::string::npos;
  return digits ? ScalarKind::whole : ScalarKind::real;
}

int whole(const PoseConfig& config, const std::string& key, int otherwise) {
  return static_cast<int>(config.number(key, otherwise));
}

double above_zero(const PoseConfig& config, const std::string& key, double otherwise) {
  const double value = config.number(key, otherwise);
  if (!(value > 0 && std::isfinite(value)))
    throw wrong(config, ErrorKind::usage, key,
                fmt::format("is {}, expected a number above 0", value));
  return value;
}

int whole_above_zero(const PoseConfig& config, const std::string& key, int otherwise) {
  const double value = above_zero(config, key, otherwise);
  if (value != std::floor(value) || value > 1e9)
    throw wrong(config, ErrorKind::usage, key,
                fmt::format("is {}, expected a whole number above 0", value));
  return static_cast<int>(value);
}

// The probability of a flip: a whole number or a boolean counts as it is, all else means a half.
std::optional<Sometimes> flip_option(const PoseConfig& config, const std::string& key,
                                     double apply_probability) {
  const auto kind = kind_of(scalar(config, key));
  double chance = 0.5;
  if (kind == ScalarKind::absent || kind == ScalarKind::no) return std::nullopt;
  if (kind == ScalarKind::yes) chance = 1;
  if (kind == ScalarKind::whole) chance = config.number(key, 0);
  if (chance == 0) return std::nullopt;
  return Sometimes{apply_probability, {chance, chance, {}}, {}};
}

double rotation_degrees(const PoseConfig& config) {
  switch (kind_of(scalar(config, "rotation"))) {
    case ScalarKind::no:
      return 0;
    case ScalarKind::real:
      return 25;
    case ScalarKind::whole:
      return std::max(0.0, config.number("rotation", 0));
    default:
      return 1;  // true is one degree to DeepLabCut
  }
}

// A number, a range's two ends or a choice, as imgaug takes it from a YAML file: lists are choices.
Parameter parameter(const PoseConfig& config, const std::string& key, Parameter otherwise) {
  if (const auto list = config.lists.find(key); list != config.lists.end()) {
    Parameter choice;
    for (const auto& row : list->second)
      choice.choices.insert(choice.choices.end(), row.begin(), row.end());
    if (choice.choices.empty())
      throw wrong(config, ErrorKind::usage, key, "is an empty list, expected numbers");
    return choice;
  }
  if (!config.has(key)) return otherwise;
  const double value = config.number(key, 0);
  return {value, value, {}};
}

bool has_below(const PoseConfig& config, const std::string& prefix) {
  const auto starts = [&](const auto& map) {
    const auto found = map.lower_bound(prefix);
    return found != map.end() && found->first.starts_with(prefix);
  };
  return starts(config.values) || starts(config.lists);
}

void check_parameters(const PoseConfig& config, const std::string& prefix,
                      const std::vector<std::string>& known) {
  const auto check = [&](const auto& map) {
    for (auto it = map.lower_bound(prefix); it != map.end() && it->first.starts_with(prefix);
         ++it) {
      const auto name = it->first.substr(prefix.size());
      if (std::find(known.begin(), known.end(), name) == known.end())
        throw wrong(config, ErrorKind::usage, it->first,
                    "is no parameter of this augmenter" + nearest_hint(name, known));
    }
  };
  check(config.values);
  check(config.lists);
}

struct Named {
  std::string name;
  Parameter range;
};

// contrast.clahe and its like: on if true or a map (of its parameters), with probability
// <name>ratio.
Sometimes group_member(const PoseConfig& config, const std::string& group, const std::string& name,
                       const std::vector<Named>& parameters) {
  const auto key = group + "." + name;
  const auto kind = kind_of(scalar(config, key));
  const bool is_map = has_below(config, key + ".");
  if (!is_map && (kind == ScalarKind::absent || kind == ScalarKind::no)) return {};
  std::vector<std::string> names;
  for (const auto& known : parameters) names.push_back(known.name);
  check_parameters(config, key + ".", names);
  Sometimes augmenter;
  augmenter.probability = config.number(key + "ratio", 0.1);
  if (!parameters.empty())
    augmenter.first = parameter(config, key + "." + parameters[0].name, parameters[0].range);
  if (parameters.size() > 1)
    augmenter.second = parameter(config, key + "." + parameters[1].name, parameters[1].range);
  return augmenter;
}

std::vector<int> partners(const PoseConfig& config) {
  std::vector<int> partner(config.network.keypoints);
  std::iota(partner.begin(), partner.end(), 0);
  const auto swap = [&](const char* key, int a, int b) {
    const int count = static_cast<int>(partner.size());
    if (a < 0 || b < 0 || a >= count || b >= count)
      throw wrong(
          config, ErrorKind::usage, key,
          fmt::format("pairs {} with {}, but there are {} keypoints (from 0)", a, b, count));
    std::swap(partner[a], partner[b]);
  };
  if (const auto pairs = config.lists.find("symmetric_pairs"); pairs != config.lists.end()) {
    for (const auto& pair : pairs->second)
      if (pair.size() == 2)
        swap("symmetric_pairs", static_cast<int>(pair[0]), static_cast<int>(pair[1]));
    return partner;
  }
  for (const auto& joint : config.all_joints)
    if (joint.size() == 2) swap("all_joints", joint[0], joint[1]);
  return partner;
}

void read_blur(const PoseConfig& config, double apply, AugmentOptions& augment) {
  const auto kind = kind_of(scalar(config, "motion_blur"));
  if (kind == ScalarKind::no) return;
  check_parameters(config, "motion_blur_params.", {"k", "angle", "direction"});
  augment.motion_blur = {apply, {-90, 90, {}}, {-1, 1, {}}};
  if (!has_below(config, "motion_blur_params.")) return;
  // imgaug's own defaults for what the map leaves out
  augment.blur_size = parameter(config, "motion_blur_params.k", {3, 7, {}});
  augment.motion_blur.first = parameter(config, "motion_blur_params.angle", {0, 360, {}});
  augment.motion_blur.second = parameter(config, "motion_blur_params.direction", {-1, 1, {}});
}

Parameter noise_deviation(const PoseConfig& config) {
  const auto noise = kind_of(scalar(config, "gaussian_noise"));
  if (noise == ScalarKind::absent || noise == ScalarKind::no) return {};
  return {0, noise == ScalarKind::yes ? 1 : config.number("gaussian_noise", 0), {}};
}

// imgaug's augmenters in [contrast] and [convolution], the same for all loaders.
void read_groups(const PoseConfig& config, AugmentOptions& augment) {
  augment.histeq = group_member(config, "contrast", "histeq", {});
  augment.clahe = group_member(config, "contrast", "clahe",
                               {{"clip_limit", {0.1, 8, {}}}, {"tile_grid_size_px", {3, 12, {}}}});
  augment.log = group_member(config, "contrast", "log", {{"gain", {0.4, 1.6, {}}}});
  augment.linear = group_member(config, "contrast", "linear", {{"alpha", {0.6, 1.4, {}}}});
  augment.sigmoid = group_member(config, "contrast", "sigmoid",
                                 {{"gain", {5, 6, {}}}, {"cutoff", {0.3, 0.6, {}}}});
  augment.gamma = group_member(config, "contrast", "gamma", {{"gamma", {0.7, 1.7, {}}}});
  augment.sharpen = group_member(config, "convolution", "sharpen",
                                 {{"alpha", {0, 0.2, {}}}, {"lightness", {0.8, 1.2, {}}}});
  augment.emboss = group_member(config, "convolution", "emboss",
                                {{"alpha", {0, 1, {}}}, {"strength", {0.25, 1, {}}}});
  augment.edge = group_member(config, "convolution", "edge", {{"alpha", {0, 0.75, {}}}});
}

AugmentOptions augment_options(const PoseConfig& config) {
  const double apply = config.number("apply_prob", 0.5);
  AugmentOptions augment;
  augment.mirror = flip_option(config, "mirror", apply);
  augment.partner = partners(config);
  if (config.has("symmetric_pairs")) augment.fliplr = flip_option(config, "fliplr", apply);
  const double degrees = rotation_degrees(config);
  if (degrees > 0)
    augment.rotation = {config.number("rotateratio", 0.4), {-degrees, degrees, {}}, {}};
  read_blur(config, apply, augment);
  if (config.flag("covering", true)) augment.covering.probability = apply;
  if (config.flag("elastic_transform", true)) augment.elastic = {apply, {0, 40, {}}, {}};
  if (const auto noise = noise_deviation(config); noise.high > 0)
    augment.noise = {apply, noise, {}};
  if (config.flag("grayscale", false)) augment.greyscale = {apply, {0.5, 1, {}}, {}};
  read_groups(config, augment);
  double crop_by = config.number("crop_by", 0.15);
  if (crop_by == 0) crop_by = 0.15;
  augment.crop_and_pad = {config.number("cropratio", 0.4), {-crop_by, crop_by, {}}, {}};
  return augment;
}

// What several animals' loader draws: fewer augmenters, and all of them off unless asked for.
AugmentOptions animal_augment_options(const PoseConfig& config) {
  const double apply = config.number("apply_prob", 0.5);
  AugmentOptions augment;
  augment.partner = partners(config);
  if (config.has("symmetric_pairs")) augment.fliplr = flip_option(config, "fliplr", apply);
  const auto rotation = kind_of(scalar(config, "rotation"));
  const double degrees = rotation == ScalarKind::absent ? 0
                         : rotation == ScalarKind::real ? 10
                                                        : rotation_degrees(config);
  if (degrees > 0) augment.rotation = {apply, {-degrees, degrees, {}}, {}};
  if (config.flag("hist_eq", false)) augment.equalize.probability = apply;
  if (config.flag("motion_blur", false)) augment.motion_blur = {apply, {-90, 90, {}}, {-1, 1, {}}};
  if (config.flag("covering", false)) augment.covering = {apply, {0, 0.02, {}}, {0.01, 0.05, {}}};
  augment.covering_per_channel = 0;
  if (config.flag("elastic_transform", false)) augment.elastic = {apply, {0, 40, {}}, {}};
  if (const auto noise = noise_deviation(config); noise.high > 0)
    augment.noise = {apply, noise, {}};
  if (config.flag("grayscale", false)) augment.greyscale = {apply, {0.5, 1, {}}, {}};
  read_groups(config, augment);
  return augment;
}

// [width, height], or nothing.
std::vector<int> two_sizes(const PoseConfig& config, const std::string& key) {
  const auto found = config.lists.find(key);
  if (found == config.lists.end() || found->second.empty() || found->second[0].empty()) return {};
  const auto& row = found->second[0];
  if (found->second.size() != 1 || row.size() != 2 || row[0] < 1 || row[1] < 1)
    throw wrong(config, ErrorKind::usage, key, "is no [width, height] of whole pixels");
  return {static_cast<int>(row[0]), static_cast<int>(row[1])};
}

CropSampling crop_sampling(const PoseConfig& config) {
  const auto name = config.text("crop_sampling", "hybrid");
  if (name == "uniform") return CropSampling::uniform;
  if (name == "keypoints") return CropSampling::keypoints;
  if (name == "density") return CropSampling::density;
  if (name == "hybrid") return CropSampling::hybrid;
  throw wrong(config, name == "none" ? ErrorKind::unsupported : ErrorKind::usage, "crop_sampling",
              fmt::format("is '{}'; set it to uniform, keypoints, density or hybrid", name));
}

AnimalBatchOptions animal_batch_options(const PoseConfig& config) {
  AnimalBatchOptions options;
  if (const auto size = two_sizes(config, "crop_size"); !size.empty()) {
    options.width = size[0];
    options.height = size[1];
  }
  options.max_shift = std::clamp(config.number("max_shift", 0.4), 0.0, 0.4);
  options.sampling = crop_sampling(config);
  options.pre_resize = two_sizes(config, "pre_resize");
  options.map_unit = std::max(1, whole(config, "smfactor", 2));
  options.identities = config.network.identity_channels;
  if (config.flag("weigh_only_present_joints", false))
    throw wrong(config, ErrorKind::unsupported, "weigh_only_present_joints",
                "is true, which DeepLabCut itself cannot train with several animals; set it to "
                "false");
  auto& targets = options.targets;
  targets.stride_pixels = config.number("stride", 8);
  targets.disc_radius_pixels = config.number("pos_dist_thresh", 17);
  targets.locref_stdev = config.number("locref_stdev", 7.2801);
  targets.limb_width_pixels = config.number("pafwidth", 20);
  const auto graph = config.lists.find("partaffinityfield_graph");
  if (!config.network.paf_predict || graph == config.lists.end()) return options;
  for (const auto& limb : graph->second) {
    if (limb.size() != 2)
      throw wrong(config, ErrorKind::usage, "partaffinityfield_graph", "is no list of pairs");
    targets.limbs.push_back({static_cast<int>(limb[0]), static_cast<int>(limb[1])});
  }
  return options;
}

LoaderKind loader_kind(const PoseConfig& config) {
  const auto& type = config.dataset_type;
  if (type == "multi-animal-imgaug") return LoaderKind::animals;
  if (type == "imgaug" || type == "default") return LoaderKind::imgaug;
  if (type == "scalecrop" || type == "deterministic") return LoaderKind::scalecrop;
  if (type == "tensorpack") return LoaderKind::tensorpack;
  throw wrong(config, ErrorKind::unsupported, "dataset_type",
              fmt::format("is '{}'; Poseheir trains with imgaug, scalecrop, deterministic, "
                          "tensorpack or multi-animal-imgaug",
                          type));
}

}  // namespace

void refuse_unfollowed_keys(const PoseConfig& config, NetworkUse use) {
  constexpr double kMultiScaleStride = 8;  // below it
  const auto& network = config.network;
  if (network.net_type.find("efficientnet") == std::string::npos) return;
  if (use == NetworkUse::training && network.stride >= kMultiScaleStride) return;
  for (const auto* key : {"use_batch_norm", "use_drop_out"})
    if (config.flag(key, false))
      throw wrong(config, ErrorKind::unsupported, key,
                  "is true, with which DeepLabCut computes another network (batch statistics, "
                  "dropout) than Poseheir does; set it to false");
}

TargetOptions target_options(const PoseConfig& config) {
  TargetOptions options;
  options.stride_pixels = config.number("stride", 8);
  options.disc_radius_pixels = above_zero(config, "pos_dist_thresh", 17);
  options.locref_stdev = above_zero(config, "locref_stdev", 7.2801);
  options.gaussian = config.text("scmap_type", "") == "gaussian";
  options.only_present_joints = config.flag("weigh_only_present_joints", false);
  return options;
}

LossOptions loss_options(const PoseConfig& config) {
  LossOptions options;
  options.weigh_parts = config.flag("weigh_part_predictions", false);
  options.locref_weight = config.number("locref_loss_weight", 1);
  options.locref_huber = config.flag("locref_huber_loss", true);
  options.pairwise_weight = config.number("pairwise_loss_weight", 0.1);
  options.pairwise_huber = config.flag("pairwise_huber_loss", true);
  return options;
}

DecodeOptions decode_options(const PoseConfig& config) {
  DecodeOptions options;
  options.stride_pixels = config.number("stride", 8);
  options.locref_stdev = config.number("locref_stdev", 7.2801);
  options.outputs = whole(config, "num_outputs", 1);
  return options;
}

BatchOptions batch_options(const PoseConfig& config) {
  BatchOptions options;
  options.kind = loader_kind(config);
  const bool several = options.kind == LoaderKind::animals;
  const bool one_by_one =
      options.kind == LoaderKind::scalecrop || options.kind == LoaderKind::tensorpack;
  options.batch_size = one_by_one ? 1 : whole_above_zero(config, "batch_size", 1);
  options.global_scale = above_zero(config, "global_scale", 1);
  if (config.has("scale_jitter_lo") && config.has("scale_jitter_up"))
    options.scale_jitter = {above_zero(config, "scale_jitter_lo", 1),
                            above_zero(config, "scale_jitter_up", 1)};
  options.min_input_size = config.number("min_input_size", several ? 100 : 64);
  options.max_input_size = config.number("max_input_size", several ? 1e9 : 1500);
  options.shuffle = config.flag("shuffle", true);
  options.constant_draws =
      config.dataset_type != "scalecrop" && config.flag("deterministic", false);
  options.mirror = options.kind == LoaderKind::scalecrop &&
                   kind_of(scalar(config, "mirror")) != ScalarKind::no &&
                   kind_of(scalar(config, "mirror")) != ScalarKind::absent;
  options.crop.enabled = config.flag("crop", config.dataset_type == "scalecrop");
  options.crop.probability = config.number("cropratio", 0.4);
  options.crop.min_size = whole(config, "minsize", 100);
  options.crop.left = whole(config, "leftwidth", 400);
  options.crop.right = whole(config, "rightwidth", 400);
  options.crop.top = whole(config, "topheight", 400);
  options.crop.bottom = whole(config, "bottomheight", 400);
  options.augment = several ? animal_augment_options(config) : augment_options(config);
  if (options.kind == LoaderKind::tensorpack)
    options.tensorpack = tensorpack_options(config, rotation_degrees(config));
  if (several) options.animals = animal_batch_options(config);
  options.targets = target_options(config);
  options.keypoints = config.network.keypoints;
  return options;
}

std::vector<RateStep> rate_steps(const PoseConfig& config) {
  const auto list = config.lists.find("multi_step");
  if (list == config.lists.end())
    throw wrong(
        config, ErrorKind::usage, "multi_step",
        fmt::format("{}; expected a list of [learning rate, last iteration]",
                    config.has("multi_step") ? "holds something else than numbers" : "is missing"));
  std::vector<RateStep> steps;
  for (const auto& step : list->second) {
    if (step.size() != 2)
      throw wrong(config, ErrorKind::usage, "multi_step",
                  "must be a list of [learning rate, last iteration]");
    if (!(step[0] >= 0 && std::isfinite(step[0]) && std::abs(step[1]) < 1e15))
      throw wrong(
          config, ErrorKind::usage, "multi_step",
          fmt::format("has [{}, {}], expected [learning rate, last iteration]", step[0], step[1]));
    steps.push_back({step[0], static_cast<std::int64_t>(step[1])});
  }
  return steps;
}

CosineDecay cosine_decay(const PoseConfig& config) {
  return {config.number("lr_init", 0.0005),
          static_cast<std::int64_t>(config.number("decay_steps", 30000)),
          config.number("alpha_r", 0.02)};
}

}  // namespace poseheir
