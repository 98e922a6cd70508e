#include <fmt/format.h>

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
  check_fits(network, source, Needs::everything);
  Parameters parameters;
  for (const auto& variable : network.variables)
    parameters.push_back(read_floats(*source.find(variable.info.name)));
  return parameters;
}

StoredTensor tensor_view(const TensorInfo& info, const std::vector<float>& values) {
  if (info.dtype != DType::f32 || element_count(info.shape) != values.size())
    throw Error(ErrorKind::mismatch,
                fmt::format("'{}': {} float32 values do not make a {} {}", info.name, values.size(),
                            dtype_name(info.dtype), shape_text(info.shape)));
  return {info, [&values] { return TensorBytes{std::as_bytes(std::span(values)), nullptr}; }, {}};
}

std::vector<StoredTensor> stored_parameters(const Network& network, const Parameters& parameters) {
  std::vector<StoredTensor> tensors;
  for (std::size_t i = 0; i < network.variables.size(); ++i)
    tensors.push_back(tensor_view(network.variables[i].info, parameters[i]));
  return tensors;
}

}  // namespace poseheir
