#include "transfer/keypoints.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <set>
#include <sstream>

#include "base/file.h"
#include "base/text.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

enum class Side { none, left, right };

// "leftear", "front_left_paw", "L_ear" and "earR", but not the "right" of "bright".
Side side_of(const std::string& name) {
  std::set<std::string> words;
  std::string word;
  const auto finish = [&] {
    if (!word.empty()) words.insert(to_lower(word));
    word.clear();
  };
  for (const char c : name) {
    const bool letter = std::isalpha(static_cast<unsigned char>(c)) != 0;
    const bool upper = std::isupper(static_cast<unsigned char>(c)) != 0;
    if (!letter ||
        (upper && !word.empty() && std::islower(static_cast<unsigned char>(word.back()))))
      finish();
    if (letter) word += c;
  }
  finish();
  const auto says = [&](const std::string& side, const std::string& letter) {
    return std::any_of(words.begin(), words.end(), [&](const std::string& w) {
      return w == letter || w.starts_with(side) || (w.ends_with(side) && w != "bright");
    });
  };
  const bool left = says("left", "l"), right = says("right", "r");
  if (left == right) return Side::none;
  return left ? Side::left : Side::right;
}

int index_of(const std::vector<std::string>& names, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? -1 : static_cast<int>(found - names.begin());
}

int known_index(const std::vector<std::string>& names, const std::string& name,
                const std::string& whose) {
  const int index = index_of(names, name);
  if (index < 0)
    throw Error(
        ErrorKind::usage,
        fmt::format("the keypoint map names '{}', which model {} does not have{}; it has {}",
                    printable(name), whose, nearest_hint(name, names), fmt::join(names, ", ")));
  return index;
}

void check_sides(const std::string& target, const std::string& source) {
  const auto wanted = side_of(target), given = side_of(source);
  if (wanted == Side::none || given == Side::none || wanted == given) return;
  throw Error(ErrorKind::usage,
              fmt::format("the keypoint map gives '{}' the channels of '{}': left and right are "
                          "swapped; correct the map, or say --allow-side-swap if it is meant",
                          target, source));
}

void apply(const KeypointMap& map, const KeypointNames& names, bool allow_side_swap,
           KeypointSources& sources) {
  for (const auto& [target, from] : map) {
    const auto index = static_cast<std::size_t>(known_index(names.target, target, "C"));
    sources[index].clear();
    for (const auto& source : from) {
      const int found = known_index(names.source, source, "A");
      if (!allow_side_swap) check_sides(target, source);
      sources[index].push_back(found);
    }
  }
}

void check_unique(const std::vector<std::string>& names, const std::string& whose) {
  std::set<std::string> seen;
  for (const auto& name : names) {
    if (!seen.insert(name).second)
      throw Error(ErrorKind::usage,
                  fmt::format("the keypoints of model {} name '{}' twice (all_joints_names in its "
                              "pose_cfg.yaml)",
                              whose, printable(name)));
  }
}

// One line of a csv file, with DeepLabCut's plain quoting.
std::vector<std::string> csv_cells(const std::string& line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      cells.emplace_back();
    } else if (c != '\r') {
      cells.back() += c;
    }
  }
  for (auto& cell : cells) {
    cell.erase(0, std::min(cell.size(), cell.find_first_not_of(" \t")));
    cell.erase(cell.find_last_not_of(" \t") + 1);
  }
  return cells;
}

struct Columns {
  std::size_t target = 0, source = 0;
};

Columns columns_of(const std::vector<std::string>& header) {
  const int source = index_of(header, "MasterName");
  int target = index_of(header, "gt");
  if (target < 0 && header.size() == 2 && source >= 0) target = 1 - source;
  if (source < 0 || target < 0)
    throw Error(ErrorKind::usage,
                fmt::format("line 1: expected the columns gt (keypoints of C) and MasterName "
                            "(keypoints of A), found {}",
                            fmt::join(header, ", ")));
  return {static_cast<std::size_t>(target), static_cast<std::size_t>(source)};
}

KeypointMap parse_keypoint_map(const std::string& text) {
  std::istringstream lines(text);
  std::string line;
  if (!std::getline(lines, line) || line.empty())
    throw Error(ErrorKind::usage, "empty; expected a table with the columns gt and MasterName");
  if (line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);  // Excel's mark
  const auto columns = columns_of(csv_cells(line));
  KeypointMap map;
  std::map<std::string, int> first_line;
  for (int number = 2; std::getline(lines, line); ++number) {
    const auto cells = csv_cells(line);
    const auto cell = [&](std::size_t column) {
      return column < cells.size() ? cells[column] : std::string();
    };
    const auto target = cell(columns.target), source = cell(columns.source);
    if (target.empty() || source.empty()) continue;  // a keypoint without a partner
    const auto [place, fresh] = first_line.emplace(target, number);
    if (!fresh)
      throw Error(
          ErrorKind::usage,
          fmt::format("line {}: '{}' stands in line {} already; one line a keypoint, and "
                      "--average '{}={},{}' for the mean of several",
                      number, printable(target), place->second, target, map[target][0], source));
    map[target] = {source};
  }
  return map;
}

}  // namespace

KeypointMap read_keypoint_map(const std::filesystem::path& path) {
  const auto text = read_file(path);
  try {
    return parse_keypoint_map(text);
  } catch (const Error& error) {
    throw error.within(path.string());
  }
}

KeypointSources resolve_keypoints(const KeypointNames& names, const TransferOptions& options) {
  check_unique(names.source, "A");
  check_unique(names.target, "C");
  KeypointSources sources(names.target.size());
  if (options.keypoints) {
    apply(*options.keypoints, names, options.allow_side_swap, sources);
  } else {
    for (std::size_t i = 0; i < names.target.size(); ++i) {
      const int found = index_of(names.source, names.target[i]);
      if (found >= 0) sources[i] = {found};
    }
  }
  apply(options.averages, names, options.allow_side_swap, sources);
  return sources;
}

bool any_mapped(const KeypointSources& sources) {
  return std::any_of(sources.begin(), sources.end(),
                     [](const auto& from) { return !from.empty(); });
}

bool is_identity(const KeypointSources& sources, int source_keypoints) {
  if (static_cast<int>(sources.size()) != source_keypoints) return false;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (sources[i] != std::vector{static_cast<int>(i)}) return false;
  }
  return true;
}

}  // namespace poseheir
