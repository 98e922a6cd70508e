// The files of reference/training: rows of gradients or values, and what a test compares with them.
#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace poseheir {

inline nlohmann::json read_json(const std::filesystem::path& path) {
  return nlohmann::json::parse(std::ifstream(path));
}

// One row of a csv: has_gradient or changed, a norm, five elements.
struct Row {
  bool flag = false;
  double norm = 0;
  std::vector<std::pair<std::size_t, double>> elements;
};

inline std::map<std::string, Row> read_rows(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::map<std::string, Row> rows;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::vector<std::string> cells;
    std::stringstream stream(line);
    for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
    Row row;
    row.flag = cells[1] == "1";
    if (cells.size() > 2 && !cells[2].empty()) row.norm = std::stod(cells[2]);
    for (std::size_t i = 3; i + 1 < cells.size(); i += 2)
      if (!cells[i].empty())
        row.elements.emplace_back(std::stoul(cells[i]), std::stod(cells[i + 1]));
    rows[cells[0]] = row;
  }
  return rows;
}

inline double norm_of(const std::vector<float>& values) {
  double sum = 0;
  for (const float v : values) sum += double(v) * double(v);
  return std::sqrt(sum);
}
inline double largest_of(const std::vector<float>& values) {
  double largest = 0;
  for (const float v : values) largest = std::max(largest, std::abs(double(v)));
  return largest;
}

}  // namespace poseheir
