// Which variables the user wants to inherit: a choice of layers, refined by keywords.
#pragma once

#include <string>
#include <vector>

#include "base/name_pattern.h"
#include "poseheir/transfer.h"

namespace poseheir {

struct Selected {
  bool inherit = false;
  std::string reason;  // why, or why not
};

class Selection {
 public:
  // Throws Error(usage) for an empty pattern or a bad regular expression.
  Selection(Layers layers, const std::vector<Selector>& selectors);

  Selected choose(const Variable& variable) const;  // the last selector that matches wins
  bool excludes(const std::string& name) const;     // by a selector, for A's other tensors

  // Patterns that match none of these names: most likely misspelt.
  std::vector<std::string> idle_patterns(const std::vector<std::string>& names) const;

 private:
  struct Rule {
    bool include;
    std::string pattern;  // as written
    NamePattern names;
  };

  const Rule* last_match(const std::string& name) const;

  Layers layers_;
  std::vector<Rule> rules_;
};

std::string_view layers_name(Layers layers);

}  // namespace poseheir
