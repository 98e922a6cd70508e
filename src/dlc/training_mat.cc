// DeepLabCut's training set as a MATLAB file: the struct array `dataset` of image, size, joints.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "base/pickle_text.h"
#include "base/text.h"
#include "dlc/mat.h"
#include "dlc/records.h"

namespace poseheir {
namespace {

using Kind = MatValue::Kind;

[[noreturn]] void fail(const std::string& text) { throw Error(ErrorKind::corrupt, text); }

// Three rows (1 x 3 x M) padded with blanks, or one row (1 x M) with the whole path.
std::vector<std::string> path_of(const MatValue& image) {
  const auto& shape = image.shape;
  if (!image.text.empty() && shape.size() == 3 && shape[0] == 1) {
    std::vector<std::string> parts(shape[1]);
    for (std::size_t i = 0; i < image.text.size(); ++i)
      append_utf8(parts[i % shape[1]], image.text[i]);
    for (auto& part : parts) part.erase(part.find_last_not_of(' ') + 1);
    return parts;
  }
  if (image.kind != Kind::text || shape.size() != 2 || shape[0] != 1)
    fail("an image without a path");
  std::string path;
  for (const auto code : image.text) append_utf8(path, code);
  return path_components(path);
}

int whole(double value, std::string_view what) {
  if (!(value >= 0 && value <= 1e6) || value != std::floor(value))
    fail(fmt::format("expected a whole number for {}, found {}", what, value));
  return static_cast<int>(value);
}

std::vector<TrainingRecord::Joint> joints_of(const MatValue& cell) {
  if (cell.kind != Kind::cell || cell.items.size() != 1) fail("joints: expected one cell");
  const auto& matrix = cell.items[0];
  if (matrix.numbers.empty()) return {};
  if (matrix.shape.size() != 2 || matrix.shape[1] != 3)
    fail("joints: expected three columns (number, x, y)");
  const auto rows = matrix.shape[0];
  std::vector<TrainingRecord::Joint> joints;
  for (std::size_t row = 0; row < rows; ++row)
    joints.push_back({whole(matrix.numbers[row], "a joint"), matrix.numbers[rows + row],
                      matrix.numbers[2 * rows + row]});
  return joints;
}

TrainingRecord record_of(const MatValue& image, const MatValue& size, const MatValue* joints) {
  TrainingRecord record;
  record.path = path_of(image);
  if (size.numbers.size() != 3) fail("size: expected channels, height, width");
  record.channels = whole(size.numbers[0], "channels");
  record.height = whole(size.numbers[1], "height");
  record.width = whole(size.numbers[2], "width");
  if (joints != nullptr) record.joints = joints_of(*joints);
  return record;
}

// --- writing ------------------------------------------------------------------------------------

void write_element(ByteWriter& out, std::uint32_t type, std::string_view data) {
  out.write(type);
  out.write(static_cast<std::uint32_t>(data.size()));
  out.append(data);
  out.append(std::string((8 - data.size() % 8) % 8, '\0'));
}

template <typename T>
std::string_view raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

// Types as in mat.cc: 1 int8, 5 int32, 6 uint32, 12 int64, 14 matrix, 16 UTF-8.
std::string begin_matrix(std::uint32_t array_class, const std::vector<std::int32_t>& shape,
                         std::string_view name = {}) {
  ByteWriter out;
  write_element(out, 6, raw(std::vector<std::uint32_t>{array_class, 0}));
  write_element(out, 5, raw(shape));
  write_element(out, 1, name);
  return out.take();
}

void write_matrix(ByteWriter& out, const std::string& content) { write_element(out, 14, content); }

std::string format_numbers(std::int32_t rows, std::int32_t columns,
                           const std::vector<std::int64_t>& values) {
  ByteWriter out;
  out.append(begin_matrix(14, {rows, columns}));
  write_element(out, 12, raw(values));
  return out.take();
}

std::string format_path(const std::vector<std::string>& path) {
  std::vector<std::u32string> parts;
  std::size_t longest = 0;
  for (const auto& part : path) {
    auto codes = utf32_from_utf8(part);
    if (!codes)
      throw Error(ErrorKind::unsupported,
                  fmt::format("path '{}' is no UTF-8 text", printable(part)));
    longest = std::max(longest, codes->size());
    parts.push_back(std::move(*codes));
  }
  std::string text;
  for (std::size_t i = 0; i < longest; ++i) {
    for (const auto& part : parts) append_utf8(text, i < part.size() ? part[i] : U' ');
  }
  ByteWriter out;
  out.append(begin_matrix(
      4, {1, static_cast<std::int32_t>(parts.size()), static_cast<std::int32_t>(longest)}));
  write_element(out, 16, text);
  return out.take();
}

std::string format_joints(const std::vector<TrainingRecord::Joint>& joints) {
  std::vector<std::int64_t> columns;
  for (const auto& joint : joints) columns.push_back(joint.id);
  for (const auto& joint : joints) columns.push_back(static_cast<std::int64_t>(joint.x));
  for (const auto& joint : joints) columns.push_back(static_cast<std::int64_t>(joint.y));
  ByteWriter out;
  out.append(begin_matrix(1, {1, 1}));
  write_matrix(out, format_numbers(static_cast<std::int32_t>(joints.size()), 3, columns));
  return out.take();
}

}  // namespace

std::vector<TrainingRecord> parse_training_mat(Bytes file) {
  const auto variables = parse_mat(file);
  const auto found = std::find_if(variables.begin(), variables.end(),
                                  [](const auto& value) { return value.name == "dataset"; });
  if (found == variables.end() || found->kind != Kind::structure)
    fail("expected a struct array 'dataset', as DeepLabCut writes it");
  const auto& fields = found->fields;
  const auto place = [&](std::string_view name) {
    return static_cast<std::size_t>(std::find(fields.begin(), fields.end(), name) - fields.begin());
  };
  const auto image = place("image"), size = place("size"), joints = place("joints");
  if (image == fields.size() || size == fields.size())
    fail("'dataset' lacks the field 'image' or 'size'");
  std::vector<TrainingRecord> records;
  const auto* items = found->items.data();
  for (std::size_t i = 0; i < found->items.size(); i += fields.size(), items += fields.size()) {
    try {
      records.push_back(
          record_of(items[image], items[size], joints < fields.size() ? &items[joints] : nullptr));
    } catch (const Error& error) {
      throw error.within(fmt::format("record {}", i / fields.size()));
    }
  }
  return records;
}

std::string format_training_mat(const std::vector<TrainingRecord>& records) {
  ByteWriter content;
  content.append(begin_matrix(2, {1, static_cast<std::int32_t>(records.size())}, "dataset"));
  // Field names of seven bytes each; their length is a small element: type 5, 4 bytes, in one word.
  content.write(std::uint32_t{4U << 16U | 5U});
  content.write(std::int32_t{7});
  write_element(content, 1, {"image\0\0size\0\0\0joints\0", 21});
  for (const auto& record : records) {
    write_matrix(content, format_path(record.path));
    write_matrix(content, format_numbers(1, 3, {record.channels, record.height, record.width}));
    write_matrix(content, format_joints(record.joints));
  }
  ByteWriter file;
  std::string header = "MATLAB 5.0 MAT-file Platform: posix, Created by: Poseheir";
  header.resize(124, '\0');
  file.append(header);
  file.append({"\0\1IM", 4});
  write_matrix(file, content.text());
  return file.take();
}

}  // namespace poseheir
