// How people choose among names, such as those of variables: by words in them.
#pragma once

#include <optional>
#include <regex>
#include <string>

namespace poseheir {

// A keyword (anywhere in a name, case-blind), or re:EXPRESSION that is found in it.
class NamePattern {
 public:
  // Throws Error(usage) for a bad expression.
  explicit NamePattern(const std::string& text);
  bool matches(const std::string& name) const;

 private:
  std::string keyword_;
  std::optional<std::regex> expression_;
};

}  // namespace poseheir
