#include "base/name_pattern.h"

#include <fmt/format.h>
#include <string_view>

#include "base/text.h"
#include "poseheir/error.h"

namespace poseheir {

NamePattern::NamePattern(const std::string& text) {
  constexpr std::string_view kExpression = "re:";
  if (!text.starts_with(kExpression)) {
    keyword_ = to_lower(text);
    return;
  }
  try {
    expression_.emplace(text.substr(kExpression.size()));
  } catch (const std::regex_error& error) {
    throw Error(ErrorKind::usage,
                fmt::format("'{}' is not a regular expression: {}", printable(text), error.what()));
  }
}

bool NamePattern::matches(const std::string& name) const {
  if (expression_) return std::regex_search(name, *expression_);
  return to_lower(name).find(keyword_) != std::string::npos;
}

}  // namespace poseheir
