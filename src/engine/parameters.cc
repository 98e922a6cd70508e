#include "poseheir/engine.h"

namespace poseheir {

Parameters initial_parameters(const Network& network, std::uint64_t seed) {
  Parameters parameters;
  for (const auto& variable : network.variables)
    parameters.push_back(initial_values(variable, seed));
  return parameters;
}

Parameters load_parameters(const Network& network, const Checkpoint& source) {
  check_fits(network, source, Needs::everything);
  Parameters parameters;
  for (const auto& variable : network.variables)
    parameters.push_back(read_floats(*source.find(variable.info.name)));
  return parameters;
}

std::vector<StoredTensor> stored_parameters(const Network& network, const Parameters& parameters) {
  std::vector<StoredTensor> tensors;
  for (std::size_t i = 0; i < network.variables.size(); ++i)
    tensors.push_back(make_tensor(network.variables[i].info, parameters[i]));
  return tensors;
}

}  // namespace poseheir
