// The folder of reference values and real data that lies beside a developer's checkout, and its
// arrays.
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

namespace poseheir {

inline std::filesystem::path shared_folder() { return POSEHEIR_SHARED; }

// In a test: skips it, saying so, where the folder is absent.
#define NEEDS_SHARED(relative)                                            \
  if (!std::filesystem::exists(::poseheir::shared_folder() / (relative))) \
  GTEST_SKIP() << "shared reference data not found: " << (::poseheir::shared_folder() / (relative))

template <typename T>
struct Array {
  std::vector<std::int64_t> shape;
  std::vector<T> values;
};

// NumPy's format 1.0, C order; T must be the file's type (float, double, uint8_t, int32_t).
template <typename T>
Array<T> read_npy(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  const std::string file((std::istreambuf_iterator<char>(stream)), {});
  if (file.size() < 10 || file.compare(0, 6, "\x93NUMPY") != 0)
    throw std::runtime_error("not an npy file: " + path.string());
  std::uint16_t header_size = 0;
  std::memcpy(&header_size, file.data() + 8, 2);
  const auto header = file.substr(10, header_size);
  Array<T> array;
  std::smatch match;
  if (!std::regex_search(header, match, std::regex(R"('descr': '[<|]([a-z])(\d)')")) ||
      std::stoul(match[2]) != sizeof(T))
    throw std::runtime_error("another element type in " + path.string());
  if (!std::regex_search(header, match, std::regex(R"('shape': \(([^)]*)\))")))
    throw std::runtime_error("no shape");
  const std::string shape = match[1];
  std::size_t count = 1;
  const std::regex number(R"(\d+)");
  for (std::sregex_iterator it(shape.begin(), shape.end(), number), end; it != end; ++it) {
    array.shape.push_back(std::stoll(it->str()));
    count *= static_cast<std::size_t>(array.shape.back());
  }
  array.values.resize(count);
  if (file.size() != 10 + header_size + count * sizeof(T))
    throw std::runtime_error("wrong size: " + path.string());
  std::memcpy(array.values.data(), file.data() + 10 + header_size, count * sizeof(T));
  return array;
}

}  // namespace poseheir
