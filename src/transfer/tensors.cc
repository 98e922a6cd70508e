// The tensors of model B: what can be passed through as it is stored, is; the rest is made when it
// is written.
#include <fmt/format.h>
#include <memory>

#include "poseheir/error.h"
#include "poseheir/transfer.h"

namespace poseheir {
namespace {

StoredTensor computed(TensorInfo info, std::function<std::vector<float>()> compute) {
  StoredTensor tensor;
  tensor.info = info;
  tensor.info.dtype = DType::f32;
  tensor.read = [info = tensor.info, compute = std::move(compute)] {
    return make_tensor(info, compute()).read();
  };
  return tensor;
}

const StoredTensor& required(const Checkpoint& checkpoint, const std::string& name) {
  const auto* tensor = checkpoint.find(name);
  if (tensor == nullptr)
    throw Error(ErrorKind::mismatch, fmt::format("{}: no tensor '{}', which the plan names",
                                                 checkpoint.path.string(), name));
  return *tensor;
}

StoredTensor passed_through(const StoredTensor& source, const TensorInfo& target) {
  if (source.info.dtype != DType::f32)
    return computed(target, [source] { return read_floats(source); });
  auto tensor = source;
  tensor.info.name = target.name;
  return tensor;
}

// Elements before, along and after one dimension.
struct Strides {
  std::size_t outer = 1, inner = 1;
};

Strides strides_of(const std::vector<std::int64_t>& shape, std::size_t axis) {
  Strides strides;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i < axis) strides.outer *= static_cast<std::size_t>(shape[i]);
    if (i > axis) strides.inner *= static_cast<std::size_t>(shape[i]);
  }
  return strides;
}

// One value passes bit for bit.
template <typename Value>
float mean_of(const std::vector<int>& sources, Value value) {
  float sum = value(sources.front());
  for (std::size_t i = 1; i < sources.size(); ++i) sum += value(sources[i]);
  return sources.size() == 1 ? sum : sum / static_cast<float>(sources.size());
}

std::vector<float> selected(const TransferStep& step, const std::vector<float>& source,
                            std::uint64_t seed) {
  auto values = initial_values(step.target, seed);  // what has no partner keeps these
  const auto strides = strides_of(step.target.info.shape, step.axis);
  const auto source_channels = static_cast<std::size_t>(step.source_shape[step.axis]);
  const auto channels = step.channels.size();
  for (std::size_t o = 0; o < strides.outer; ++o) {
    for (std::size_t channel = 0; channel < channels; ++channel) {
      const auto& from = step.channels[channel];
      if (from.empty()) continue;
      for (std::size_t i = 0; i < strides.inner; ++i)
        values[(o * channels + channel) * strides.inner + i] = mean_of(from, [&](int s) {
          return source[(o * source_channels + static_cast<std::size_t>(s)) * strides.inner + i];
        });
    }
  }
  return values;
}

}  // namespace

std::vector<StoredTensor> transferred_tensors(const TransferPlan& plan, const Checkpoint& source,
                                              const Checkpoint* init, std::uint64_t seed) {
  std::vector<StoredTensor> tensors;
  for (const auto& step : plan.steps) {
    const auto& info = step.target.info;
    switch (step.action) {
      case TransferAction::copy:
        tensors.push_back(passed_through(required(source, step.source), info));
        break;
      case TransferAction::from_init:
        tensors.push_back(passed_through(required(*init, step.source), info));
        break;
      case TransferAction::select_keypoints:
        tensors.push_back(computed(info, [step, stored = required(source, step.source), seed] {
          return selected(step, read_floats(stored), seed);
        }));
        break;
      case TransferAction::initialize:
        tensors.push_back(computed(
            info, [variable = step.target, seed] { return initial_values(variable, seed); }));
        break;
    }
  }
  return tensors;
}

}  // namespace poseheir
