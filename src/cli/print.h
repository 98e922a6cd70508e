// What several commands print alike.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "poseheir/checkpoint.h"

namespace poseheir {

std::string size_text(std::uint64_t bytes);                 // "94.4 MB"
std::string counted(std::size_t count, const char* thing);  // "1 picture", "2 pictures"

// Rows of cells under a header, columns as wide as their widest cell; the last is not padded.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header) : rows_{std::move(header)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void print(std::ostream& out) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

std::uint64_t tensor_bytes(const TensorInfo& info);

}  // namespace poseheir
