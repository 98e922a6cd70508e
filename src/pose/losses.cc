#include "pose/losses.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <span>

#include "poseheir/error.h"

namespace poseheir {
namespace {

// Sums are taken block by block and then in order, so that they do not depend on the threads.
constexpr std::int64_t kBlock = 8192;

template <typename SumOfRange>
double sum_in_blocks(std::size_t size, int threads, const SumOfRange& sum_of_range) {
  const auto end = static_cast<std::int64_t>(size);
  const auto blocks = (end + kBlock - 1) / kBlock;
  std::vector<double> sums(blocks);
#pragma omp parallel for schedule(static) num_threads(std::max(threads, 1)) if (blocks > 4)
  for (std::int64_t block = 0; block < blocks; ++block)
    sums[block] = sum_of_range(block * kBlock, std::min(end, (block + 1) * kBlock));
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

// Cells of a map that take part; no weights: all.
double count_of(const FeatureMap& output, std::span<const float> weights, int threads) {
  if (weights.empty()) return static_cast<double>(output.values.size());
  return sum_in_blocks(weights.size(), threads, [&](std::int64_t from, std::int64_t to) {
    std::int64_t count = 0;
    for (auto i = from; i < to; ++i) count += weights[i] != 0.0F;
    return static_cast<double>(count);
  });
}

FeatureMap& gradient_like(const FeatureMap& output, FeatureMap& gradient) {
  gradient.count = output.count;
  gradient.height = output.height;
  gradient.width = output.width;
  gradient.channels = output.channels;
  gradient.values.resize(output.values.size());
  return gradient;
}

void check_size(const char* name, const FeatureMap& output, const Targets& targets, int channels,
                std::size_t target_values) {
  if (output.count == targets.count && output.height == targets.height &&
      output.width == targets.width && output.channels == channels &&
      output.values.size() == target_values)
    return;
  throw Error(ErrorKind::mismatch,
              fmt::format("output '{}' has the shape [{},{},{},{}], its targets [{},{},{},{}]",
                          name, output.count, output.height, output.width, output.channels,
                          targets.count, targets.height, targets.width, channels));
}

// Mean sigmoid cross-entropy of logits; weights empty: all ones.
double cross_entropy(const FeatureMap& output, std::span<const float> targets,
                     std::span<const float> weights, double count, int threads,
                     FeatureMap& gradient) {
  auto& slope = gradient_like(output, gradient).values;
  if (count == 0) {
    std::fill(slope.begin(), slope.end(), 0.0F);
    return 0;
  }
  const float factor = static_cast<float>(1 / count);
  const auto sum_of_range = [&](std::int64_t from, std::int64_t to) {
    double sum = 0;
    for (auto i = from; i < to; ++i) {
      const float z = output.values[i], t = targets[i];
      const float weight = weights.empty() ? 1.0F : weights[i];
      const float small = std::exp(-std::abs(z));  // in (0, 1]
      const float sigmoid = z >= 0 ? 1 / (1 + small) : small / (1 + small);
      sum += weight * (std::max(z, 0.0F) - z * t + std::log1p(small));
      slope[i] = weight * factor * (sigmoid - t);
    }
    return sum;
  };
  return sum_in_blocks(output.values.size(), threads, sum_of_range) / count;
}

// weight * (Huber or squared error), averaged over the cells that the mask names; no mask: all.
double regression(const FeatureMap& output, std::span<const float> targets,
                  std::span<const float> mask, double count, double weight, bool huber, int threads,
                  FeatureMap& gradient) {
  auto& slope = gradient_like(output, gradient).values;
  const float factor = count == 0 ? 0.0F : static_cast<float>(weight / count);
  const auto sum_of_range = [&](std::int64_t from, std::int64_t to) {
    double sum = 0;
    for (auto i = from; i < to; ++i) {
      const float error = output.values[i] - targets[i];
      const float size = std::abs(error);
      const float linear = std::clamp(error, -1.0F, 1.0F);
      const float loss = !huber ? error * error : size <= 1 ? error * error / 2 : size - 0.5F;
      const float weighed = mask.empty() ? 1.0F : mask[i];
      sum += weighed == 0.0F ? 0.0F : weighed * loss;
      slope[i] = weighed == 0.0F ? 0.0F : weighed * factor * (huber ? linear : 2 * error);
    }
    return sum;
  };
  const double sum = sum_in_blocks(output.values.size(), threads, sum_of_range);
  return count == 0 ? 0 : weight * sum / count;
}

std::span<const float> part_weights(const Targets& targets, const LossOptions& options) {
  return options.weigh_parts ? std::span<const float>(targets.part_weights)
                             : std::span<const float>();
}

}  // namespace

LossCounts count_cells(const FeatureMaps& outputs, const Targets& targets,
                       const PairwiseTargets* pairwise, const LossOptions& options) {
  const auto count = [&](const char* name, std::span<const float> weights) {
    const auto output = outputs.find(name);
    return output == outputs.end() ? 0 : count_of(output->second, weights, options.threads);
  };
  LossCounts counts;
  counts.part = count("part_pred", part_weights(targets, options));
  counts.part_interm = count("part_pred_interm", {});
  counts.locref = count("locref", targets.locref_mask);
  if (pairwise != nullptr) counts.pairwise = count("pairwise_pred", pairwise->mask);
  return counts;
}

LossValues compute_losses(const FeatureMaps& outputs, const Targets& targets,
                          const PairwiseTargets* pairwise, const LossOptions& options,
                          FeatureMaps& gradients) {
  return compute_losses(outputs, targets, pairwise, options,
                        count_cells(outputs, targets, pairwise, options), gradients);
}

LossValues compute_losses(const FeatureMaps& outputs, const Targets& targets,
                          const PairwiseTargets* pairwise, const LossOptions& options,
                          const LossCounts& counts, FeatureMaps& gradients) {
  LossValues losses;
  const auto part = [&](const char* name, std::span<const float> weights, double count) {
    const auto& output = outputs.at(name);
    check_size(name, output, targets, targets.keypoints + targets.identities,
               targets.part_score.size());
    return cross_entropy(output, targets.part_score, weights, count, options.threads,
                         gradients[name]);
  };
  losses.part = part("part_pred", part_weights(targets, options), counts.part);
  if (outputs.contains("part_pred_interm"))
    losses.part_interm = part("part_pred_interm", {}, counts.part_interm);
  if (const auto locref = outputs.find("locref"); locref != outputs.end()) {
    check_size("locref", locref->second, targets, 2 * targets.keypoints, targets.locref.size());
    losses.locref = regression(locref->second, targets.locref, targets.locref_mask, counts.locref,
                               options.locref_weight, options.locref_huber, options.threads,
                               gradients["locref"]);
  }
  if (const auto head = outputs.find("pairwise_pred"); head != outputs.end()) {
    if (pairwise == nullptr)
      throw Error(ErrorKind::unsupported,
                  "the network has a pairwise head, but single-animal labels give it no targets: "
                  "set pairwise_predict: false in pose_cfg.yaml");
    check_size("pairwise_pred", head->second, targets, head->second.channels,
               pairwise->values.size());
    losses.pairwise = regression(head->second, pairwise->values, pairwise->mask, counts.pairwise,
                                 options.pairwise_weight, options.pairwise_huber, options.threads,
                                 gradients["pairwise_pred"]);
  }
  losses.total = losses.part + losses.part_interm.value_or(0) + losses.locref.value_or(0) +
                 losses.pairwise.value_or(0);
  return losses;
}

}  // namespace poseheir
