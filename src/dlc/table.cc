#include "dlc/table.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/file.h"
#include "poseheir/error.h"

namespace poseheir {

Table read_table(const std::filesystem::path& path) {
  const auto bytes = read_file(path);
  if (bytes.starts_with("\x89HDF\r\n\x1a\n")) return parse_table_h5(bytes, path.string());
  if (path.extension() == ".h5" || path.extension() == ".hdf5")
    throw Error(ErrorKind::corrupt,
                path.string() + ": not an HDF5 file (its signature is missing)");
  return parse_table_csv(bytes, path.string());
}

ColumnLevels column_levels(const Table& table, const std::string& name) {
  const auto levels = table.level_names.size();
  if (levels != 3 && levels != 4)
    throw Error(
        ErrorKind::unsupported,
        fmt::format("{}: {} column levels, expected scorer, bodyparts, coords", name, levels));
  if (levels == 3) return {};
  return {0, 2, 3, true};
}

std::vector<std::string> path_components(const std::vector<std::string>& row) {
  std::vector<std::string> components;
  for (const auto& label : row) {
    std::size_t start = 0;
    while (start <= label.size()) {
      const auto end = std::min(label.find_first_of("/\\", start), label.size());
      if (end > start) components.push_back(label.substr(start, end - start));
      start = end + 1;
    }
  }
  const auto root = std::find(components.begin(), components.end(), "labeled-data");
  if (root != components.end()) components.erase(components.begin(), root);
  return components;
}

}  // namespace poseheir
