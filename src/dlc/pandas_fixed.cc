// pandas' fixed format: level tables and codes for both axes, and blocks of values.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <set>

#include "dlc/pandas.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

using hdf5::Charset;
using hdf5::Id;
using hdf5::Node;
using hdf5::Writer;
using Labels = std::vector<std::vector<std::string>>;  // [item][level]

struct Axis {
  Labels labels;
  std::vector<std::string> level_names;
  std::vector<std::int64_t> numbers;  // instead of labels, for an axis of numbers
  std::size_t size() const { return numbers.empty() ? labels.size() : numbers.size(); }
};

// Of a level without a name pandas keeps a pickled None.
std::string level_name(const Node& level) {
  const auto name = level.has_attribute("name") ? level.text_attribute("name") : "";
  return name == "N." ? "" : name;
}

std::vector<std::string> level_texts(const Node& level) {
  if (level.holds_text()) return level.texts();
  std::vector<std::string> texts;
  for (const auto number : level.integers()) texts.push_back(std::to_string(number));
  return texts;
}

Axis read_multi_axis(const Node& group, const std::string& name) {
  const auto levels = group.integer_attribute(name + "_nlevels");
  if (levels < 1 || levels > 16)
    throw Error(ErrorKind::corrupt,
                fmt::format("{}: '{}' has {} levels", group.place(), name, levels));
  Axis axis;
  for (std::int64_t i = 0; i < levels; ++i) {
    const auto level = group.child(fmt::format("{}_level{}", name, i));
    const auto codes_node = group.child(fmt::format("{}_label{}", name, i));
    const auto texts = level_texts(level);
    const auto codes = codes_node.integers();
    axis.level_names.push_back(level_name(level));
    if (i == 0) axis.labels.resize(codes.size());
    if (codes.size() != axis.labels.size())
      throw Error(ErrorKind::corrupt,
                  codes_node.place() + ": another number of labels than the first level");
    for (std::size_t item = 0; item < codes.size(); ++item) {
      const auto code = codes[item];
      if (code < -1 || code >= static_cast<std::int64_t>(texts.size()))
        throw Error(ErrorKind::corrupt,
                    fmt::format("{}: label {} of {}", codes_node.place(), code, texts.size()));
      axis.labels[item].push_back(code < 0 ? "" : texts[static_cast<std::size_t>(code)]);
    }
  }
  return axis;
}

Axis read_axis(const Node& group, const std::string& name) {
  const auto variety = group.text_attribute(name + "_variety");
  if (variety == "multi") return read_multi_axis(group, name);
  if (variety != "regular")
    throw Error(ErrorKind::corrupt,
                fmt::format("{}: '{}' of variety '{}'", group.place(), name, variety));
  Axis axis;
  const auto node = group.child(name);
  axis.level_names = {level_name(node)};
  if (node.holds_text()) {
    for (auto& text : node.texts()) axis.labels.push_back({std::move(text)});
  } else {
    axis.numbers = node.integers();
  }
  return axis;
}

// Where each column of a block stands in the whole table.
std::vector<std::size_t> block_columns(const Node& group, const std::string& block,
                                       const Axis& columns) {
  std::map<std::vector<std::string>, std::size_t> place;
  for (std::size_t i = 0; i < columns.labels.size(); ++i) place[columns.labels[i]] = i;
  std::vector<std::size_t> result;
  for (const auto& item : read_axis(group, block + "_items").labels) {
    const auto found = place.find(item);
    if (found == place.end())
      throw Error(ErrorKind::corrupt,
                  fmt::format("{}: '{}' holds a column that axis0 lacks", group.place(), block));
    result.push_back(found->second);
  }
  return result;
}

void read_block(const Node& group, const std::string& block, const Axis& columns, Table& table,
                std::size_t rows) {
  const auto places = block_columns(group, block, columns);
  const auto node = group.child(block + "_values");
  const auto shape = node.shape();
  if (rows == 0) return;
  if (shape.size() != 2 || shape[0] != rows || shape[1] != places.size())
    throw Error(ErrorKind::corrupt, fmt::format("{}: expected {} rows of {} values", node.place(),
                                                rows, places.size()));
  const auto values = node.doubles();
  const auto width = table.columns.size();
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t i = 0; i < places.size(); ++i)
      table.values[row * width + places[i]] = values[row * places.size() + i];
  }
}

// Sorted distinct labels of one level and the code of each item, as pandas keeps them.
struct Coded {
  std::vector<std::string> texts;
  std::vector<std::int64_t> codes;
};
Coded code_level(const Labels& labels, std::size_t level) {
  std::set<std::string> distinct;
  for (const auto& item : labels) distinct.insert(item[level]);
  Coded coded{{distinct.begin(), distinct.end()}, {}};
  for (const auto& item : labels) {
    const auto found = std::lower_bound(coded.texts.begin(), coded.texts.end(), item[level]);
    coded.codes.push_back(found - coded.texts.begin());
  }
  return coded;
}

hid_t code_type(std::size_t labels) {
  if (labels < 128) return H5T_STD_I8LE;
  return labels < 32768 ? H5T_STD_I16LE : H5T_STD_I32LE;
}

void mark_array(Writer& writer, hid_t array) {
  pandas::write_pytables_marks(writer, array, "ARRAY", "2.4");
  writer.text(array, "FLAVOR", "numpy");
  writer.bits(array, "transposed", 1);
}

void write_name(Writer& writer, hid_t level, const std::string& attribute,
                const std::string& name) {
  if (name.empty()) {
    writer.text(level, attribute, "N.", Charset::ascii);
  } else {
    writer.text(level, attribute, name);
  }
}

void write_multi_axis(Writer& writer, hid_t group, const std::string& name, const Labels& labels,
                      const std::vector<std::string>& level_names) {
  writer.text(group, name + "_variety", "multi");
  writer.integer(group, name + "_nlevels", static_cast<std::int64_t>(level_names.size()));
  for (std::size_t i = 0; i < level_names.size(); ++i) {
    const auto coded = code_level(labels, i);
    const auto level = writer.texts(group, fmt::format("{}_level{}", name, i), coded.texts);
    mark_array(writer, level);
    writer.text(level, "kind", "string");
    write_name(writer, level, "name", level_names[i]);
    write_name(writer, level,
               fmt::format("{}_name{}", name, level_names[i].empty() ? "None" : level_names[i]),
               level_names[i]);
    const auto codes = writer.integers(group, fmt::format("{}_label{}", name, i), coded.codes,
                                       code_type(coded.texts.size()));
    mark_array(writer, codes);
  }
}

void write_regular_axis(Writer& writer, hid_t group, const std::string& name, const Table& table) {
  writer.text(group, name + "_variety", "regular");
  std::vector<std::string> texts;
  std::vector<std::int64_t> numbers;
  for (std::size_t row = 0; row < table.row_count(); ++row) {
    if (table.rows.empty()) {
      numbers.push_back(static_cast<std::int64_t>(row));
    } else {
      texts.push_back(table.rows[row][0]);
    }
  }
  const auto axis = table.rows.empty() ? writer.integers(group, name, numbers, H5T_STD_I64LE)
                                       : writer.texts(group, name, texts);
  mark_array(writer, axis);
  writer.text(axis, "kind", table.rows.empty() ? "integer" : "string");
  writer.text(axis, "name", "N.", Charset::ascii);
}

}  // namespace

Table pandas::read_fixed(const Node& group) {
  const auto columns = read_axis(group, "axis0");
  auto rows = read_axis(group, "axis1");
  if (columns.labels.empty())
    throw Error(ErrorKind::corrupt, group.place() + ": the columns have no names");
  Table table;
  table.columns = columns.labels;
  table.level_names = columns.level_names;
  if (table.level_names[0].empty())
    table.level_names = default_level_names(table.level_names.size());
  table.values.assign(rows.size() * table.columns.size(), std::nan(""));
  const auto blocks = group.integer_attribute("nblocks");
  for (std::int64_t i = 0; i < std::min<std::int64_t>(blocks, 64); ++i)
    read_block(group, fmt::format("block{}", i), columns, table, rows.size());
  table.rows = std::move(rows.labels);
  drop_plain_numbers(rows.numbers, table);
  return table;
}

std::string format_table_fixed_h5(const Table& table) {
  Writer writer;
  pandas::write_pytables_root(writer);
  const auto group = writer.group("df_with_missing");
  pandas::write_pytables_marks(writer, group, "GROUP", "1.0");
  writer.text(group, "pandas_type", "frame");
  writer.text(group, "pandas_version", "0.15.2");
  writer.text(group, "encoding", "UTF-8");
  writer.text(group, "errors", "strict");
  writer.integer(group, "ndim", 2);
  writer.integer(group, "nblocks", 1);
  write_multi_axis(writer, group, "axis0", table.columns, table.level_names);
  if (!table.rows.empty() && table.rows[0].size() > 1) {
    write_multi_axis(writer, group, "axis1", table.rows,
                     std::vector<std::string>(table.rows[0].size()));
  } else {
    write_regular_axis(writer, group, "axis1", table);
  }
  write_multi_axis(writer, group, "block0_items", table.columns, table.level_names);
  mark_array(writer, writer.doubles(group, "block0_values", table.values, table.row_count(),
                                    table.columns.size()));
  return writer.finish();
}

}  // namespace poseheir
