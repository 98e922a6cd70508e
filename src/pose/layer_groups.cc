#include "pose/layer_groups.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <functional>

#include "base/name_pattern.h"
#include "base/text.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

using Matches = std::function<bool(const Variable&)>;

Matches matches_of(const std::string& group) {
  if (group == "base")
    return [](const Variable& variable) { return variable.part == NetworkPart::base; };
  if (group == "backbone")
    return [](const Variable& variable) { return is_of_backbone(variable.part); };
  if (group == "heads")
    return [](const Variable& variable) { return !is_of_backbone(variable.part); };
  return [pattern = NamePattern(group)](const Variable& variable) {
    return pattern.matches(variable.info.name);
  };
}

}  // namespace

std::vector<bool> variables_named(const Network& network, const std::string& group) {
  const std::array<std::string, 3> words = {"base", "backbone", "heads"};
  const auto matches = matches_of(group);
  std::vector<bool> named;
  for (const auto& variable : network.variables)
    named.push_back(!group.empty() && matches(variable));
  if (std::find(named.begin(), named.end(), true) == named.end())
    throw Error(ErrorKind::usage,
                fmt::format("no variable of {} is named by '{}'{}; expected base, backbone, heads, "
                            "a word of their names or re:EXPRESSION ('poseheir inspect SNAPSHOT' "
                            "lists the names)",
                            network.spec.net_type, printable(group), nearest_hint(group, words)));
  return named;
}

}  // namespace poseheir
