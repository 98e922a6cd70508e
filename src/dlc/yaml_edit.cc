// Changing one value in a YAML file that people wrote: every other byte stays.
#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/file.h"
#include "dlc/yaml.h"
#include "poseheir/project.h"

namespace poseheir {
namespace {

std::vector<std::string> split_lines(const std::string& text) {  // each with its own line end
  std::vector<std::string> lines;
  for (std::size_t start = 0; start < text.size();) {
    const auto end = text.find('\n', start);
    const auto stop = end == std::string::npos ? text.size() : end + 1;
    lines.push_back(text.substr(start, stop - start));
    start = stop;
  }
  return lines;
}

std::string line_end_of(const std::string& line) {
  if (line.ends_with("\r\n")) return "\r\n";
  return line.ends_with('\n') ? "\n" : "";
}

// Where a comment (with the blanks before it) begins after `start`, or where the line ends.
std::size_t end_of_value(const std::string& line, std::size_t start) {
  const auto end = line.size() - line_end_of(line).size();
  const auto first = line.find_first_not_of(" \t", start);
  const bool quotes =
      first < end && std::string_view("'\"[{").find(line[first]) != std::string::npos;
  char open = 0;
  std::size_t last = start;  // behind the last character that is no blank
  for (std::size_t i = start; i < end; ++i) {
    const char c = line[i];
    if (open != 0) {
      if (c == '\\' && open == '"') ++i;
      if (c == open) open = 0;
    } else if (c == '#' && (i == start || line[i - 1] == ' ' || line[i - 1] == '\t')) {
      return last;
    } else if (quotes && (c == '\'' || c == '"')) {
      open = c;
    }
    if (c != ' ' && c != '\t') last = std::min(i + 1, end);
  }
  return last;
}

bool reads_back(const std::string& written, const std::string& value) {
  try {
    const auto node = YAML::Load("key: " + written)["key"];
    return node.IsScalar() && node.Scalar() == value;
  } catch (const YAML::Exception&) {
    return false;
  }
}

// In the quotes that the old value had, if any; plain where that means the same.
std::string written_scalar(const std::string& value, char old_quote) {
  std::string single = "'";
  for (const char c : value) single += c == '\'' ? "''" : std::string(1, c);
  single += "'";
  if (old_quote != '"' && reads_back(single, value)) {
    return old_quote != '\'' && reads_back(value, value) ? value : single;
  }
  YAML::Emitter emitter;
  emitter << YAML::DoubleQuoted << value;
  return emitter.c_str();
}

// The lines behind the first that belong to the old value; comments between them stay.
void erase_continuation(std::vector<std::string>& lines, std::size_t first, std::size_t next,
                        bool block_scalar) {
  const auto is_comment_or_blank = [&](const std::string& line) {
    const auto place = line.find_first_not_of(" \t\r\n");
    if (place == std::string::npos) return true;
    return line[place] == '#' && (!block_scalar || place == 0);
  };
  const auto begin = lines.begin() + static_cast<std::ptrdiff_t>(first);
  const auto end = lines.begin() + static_cast<std::ptrdiff_t>(next);
  lines.erase(
      std::remove_if(begin, end, [&](const auto& line) { return !is_comment_or_blank(line); }),
      end);
}

struct Place {
  std::size_t line = 0, column = 0;  // of the key
  std::size_t next = 0;              // line of the following key, or one past the end
  YAML::Node value;
};

std::optional<Place> find_key(const YAML::Node& root, const std::string& key, std::size_t lines) {
  std::optional<Place> found;
  for (const auto& item : root) {
    const auto mark = item.first.Mark();
    const auto line = static_cast<std::size_t>(mark.line);
    if (item.first.Scalar() == key) {
      found = Place{line, static_cast<std::size_t>(mark.column), lines, item.second};  // last wins
    } else if (found && line > found->line) {
      found->next = std::min(found->next, line);
    }
  }
  return found;
}

std::string value_text(const YAML::Node& node) {
  if (node.IsNull()) return "";
  return node.IsScalar() ? node.Scalar() : YAML::Dump(node);
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line;
  return text;
}

// `written` gives the value's text from the quote that the old one begins with, if any.
template <typename Written>
YamlEdit edit_value(const std::string& text, const std::string& name, const std::string& key,
                    const Written& written) {
  auto lines = split_lines(text);
  const auto place = find_key(load_yaml_text(text, name), key, lines.size());
  if (!place) {
    const auto separator = text.empty() || text.ends_with('\n') ? "" : "\n";
    return {text + separator + key + ": " + written('\0') + "\n", ""};
  }
  auto& line = lines[place->line];
  const auto colon = line.find(':', place->column + key.size());
  if (place->column != 0 || colon == std::string::npos)
    throw Error(ErrorKind::unsupported,
                fmt::format("{}, line {}: key '{}' does not begin its line, so it cannot be edited "
                            "in place; write it on a line of its own",
                            name, place->line + 1, key));
  const auto start = line.find_first_not_of(" \t", colon + 1);
  const char first = start < line.size() ? line[start] : '\0';
  const auto end = end_of_value(line, colon + 1);
  const auto scalar = written(first == '\'' || first == '"' ? first : '\0');
  line = line.substr(0, colon + 1) + " " + scalar + line.substr(end);
  erase_continuation(lines, place->line + 1, place->next, first == '|' || first == '>');
  return {joined(lines), value_text(place->value)};
}

}  // namespace

YamlEdit edit_yaml_value(const std::string& text, const std::string& name, const std::string& key,
                         const std::string& value) {
  return edit_value(text, name, key, [&](char quote) { return written_scalar(value, quote); });
}

std::string set_pose_config_value(const std::filesystem::path& path, const std::string& key,
                                  const std::string& value) {
  const auto edit = edit_yaml_value(read_file(path), path.string(), key, value);
  write_file(path, edit.text);
  return edit.old_value;
}

void set_pose_config_list(const std::filesystem::path& path, const std::string& key,
                          const std::vector<int>& values) {
  const auto edit = edit_value(read_file(path), path.string(), key,
                               [&](char) { return fmt::format("[{}]", fmt::join(values, ", ")); });
  write_file(path, edit.text);
}

}  // namespace poseheir
