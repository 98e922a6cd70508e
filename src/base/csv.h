// Comma-separated values as Python writes them: quotes only where needed, numbers as repr.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace poseheir {

// Splits one line into cells and moves `text` behind it.
std::vector<std::string> take_csv_line(std::string_view& text);

// The cell as it stands in a line.
std::string csv_cell(const std::string& text);
// Python's repr, and nothing for a missing value.
std::string csv_cell(double value);

// A missing value is NaN. Throws Error(corrupt): "file.csv, line 5, column 3: 'two' is not a
// number".
double csv_number(const std::string& cell, const std::string& file, std::size_t line,
                  std::size_t column);

}  // namespace poseheir
