// MATLAB 5 files, as far as DeepLabCut's training sets need them (byte layout:
// docs/formats/mat.md).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "poseheir/project.h"

namespace poseheir {

// A matrix of numbers, a text, a cell array or a struct array; column-major as in the file.
struct MatValue {
  enum class Kind : std::uint8_t { numbers, text, cell, structure };

  Kind kind = Kind::numbers;
  std::string name;
  std::vector<std::size_t> shape;
  std::vector<double> numbers;      // of numbers
  std::u32string text;              // of text
  std::vector<std::string> fields;  // of a structure
  std::vector<MatValue> items;  // of cell and structure: element after element, field after field
};

// The variables of a file: plain and zlib-compressed elements, little-endian. Other classes
// (sparse, objects, functions) are refused by name. Throws Error(corrupt or unsupported).
std::vector<MatValue> parse_mat(Bytes file);

// DeepLabCut's struct array `dataset`, with image as three padded rows or as one path.
std::vector<TrainingRecord> parse_training_mat(Bytes file);
// The same file as scipy writes it for DeepLabCut.
std::string format_training_mat(const std::vector<TrainingRecord>& records);

}  // namespace poseheir
