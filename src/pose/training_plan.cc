#include "pose/training_plan.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "pose/layer_groups.h"
#include "pose/schedule.h"
#include "pose/training_options.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

bool is_efficientnet(const Network& network) {
  return network.spec.net_type.find("efficientnet") != std::string::npos;
}

// deeplabcut/pose_estimation_tensorflow/core/train.py of 3.0.2, where is_cuda_build is false.
std::vector<RateStep> steps_without_cuda() { return {{1e-4, 7500}, {5e-5, 12000}, {1e-5, 200000}}; }

std::string optimizer_name(const PoseConfig& config, OptimizerChoice choice) {
  if (choice == OptimizerChoice::sgd) return "sgd";
  if (choice != OptimizerChoice::by_config) return "adam";
  auto name = config.text("optimizer", "sgd");
  if (name != "sgd" && name != "adam")
    throw Error(ErrorKind::usage, fmt::format("{}: optimizer is '{}', expected sgd or adam",
                                              config.path.string(), name));
  return name;
}

void plan_dlc(TrainingPlan& plan, const Network& network, const PoseConfig& config,
              const TrainOptions& options) {
  const bool automatic = options.optimizer == OptimizerChoice::without_cuda;
  const auto steps = automatic ? steps_without_cuda() : rate_steps(config);
  const auto optimizer = optimizer_name(config, options.optimizer);
  plan.optimizer.kind = optimizer == "adam" || is_efficientnet(network)
                            ? OptimizerKind::adam
                            : OptimizerKind::sgd_momentum;
  const auto first = plan.first_iteration;
  if (is_efficientnet(network)) {
    auto decay = cosine_decay(config);
    if (automatic) decay.initial = 5e-4;
    plan.rate = [decay, first](std::int64_t it) { return cosine_rate(decay, it - first); };
  } else {
    plan.rate = [steps, first](std::int64_t it) { return multi_step_rate(steps, it - first); };
  }
  const auto most = steps.back().last_iteration;
  plan.last_iteration = first + std::min(most, options.max_iterations.value_or(most));
  plan.display_iterations = static_cast<std::int64_t>(config.number("display_iters", 1000));
  plan.save_iterations = static_cast<std::int64_t>(config.number("save_iters", 50000));
}

// Figures on openfield and the demo: docs/validation.md. Not tuned beyond those MobileNet runs.
void plan_fast(TrainingPlan& plan, const Network& network, const TrainOptions& options) {
  constexpr std::int64_t kIterations = 1000, kWarmUp = 30;
  constexpr int kBatch = 4;
  constexpr double kJitter = 0.25;
  auto& batches = plan.batches;
  batches.kind = LoaderKind::fast;
  batches.batch_size = kBatch;
  // The scales that prediction meets: pictures come at their own size there.
  batches.global_scale = 1;
  batches.scale_jitter = {1 - kJitter, 1 + kJitter};
  batches.constant_draws = false;
  // Batch statistics rein in large steps; networks with fixed ones take smaller steps.
  const bool reined = std::any_of(network.layers.begin(), network.layers.end(),
                                  [](const Layer& layer) { return layer.batch_statistics; });
  const double peak = reined ? 1e-3 : 2e-4;
  plan.optimizer.kind = OptimizerKind::adam;
  const auto first = plan.first_iteration;
  const auto iterations = options.max_iterations.value_or(kIterations);
  plan.last_iteration = first + iterations;
  plan.rate = [=](std::int64_t it) {
    return warm_cosine_rate(peak, it - first, std::min(kWarmUp, iterations / 4 + 1),
                            iterations + 1);
  };
  plan.display_iterations = std::max<std::int64_t>(1, iterations / 50);
  plan.save_iterations = std::max<std::int64_t>(1, iterations / 4);
}

std::vector<bool> trained_variables(const Network& network, const PoseConfig& config,
                                    const TrainOptions& options) {
  const auto freeze = options.freeze;
  const bool encoder_frozen = config.flag("freezeencoder", false);
  std::vector<bool> trained;
  for (const auto& variable : network.variables) {
    const bool frozen = (freeze != Freeze::none && variable.part == NetworkPart::base) ||
                        (freeze == Freeze::backbone && is_of_backbone(variable.part)) ||
                        (encoder_frozen && !variable.info.name.starts_with("pose"));
    trained.push_back(variable.trainable && !frozen);
  }
  for (const auto& group : options.frozen) {
    const auto named = variables_named(network, group);
    for (std::size_t i = 0; i < trained.size(); ++i) trained[i] = trained[i] && !named[i];
  }
  if (std::find(trained.begin(), trained.end(), true) == trained.end())
    throw Error(ErrorKind::usage, "--freeze leaves nothing to train; freeze less");
  return trained;
}

void plan_rates(TrainingPlan& plan, const Network& network, const TrainOptions& options) {
  if (!options.layer_rates.empty()) plan.rate_factors.assign(network.variables.size(), 1.0F);
  for (const auto& [group, factor] : options.layer_rates) {
    if (!(factor >= 0 && std::isfinite(factor)))
      throw Error(ErrorKind::usage,
                  fmt::format("--rate {}={}: expected a factor from 0", group, factor));
    const auto named = variables_named(network, group);
    for (std::size_t i = 0; i < named.size(); ++i)
      if (named[i]) plan.rate_factors[i] = static_cast<float>(factor);
  }
  if (options.heads_first <= 0) return;
  plan.heads_alone_until = plan.first_iteration + options.heads_first;
  const auto heads = variables_named(network, "heads");
  for (std::size_t i = 0; i < heads.size(); ++i)
    plan.head_factors.push_back(!heads[i]                   ? 0.0F
                                : plan.rate_factors.empty() ? 1.0F
                                                            : plan.rate_factors[i]);
}

void set_batch_size(int size, BatchOptions& batches, const PoseConfig& config) {
  constexpr int kMost = 1 << 16;
  const bool one_by_one =
      batches.kind == LoaderKind::scalecrop || batches.kind == LoaderKind::tensorpack;
  if (one_by_one && size > 1)
    throw Error(ErrorKind::usage,
                fmt::format("{}: dataset_type {} gives one picture at a time, so --batch-size {} "
                            "asks in vain; leave it out, or take imgaug or --recipe fast",
                            config.path.string(), config.dataset_type, size));
  if (size > kMost)
    throw Error(ErrorKind::usage,
                fmt::format("--batch-size {}: at most {} pictures in a batch", size, kMost));
  batches.batch_size = std::max(1, size);
}

}  // namespace

void measure_errors_every(std::int64_t interval, TrainingPlan& plan) {
  const auto up = [](std::int64_t a, std::int64_t b) { return (a + b - 1) / b; };
  const auto wanted = std::max(plan.eval_iterations, interval), save = plan.save_iterations;
  plan.eval_at_snapshots = wanted <= save;
  plan.eval_iterations = wanted <= save ? up(save, save / wanted) : up(wanted, save) * save;
}

TrainingPlan plan_training(const Network& network, const PoseConfig& config,
                           const TrainOptions& options, std::int64_t first_iteration) {
  TrainingPlan plan;
  plan.first_iteration = first_iteration;
  plan.batches = batch_options(config);
  plan.losses = loss_options(config);
  plan.losses.threads = std::max(1, options.engine.threads);
  if (options.recipe == Recipe::dlc)
    plan_dlc(plan, network, config, options);
  else
    plan_fast(plan, network, options);
  plan.batches.seed = options.seed;
  // DeepLabCut's multi-animal trainer takes one picture at a time with anything but Adam.
  if (plan.batches.animals && plan.optimizer.kind != OptimizerKind::adam)
    plan.batches.batch_size = 1;
  if (options.batch_size) set_batch_size(*options.batch_size, plan.batches, config);
  const auto at_least_one = [](std::int64_t value) { return std::max<std::int64_t>(value, 1); };
  plan.display_iterations =
      at_least_one(options.display_iterations.value_or(plan.display_iterations));
  plan.save_iterations = at_least_one(options.save_iterations.value_or(plan.save_iterations));
  const auto total = plan.last_iteration - plan.first_iteration;
  plan.eval_iterations =
      options.eval_iterations.value_or(std::clamp<std::int64_t>(total / 10, 50, 5000));
  plan.trained = trained_variables(network, config, options);
  plan_rates(plan, network, options);
  return plan;
}

}  // namespace poseheir
