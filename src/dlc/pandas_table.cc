// pandas' table format: one compound record a row, the columns' names in pickled attributes.
#include <cmath>
#include <fmt/format.h>
#include <map>

#include "base/pickle.h"
#include "dlc/pandas.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

using hdf5::Charset;
using hdf5::Node;
using hdf5::Writer;
using Columns = std::vector<std::vector<std::string>>;

Error odd_attribute(const Node& node, const std::string& attribute) {
  return {ErrorKind::corrupt,
          fmt::format("{}: attribute '{}' is not what pandas writes", node.place(), attribute)};
}

// Pickled labels: Python 2 wrote them as bytes.
std::string label_text(const PickleValue& value) {
  if (value.is(PickleValue::Kind::integer)) return std::to_string(value.integer);
  return std::string(value.text);
}

Columns columns_of(const PickleValue& list, const Node& node, const std::string& attribute) {
  if (!list.is_sequence()) throw odd_attribute(node, attribute);
  Columns columns;
  for (const auto* item : list.items) {
    auto& column = columns.emplace_back();
    if (!item->is_sequence()) throw odd_attribute(node, attribute);
    for (const auto* label : item->items) column.push_back(label_text(*label));
    if (column.size() != columns[0].size() || column.empty()) throw odd_attribute(node, attribute);
  }
  return columns;
}

Columns read_columns(const Node& group) {
  const auto pickle = group.text_attribute("non_index_axes");
  const auto document = parse_pickle(as_bytes_of(pickle), {plain_pickle_globals()});
  const auto& axes = document.root();
  if (!axes.is_sequence() || axes.items.size() != 1 || !axes.items[0]->is_sequence() ||
      axes.items[0]->items.size() != 2)
    throw odd_attribute(group, "non_index_axes");
  auto columns = columns_of(*axes.items[0]->items[1], group, "non_index_axes");
  if (columns.empty()) throw odd_attribute(group, "non_index_axes");
  return columns;
}

std::vector<std::string> read_level_names(const Node& group, std::size_t levels) {
  auto names = pandas::default_level_names(levels);
  if (!group.has_attribute("info")) return names;
  const auto pickle = group.text_attribute("info");
  const auto document = parse_pickle(as_bytes_of(pickle), {plain_pickle_globals()});
  const auto& info = document.root();
  for (std::size_t i = 0; i + 1 < info.items.size(); i += 2) {
    if (!info.items[i]->is(PickleValue::Kind::integer) || info.items[i]->integer != 1) continue;
    const auto* stored = info.items[i + 1]->find("names");
    if (stored == nullptr || !stored->is_sequence() || stored->items.size() != levels) continue;
    for (std::size_t level = 0; level < levels; ++level) {
      const auto name = label_text(*stored->items[level]);
      if (!name.empty()) names[level] = name;
    }
  }
  return names;
}

void read_index(const Node& records, const Node::Field& field, Table& table) {
  if (field.is_text) {
    for (auto& text : records.field_texts(field)) table.rows.push_back({std::move(text)});
  } else {
    pandas::drop_plain_numbers(records.field_integers(field), table);
  }
}

void read_block(const Node& records, const Node::Field& field, Table& table) {
  const auto attribute = field.name + "_kind";
  const auto pickle = records.text_attribute(attribute);
  const auto document = parse_pickle(as_bytes_of(pickle), {plain_pickle_globals()});
  const auto names = columns_of(document.root(), records, attribute);
  if (names.size() != field.width) throw odd_attribute(records, attribute);
  std::map<std::vector<std::string>, std::size_t> place;
  for (std::size_t i = 0; i < table.columns.size(); ++i) place[table.columns[i]] = i;
  const auto values = records.field_doubles(field);
  const auto width = table.columns.size(), rows = values.size() / field.width;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto found = place.find(names[i]);
    if (found == place.end()) throw odd_attribute(records, attribute);
    for (std::size_t row = 0; row < rows; ++row)
      table.values[row * width + found->second] = values[row * field.width + i];
  }
}

std::string pickled_columns(const Table& table, bool as_axis) {
  PickleWriter pickle(PickleWriter::Protocol::text_0);
  if (as_axis) pickle.begin_list().begin_tuple().integer(1);
  pickle.begin_list();
  for (const auto& column : table.columns) {
    pickle.begin_tuple();
    for (const auto& label : column) pickle.text(label);
    pickle.end();
  }
  pickle.end();
  if (as_axis) pickle.end().end();
  return pickle.finish();
}

std::string pickled_info(const Table& table) {
  PickleWriter pickle(PickleWriter::Protocol::text_0);
  pickle.begin_dict().integer(1).begin_dict().text("names").begin_list();
  for (const auto& name : table.level_names) pickle.text(name);
  pickle.end().text("type").text("MultiIndex").end();
  pickle.text("index").begin_dict().end();
  pickle.text("values_block_0").begin_dict().end().end();
  return pickle.finish();
}

void write_group_attributes(Writer& writer, hid_t group, const Table& table) {
  pandas::write_pytables_marks(writer, group, "GROUP", "1.0");
  writer.text(group, "pandas_type", "frame_table");
  writer.text(group, "pandas_version", "0.15.2");
  writer.text(group, "encoding", "UTF-8");
  writer.text(group, "errors", "strict");
  writer.text(group, "table_type", "appendable_frame");
  writer.text(group, "nan_rep", "nan");
  writer.integer(group, "levels", 1);
  writer.text(group, "data_columns",
              PickleWriter(PickleWriter::Protocol::text_0).begin_list().end().finish(),
              Charset::ascii);
  writer.text(group, "index_cols",
              PickleWriter(PickleWriter::Protocol::text_0)
                  .begin_list()
                  .begin_tuple()
                  .integer(0)
                  .text("index")
                  .end()
                  .end()
                  .finish(),
              Charset::ascii);
  writer.text(group, "values_cols",
              PickleWriter(PickleWriter::Protocol::text_0)
                  .begin_list()
                  .text("values_block_0")
                  .end()
                  .finish(),
              Charset::ascii);
  writer.text(group, "info", pickled_info(table), Charset::ascii);
  writer.text(group, "non_index_axes", pickled_columns(table, true), Charset::ascii);
}

void write_table_attributes(Writer& writer, hid_t records, const Table& table) {
  pandas::write_pytables_marks(writer, records, "TABLE", "2.7");
  writer.text(records, "FIELD_0_NAME", "index");
  writer.text(records, "FIELD_1_NAME", "values_block_0");
  if (table.rows.empty()) writer.integer(records, "FIELD_0_FILL", 0);
  writer.real(records, "FIELD_1_FILL", 0);
  writer.integer(records, "NROWS", static_cast<std::int64_t>(table.row_count()));
  writer.text(records, "index_kind", table.rows.empty() ? "integer" : "string");
  writer.text(records, "values_block_0_dtype", "float64");
  writer.text(records, "values_block_0_kind", pickled_columns(table, false), Charset::ascii);
  writer.text(records, "values_block_0_meta", "N.", Charset::ascii);
}

}  // namespace

Table pandas::read_appendable(const Node& group) {
  Table table;
  table.columns = read_columns(group);
  table.level_names = read_level_names(group, table.columns[0].size());
  const auto records = group.child("table");
  const auto shape = records.shape();
  const auto fields = records.fields();
  if (shape.size() != 1 || fields.empty() || fields[0].name != "index")
    throw Error(ErrorKind::corrupt, records.place() + ": no table with an index");
  read_index(records, fields[0], table);
  table.values.assign(shape[0] * table.columns.size(), std::nan(""));
  for (std::size_t i = 1; i < fields.size(); ++i) {
    if (!fields[i].name.starts_with("values_block_"))
      throw Error(ErrorKind::unsupported,
                  fmt::format("{}: column '{}' outside the blocks of values", records.place(),
                              fields[i].name));
    read_block(records, fields[i], table);
  }
  return table;
}

std::string format_table_appendable_h5(const Table& table, const std::string& key) {
  Writer writer;
  pandas::write_pytables_root(writer);
  const auto group = writer.group(key);
  write_group_attributes(writer, group, table);
  std::vector<std::string> index;
  for (const auto& row : table.rows) {
    if (row.size() != 1)
      throw Error(ErrorKind::unsupported, "pandas' table format takes one label a row");
    index.push_back(row[0]);
  }
  const auto records = writer.table(group, "table", index, table.values, table.columns.size());
  write_table_attributes(writer, records, table);
  return writer.finish();
}

}  // namespace poseheir
