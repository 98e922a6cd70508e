// The file of reference values is made, and its tensors are described, by
// tests/oracle/make_fidelity_reference.py.
#include "poseheir/fidelity.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <set>

#include "base/text.h"
#include "pose/losses.h"
#include "poseheir/error.h"
#include "poseheir/reference.h"

namespace poseheir {
namespace {

constexpr const char* kReal = "mobilenet_v2_0.35_imagenet";  // generated heads on a real backbone
constexpr const char* kRealSpec = "mobilenet_v2_0.35";

struct Tolerances {
  double outputs = 2e-5, losses = 1e-5, norms = 2e-3, elements = 5e-3;
};

// Five to ten times what TensorFlow with and without oneDNN differs from itself, and from double
// precision (docs/fidelity.md). A MobileNet normalises 52 times with the statistics of its own few
// cells, and with random weights each layer amplifies rounding.
Tolerances tolerances_of(const std::string& network) {
  if (network == kReal) return {1e-4, 1e-5, 1e-2, 2e-2};
  if (network.starts_with("mobilenet"))
    return {network.ends_with("dual_fusion") ? 3e-4 : 2e-3, 1e-4, 0.1, 0.5};
  return {};
}

const StoredTensor& tensor_of(const Checkpoint& reference, const std::string& name) {
  if (const auto* tensor = reference.find(name)) return *tensor;
  throw Error(ErrorKind::corrupt, fmt::format("{}: no tensor '{}': not a file of reference values",
                                              reference.path.string(), name));
}

std::vector<float> floats_of(const Checkpoint& reference, const std::string& name) {
  return read_floats(tensor_of(reference, name));
}

struct Pictures {
  TensorBytes bytes;
  ImageBatch batch;
};

Pictures pictures_of(const Checkpoint& reference, const std::string& name) {
  const auto& tensor = tensor_of(reference, name);
  Pictures pictures{tensor.read(), {}};
  const auto& shape = tensor.info.shape;
  const auto size = [&](std::size_t from_end) { return int(shape[shape.size() - from_end]); };
  const auto* pixels = reinterpret_cast<const std::uint8_t*>(pictures.bytes.bytes.data());
  pictures.batch = {shape.size() == 4 ? int(shape[0]) : 1,
                    size(3),
                    size(2),
                    {pixels, pictures.bytes.bytes.size()}};
  return pictures;
}

void note(Deviation& deviation, double difference, const std::string& where) {
  if (!(difference > deviation.largest) && !std::isnan(difference)) return;
  if (std::isnan(deviation.largest)) return;
  deviation.largest = difference;
  deviation.where = where;
}

Parameters parameters_of(const Network& network, const Checkpoint* backbone) {
  Parameters parameters;
  for (int i = 0; i < int(network.variables.size()); ++i) {
    const auto& key = network.variables[i].imagenet_key;
    if (backbone == nullptr || key.empty()) {
      parameters.push_back(generated_values(network, i));
      continue;
    }
    const auto* tensor = backbone->find(key);
    if (tensor == nullptr || tensor->info.shape != network.variables[i].info.shape)
      throw Error(
          ErrorKind::mismatch,
          fmt::format("{}: no tensor '{}' of shape {}, as the ImageNet weights of "
                      "MobileNetV2 0.35 have it",
                      backbone->path.string(), key, shape_text(network.variables[i].info.shape)));
    parameters.push_back(read_floats(*tensor));
  }
  return parameters;
}

// "NET/output/97x131/part_pred/every1": every first value of that output.
struct KnownOutput {
  std::string size, name;
  std::size_t step = 1;
};

std::vector<KnownOutput> outputs_of(const Checkpoint& reference, const std::string& network) {
  const auto prefix = network + "/output/";
  std::vector<KnownOutput> outputs;
  for (const auto& tensor : reference.tensors) {
    const std::string_view name = tensor.info.name;
    if (!name.starts_with(prefix)) continue;
    const auto rest = name.substr(prefix.size());
    const auto first = rest.find('/'), last = rest.rfind("/every");
    KnownOutput known{std::string(rest.substr(0, first)),
                      std::string(rest.substr(first + 1, last - first - 1))};
    std::from_chars(rest.data() + last + 6, rest.data() + rest.size(), known.step);
    outputs.push_back(known);
  }
  return outputs;
}

// Largest difference as a fraction of the largest expected value.
double difference(const std::vector<float>& found, const std::vector<float>& expected,
                  std::size_t step, double largest) {
  if ((found.size() + step - 1) / step != expected.size()) return INFINITY;
  double worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double d = std::abs(double(found[i * step]) - double(expected[i]));
    if (!(d <= worst)) worst = d;
    if (std::isnan(worst)) return worst;
  }
  return worst / largest;
}

Deviation compare_outputs(const Checkpoint& reference, const std::string& name,
                          const Network& network, const Parameters& parameters,
                          const EngineOptions& engine) {
  Deviation deviation{"outputs", 0, tolerances_of(name).outputs, ""};
  Predictor predictor(network, parameters, engine);
  std::map<std::string, FeatureMaps> maps;
  for (const auto& known : outputs_of(reference, name)) {
    if (!maps.contains(known.size))
      maps[known.size] = predictor.run(pictures_of(reference, "image/" + known.size).batch);
    const auto place = fmt::format("{} of {}", known.name, known.size);
    const auto found = maps[known.size].find(known.name);
    const auto expected = floats_of(reference, fmt::format("{}/output/{}/{}/every{}", name,
                                                           known.size, known.name, known.step));
    const auto largest =
        floats_of(reference, fmt::format("{}/largest/{}/{}", name, known.size, known.name));
    note(deviation,
         found == maps[known.size].end()
             ? INFINITY
             : difference(found->second.values, expected, known.step, double(largest.at(0))),
         place);
  }
  return deviation;
}

// The batch's arrays, made for 10 x 12 cells, at the size and channels of an output.
std::vector<float> fitted(const Checkpoint& reference, const std::string& name,
                          const FeatureMap& like, int channels) {
  const auto& shape = tensor_of(reference, name).info.shape;
  const auto source = floats_of(reference, name);
  std::vector<float> values;
  values.reserve(std::size_t(like.count) * like.height * like.width * channels);
  for (int n = 0; n < like.count; ++n)
    for (int y = 0; y < like.height; ++y)
      for (int x = 0; x < like.width; ++x) {
        const auto row = n * shape[1] + y * shape[1] / like.height;
        const auto cell = (row * shape[2] + x * shape[2] / like.width) * shape[3];
        for (int c = 0; c < channels; ++c) values.push_back(source[cell + c % shape[3]]);
      }
  return values;
}

Targets targets_for(const Checkpoint& reference, const NetworkSpec& spec, const FeatureMap& like) {
  Targets targets(like.count, like.height, like.width, spec.keypoints);
  targets.identities = spec.identity_channels;
  const int scores = spec.keypoints + spec.identity_channels;
  targets.part_score = fitted(reference, "batch/part_score_targets", like, scores);
  targets.part_weights = fitted(reference, "batch/part_score_weights", like, scores);
  targets.locref = fitted(reference, "batch/locref_targets", like, 2 * spec.keypoints);
  targets.locref_mask =
      fitted(reference, spec.multi_animal ? "batch/locref_mask_multi" : "batch/locref_mask", like,
             2 * spec.keypoints);
  return targets;
}

LossValues losses_of(const Checkpoint& reference, const NetworkSpec& spec, const FeatureMaps& maps,
                     FeatureMaps& gradients) {
  const auto targets = targets_for(reference, spec, maps.at("part_pred"));
  PairwiseTargets pairwise;
  if (const auto head = maps.find("pairwise_pred"); head != maps.end()) {
    const auto& map = head->second;
    pairwise.values = fitted(reference, "batch/pairwise_targets", map, map.channels);
    pairwise.mask = fitted(reference, "batch/pairwise_mask", map, map.channels);
  }
  LossOptions options;
  options.locref_weight = 0.05;
  return compute_losses(maps, targets, &pairwise, options, gradients);
}

Deviation compare_losses(const Checkpoint& reference, const std::string& name,
                         const LossValues& losses) {
  Deviation deviation{"losses", 0, tolerances_of(name).losses, ""};
  const auto compare = [&](const char* loss, double found) {
    const double expected = double(floats_of(reference, name + "/loss/" + loss).at(0));
    note(deviation, std::abs(found - expected) / expected, loss);
  };
  compare("part_loss", losses.part);
  compare("total_loss", losses.total);
  if (losses.part_interm) compare("part_loss_interm", *losses.part_interm);
  if (losses.locref) compare("locref_loss", *losses.locref);
  if (losses.pairwise) compare("pairwise_loss", *losses.pairwise);
  return deviation;
}

// The next layer's batch statistics remove any constant: this gradient is rounding noise.
bool is_noise(const std::string& variable) { return variable.ends_with("project/BatchNorm/beta"); }

double norm_of(const std::vector<float>& values) {
  double sum = 0;
  for (const float v : values) sum += double(v) * double(v);
  return std::sqrt(sum);
}

void compare_gradients(const Checkpoint& reference, const std::string& name, const Network& network,
                       const Trainer& trainer, NetworkFidelity& result) {
  const auto norms = floats_of(reference, name + "/gradient/norm");
  const auto largest = floats_of(reference, name + "/gradient/largest");
  const auto values = floats_of(reference, name + "/gradient/value");
  const auto places = tensor_of(reference, name + "/gradient/index").read();
  if (norms.size() != network.variables.size())
    throw Error(ErrorKind::mismatch,
                fmt::format("{}: {} has {} variables, the reference {}", reference.path.string(),
                            name, network.variables.size(), norms.size()));
  const auto tolerances = tolerances_of(name);
  Deviation norm{"gradient norms", 0, tolerances.norms, ""};
  Deviation element{"gradient elements", 0, tolerances.elements, ""};
  for (std::size_t i = 0; i < norms.size(); ++i) {
    const auto& variable = network.variables[i].info.name;
    if (name.starts_with("mobilenet") && is_noise(variable)) continue;
    const auto gradient = trainer.gradient(int(i));
    if (gradient.empty() || norms[i] < 0) {
      note(norm, gradient.empty() == (norms[i] < 0) ? 0 : INFINITY, variable);
      continue;
    }
    note(norm, std::abs(norm_of(gradient) - double(norms[i])) / double(norms[i]), variable);
    for (std::size_t k = 2 * i; k < 2 * i + 2; ++k) {
      std::int32_t place = 0;
      std::memcpy(&place, places.bytes.data() + k * sizeof place, sizeof place);
      note(element, std::abs(double(gradient.at(place)) - double(values[k])) / double(largest[i]),
           variable);
    }
  }
  result.deviations.push_back(norm);
  result.deviations.push_back(element);
}

void compare_training(const Checkpoint& reference, const std::string& name, const Network& network,
                      Parameters parameters, const EngineOptions& engine, NetworkFidelity& result) {
  const auto inputs = pictures_of(reference, "batch/inputs");
  Trainer trainer(network, std::move(parameters), {}, engine);
  FeatureMaps gradients;
  const auto losses = losses_of(reference, network.spec, trainer.forward(inputs.batch), gradients);
  result.deviations.push_back(compare_losses(reference, name, losses));
  trainer.backward(gradients);
  compare_gradients(reference, name, network, trainer, result);
}

}  // namespace

bool NetworkFidelity::passed() const {
  return obstacle.empty() && std::all_of(deviations.begin(), deviations.end(),
                                         [](const auto& deviation) { return deviation.passed(); });
}

std::vector<std::string> fidelity_networks(const Checkpoint& reference) {
  std::set<std::string> networks;
  for (const auto& tensor : reference.tensors)
    if (const auto end = tensor.info.name.find("/output/"); end != std::string::npos)
      networks.insert(tensor.info.name.substr(0, end));
  return {networks.begin(), networks.end()};
}

NetworkFidelity measure_fidelity(const Checkpoint& reference, const std::string& name,
                                 const EngineOptions& engine, const Checkpoint* backbone) {
  const auto known = fidelity_networks(reference);
  if (std::find(known.begin(), known.end(), name) == known.end())
    throw Error(ErrorKind::usage, fmt::format("no network '{}'{}; known are {}", printable(name),
                                              nearest_hint(name, known), fmt::join(known, ", ")));
  NetworkFidelity result;
  result.network = name;
  if (name == kReal && backbone == nullptr) {
    result.obstacle = "its ImageNet weights are not shipped; name them with --weights";
    return result;
  }
  const auto network = build_network(reference_spec(name == kReal ? kRealSpec : name));
  auto parameters = parameters_of(network, name == kReal ? backbone : nullptr);
  try {
    result.deviations.push_back(compare_outputs(reference, name, network, parameters, engine));
    // The one that DeepLabCut cannot build has outputs alone.
    if (reference.find(name + "/loss/total_loss") != nullptr)
      compare_training(reference, name, network, std::move(parameters), engine, result);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::unsupported) throw;
    result.obstacle = error.what();
  }
  return result;
}

}  // namespace poseheir
