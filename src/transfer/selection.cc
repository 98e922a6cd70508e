#include "transfer/selection.h"

#include <algorithm>
#include <fmt/format.h>

#include "poseheir/error.h"

namespace poseheir {
namespace {

bool inside(Layers layers, NetworkPart part) {
  switch (layers) {
    case Layers::base:
      return part == NetworkPart::base;
    case Layers::backbone:
      return is_of_backbone(part);
    case Layers::all:
      break;
  }
  return true;
}

}  // namespace

std::string_view layers_name(Layers layers) {
  return layers == Layers::base ? "base" : layers == Layers::backbone ? "backbone" : "all";
}

Selection::Selection(Layers layers, const std::vector<Selector>& selectors) : layers_(layers) {
  for (const auto& selector : selectors) {
    // The cookbook writes TensorFlow's tensor names, "global_step:0".
    auto pattern = selector.pattern;
    if (!pattern.starts_with("re:") && pattern.ends_with(":0")) pattern.resize(pattern.size() - 2);
    if (pattern.empty())
      throw Error(ErrorKind::usage, "--include and --exclude need a keyword, found an empty one");
    rules_.push_back({selector.include, selector.pattern, NamePattern(pattern)});
  }
}

const Selection::Rule* Selection::last_match(const std::string& name) const {
  const auto found = std::find_if(rules_.rbegin(), rules_.rend(),
                                  [&](const Rule& rule) { return rule.names.matches(name); });
  return found == rules_.rend() ? nullptr : &*found;
}

Selected Selection::choose(const Variable& variable) const {
  if (const auto* rule = last_match(variable.info.name))
    return {rule->include,
            fmt::format("--{} '{}'", rule->include ? "include" : "exclude", rule->pattern)};
  return {inside(layers_, variable.part), fmt::format("--layers {}", layers_name(layers_))};
}

bool Selection::excludes(const std::string& name) const {
  const auto* rule = last_match(name);
  return rule != nullptr && !rule->include;
}

std::vector<std::string> Selection::idle_patterns(const std::vector<std::string>& names) const {
  std::vector<std::string> idle;
  for (const auto& rule : rules_) {
    if (std::none_of(names.begin(), names.end(),
                     [&](const auto& name) { return rule.names.matches(name); }))
      idle.push_back(rule.pattern);
  }
  return idle;
}

}  // namespace poseheir
