#include <fmt/format.h>

#include "base/text.h"
#include "poseheir/engine.h"
#include "poseheir/error.h"

namespace poseheir {

Parameters initial_parameters(const Network& network, std::uint64_t seed) {
  Parameters parameters;
  for (const auto& variable : network.variables)
    parameters.push_back(initial_values(variable, seed));
  return parameters;
}

Parameters load_parameters(const Network& network, const Checkpoint& source) {
  Parameters parameters;
  for (const auto& variable : network.variables) {
    const auto& info = variable.info;
    const auto* tensor = source.find(info.name);
    if (tensor == nullptr) {
      std::vector<std::string> names;
      for (const auto& known : source.tensors) names.push_back(known.info.name);
      throw Error(ErrorKind::mismatch,
                  fmt::format("{}: no tensor '{}', which {} needs{}", source.path.string(),
                              info.name, network.spec.net_type, nearest_hint(info.name, names)));
    }
    if (tensor->info.shape != info.shape)
      throw Error(
          ErrorKind::mismatch,
          fmt::format("{}: '{}' is {}, but {} with {} keypoints needs {}", source.path.string(),
                      info.name, shape_text(tensor->info.shape), network.spec.net_type,
                      network.spec.keypoints, shape_text(info.shape)));
    parameters.push_back(read_floats(*tensor));
  }
  return parameters;
}

std::vector<StoredTensor> stored_parameters(const Network& network, const Parameters& parameters) {
  std::vector<StoredTensor> tensors;
  for (std::size_t i = 0; i < network.variables.size(); ++i)
    tensors.push_back(make_tensor(network.variables[i].info, parameters[i]));
  return tensors;
}

}  // namespace poseheir
