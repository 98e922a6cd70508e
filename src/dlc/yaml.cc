#include "dlc/yaml.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <set>

#include "base/file.h"
#include "base/text.h"

namespace poseheir {

YAML::Node load_yaml_file(const std::filesystem::path& path) {
  return load_yaml_text(read_file(path), path.string());
}

YAML::Node load_yaml_text(const std::string& text, const std::string& name) {
  try {
    auto root = YAML::Load(text);
    if (!root.IsMap())
      throw Error(ErrorKind::corrupt,
                  fmt::format("{}: expected lines of the form 'key: value'", name));
    return root;
  } catch (const YAML::Exception& error) {
    throw Error(ErrorKind::corrupt, fmt::format("{}, line {}: not valid YAML: {}", name,
                                                error.mark.line + 1, error.msg));
  }
}

std::string yaml_place(const std::string& file, const YAML::Node& node) {
  return fmt::format("{}, line {}", file, node.Mark().line + 1);
}

Error wrong_yaml_value(const std::string& file, const std::string& key, const YAML::Node& node,
                       const std::string& expected) {
  const auto found = node.IsScalar() ? fmt::format("'{}'", printable(node.Scalar()))
                     : node.IsMap()  ? std::string("a mapping")
                                     : std::string("a list");
  return {ErrorKind::usage, fmt::format("{}: key '{}' is {}, expected {}", yaml_place(file, node),
                                        key, found, expected)};
}

std::string yaml_scalar(const std::string& text) {
  static const std::set<std::string, std::less<>> kWords = {"true", "false", "yes", "no", "on",
                                                            "off",  "null",  "y",   "n"};
  const auto is_plain = [](unsigned char c) {
    return std::isalnum(c) != 0 || c >= 0x80 || c == '_' || c == '.' || c == '/' || c == '-' ||
           c == '+' || c == ' ';
  };
  const bool starts_well =
      !text.empty() &&
      (std::isalpha(static_cast<unsigned char>(text[0])) != 0 || text[0] == '/' || text[0] == '_');
  if (starts_well && text.back() != ' ' && std::all_of(text.begin(), text.end(), is_plain) &&
      !kWords.contains(to_lower(text)))
    return text;
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') quoted += c;
    quoted += c;
  }
  return quoted + '\'';
}

}  // namespace poseheir
