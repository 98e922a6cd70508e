#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "base/text.h"
#include "poseheir/error.h"
#include "poseheir/transfer.h"
#include "transfer/heads.h"
#include "transfer/selection.h"
#include "transfer/source.h"

namespace poseheir {
namespace {

bool is_float(DType dtype) {
  return dtype == DType::f32 || dtype == DType::f64 || dtype == DType::f16 || dtype == DType::bf16;
}

class Planner {
 public:
  Planner(const Checkpoint& source, const NetworkSpec& target, const KeypointNames& names,
          const TransferOptions& options, const Checkpoint* init)
      : source_(source), names_(names), options_(options), init_(init) {
    found_ = recognise_source(source, options.source_scope);
    plan_.source_network = found_.spec;
    plan_.source_description = found_.description;
    plan_.source_scope = found_.scope;
    plan_.target_network = target;
  }

  TransferPlan run() {
    check_networks(plan_.source_network, plan_.target_network);
    check_keypoint_counts(found_.spec, plan_.target_network, names_);
    resolve();
    const auto layers = choose_layers();
    const Selection selection(layers, options_.selectors);
    for (auto& variable : variables_of(plan_.target_network))
      plan_.steps.push_back(step_for(std::move(variable), selection));
    check_complete();
    list_unused(selection);
    warn(layers, selection);
    return std::move(plan_);
  }

 private:
  void resolve() {
    pair_ = {&plan_.source_network, &plan_.target_network, &names_, {}};
    const bool asked = options_.keypoints || !options_.averages.empty();
    if (asked && found_.spec.keypoints == 0)
      throw Error(ErrorKind::mismatch,
                  fmt::format("a keypoint map was given, but A has no head to take keypoints from "
                              "({}); leave the map out",
                              found_.description));
    if (asked && names_.source.empty())
      throw Error(ErrorKind::usage,
                  fmt::format("a keypoint map was given, but the {} channels of A's head have no "
                              "names: there is no pose_cfg.yaml beside A; name one with "
                              "--source-pose-cfg",
                              found_.spec.keypoints));
    if (found_.spec.keypoints > 0 && !names_.source.empty())
      pair_.keypoints = resolve_keypoints(names_, options_);
  }

  Layers choose_layers() {
    const auto difference = head_difference(plan_.source_network, plan_.target_network);
    const bool mapped = any_mapped(pair_.keypoints);
    if (options_.layers != Layers::all) {
      if (options_.layers) return *options_.layers;
      if (difference.empty() && mapped) return Layers::all;
      plan_.warnings.push_back(fmt::format(
          "only the backbone is taken over: {}",
          !difference.empty() ? difference
          : found_.spec.keypoints == 0
              ? "A has no head of DeepLabCut's"
              : "no keypoint of C has a partner in A; give --keypoints MAP.csv to inherit the head "
                "too"));
      return Layers::backbone;
    }
    if (!difference.empty())
      throw Error(ErrorKind::mismatch, difference + "; --layers backbone would work");
    if (!mapped)
      throw Error(
          ErrorKind::mismatch,
          fmt::format("no keypoint of C has a partner in A (A: {}; C: {}); give --keypoints "
                      "MAP.csv with the columns gt and MasterName, or take --layers backbone",
                      names_.source.empty() ? "no names known"
                                            : fmt::format("{}", fmt::join(names_.source, ", ")),
                      fmt::join(names_.target, ", ")));
    return Layers::all;
  }

  TransferStep step_for(Variable variable, const Selection& selection) {
    TransferStep step;
    step.target = std::move(variable);
    const auto selected = selection.choose(step.target);
    if (!selected.inherit) {
      fill_otherwise(step, "not taken: " + selected.reason);
    } else if (step.target.part == NetworkPart::head) {
      inherit_head(step, selected.reason);
    } else {
      inherit(step, selected.reason);
    }
    return step;
  }

  void inherit(TransferStep& step, const std::string& reason) {
    const auto* tensor = source_.find(found_.scope + step.target.info.name);
    if (tensor == nullptr) {
      missing_.push_back(step.target.info.name);
      return;
    }
    if (tensor->info.shape != step.target.info.shape)
      throw Error(ErrorKind::mismatch,
                  fmt::format("tensor '{}' is {} in A but {} in C's {}; --exclude '{}' starts it "
                              "afresh",
                              step.target.info.name, shape_text(tensor->info.shape),
                              shape_text(step.target.info.shape), plan_.target_network.net_type,
                              step.target.info.name));
    take(step, *tensor, TransferAction::copy, reason);
  }

  void take(TransferStep& step, const StoredTensor& tensor, TransferAction action,
            const std::string& reason) {
    if (!is_float(tensor.info.dtype))
      throw Error(ErrorKind::mismatch,
                  fmt::format("tensor '{}' of A is {}, expected float32",
                              printable(tensor.info.name), dtype_name(tensor.info.dtype)));
    step.source = tensor.info.name;
    step.source_shape = tensor.info.shape;
    step.action = action;
    step.reason = reason;
    if (tensor.info.dtype != DType::f32)
      step.reason += fmt::format(", {} to float32", dtype_name(tensor.info.dtype));
  }

  void inherit_head(TransferStep& step, const std::string& reason) {
    const auto& name = step.target.info.name;
    const auto* tensor = source_.find(found_.scope + name);
    if (tensor == nullptr) return fill_otherwise(step, "A has no such head");
    const auto channels = head_channels(name, pair_);
    if (channels.whole && tensor->info.shape == step.target.info.shape)
      return take(step, *tensor, TransferAction::copy, channels.reason + ", " + reason);
    const bool empty = std::all_of(channels.sources.begin(), channels.sources.end(),
                                   [](const auto& from) { return from.empty(); });
    if (empty) return fill_otherwise(step, channels.reason);
    if (!differs_only_on(channels.axis, tensor->info.shape, step.target.info.shape))
      return fill_otherwise(step, fmt::format("A's is {}", shape_text(tensor->info.shape)));
    take(step, *tensor, TransferAction::select_keypoints, channels.reason + ", " + reason);
    step.channels = channels.sources;
    step.axis = channels.axis;
  }

  static bool differs_only_on(std::size_t axis, std::vector<std::int64_t> a,
                              std::vector<std::int64_t> b) {
    if (a.size() != b.size() || axis >= a.size()) return false;
    a[axis] = b[axis];
    return a == b;
  }

  // From --init where it has the variable, else afresh.
  void fill_otherwise(TransferStep& step, const std::string& reason) {
    step.reason = reason;
    if (init_ == nullptr) return;
    const auto* tensor = init_->find(step.target.info.name);
    if (tensor == nullptr && !step.target.imagenet_key.empty())
      tensor = init_->find(step.target.imagenet_key);
    if (tensor == nullptr || !is_float(tensor->info.dtype)) return;
    if (tensor->info.shape == step.target.info.shape) {
      step.source = tensor->info.name;
      step.source_shape = tensor->info.shape;
      step.action = TransferAction::from_init;
    } else if (step.target.part != NetworkPart::head) {
      throw Error(ErrorKind::mismatch,
                  fmt::format("{}: tensor '{}' is {}, but C's {} needs {}; --init wants start "
                              "weights of the same network",
                              init_->path.string(), printable(tensor->info.name),
                              shape_text(tensor->info.shape), plan_.target_network.net_type,
                              shape_text(step.target.info.shape)));
    }
  }

  void check_complete() const {
    if (missing_.empty()) return;
    throw Error(
        ErrorKind::mismatch,
        fmt::format("A lacks {} of the variables that were to be taken over, first '{}': it "
                    "is not a whole {}; --exclude what is missing, or take another A",
                    missing_.size(), missing_.front(), plan_.target_network.net_type));
  }

  void list_unused(const Selection& selection) {
    std::set<std::string> used;
    for (const auto& step : plan_.steps) {
      if (step.action == TransferAction::copy || step.action == TransferAction::select_keypoints)
        used.insert(step.source);
    }
    std::map<std::string, const TransferStep*> steps;
    for (const auto& step : plan_.steps) steps[found_.scope + step.target.info.name] = &step;
    for (const auto& tensor : source_.tensors) {
      const auto& name = tensor.info.name;
      if (used.contains(name)) continue;
      const auto step = steps.find(name);
      auto reason = step != steps.end() ? step->second->reason : unused_reason(name);
      if (step == steps.end() && selection.excludes(name)) reason += "; excluded";
      plan_.unused.push_back({tensor.info, reason});
    }
  }

  void warn(Layers layers, const Selection& selection) {
    std::vector<std::string> names;
    for (const auto& step : plan_.steps) names.push_back(step.target.info.name);
    for (const auto& tensor : source_.tensors) names.push_back(tensor.info.name);
    for (const auto& pattern : selection.idle_patterns(names))
      plan_.warnings.push_back(
          fmt::format("'{}' matches no variable of C and no tensor of A", printable(pattern)));
    add_cookbook_warnings(plan_, layers);
    add_fresh_backbone_warning(plan_, init_ != nullptr);
  }

  const Checkpoint& source_;
  const KeypointNames& names_;
  const TransferOptions& options_;
  const Checkpoint* init_;
  RecognisedNetwork found_;
  HeadPair pair_;
  TransferPlan plan_;
  std::vector<std::string> missing_;
};

}  // namespace

std::string_view action_name(TransferAction action) {
  switch (action) {
    case TransferAction::copy:
      return "copy";
    case TransferAction::select_keypoints:
      return "select";
    case TransferAction::from_init:
      return "init";
    case TransferAction::initialize:
      break;
  }
  return "new";
}

TransferPlan plan_transfer(const Checkpoint& source, const NetworkSpec& target,
                           const KeypointNames& names, const TransferOptions& options,
                           const Checkpoint* init) {
  return Planner(source, target, names, options, init).run();
}

}  // namespace poseheir
