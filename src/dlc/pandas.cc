#include "dlc/pandas.h"

#include <fmt/format.h>

#include "poseheir/error.h"

namespace poseheir {
namespace pandas {

void write_pytables_marks(hdf5::Writer& writer, hid_t object, const char* kind,
                          const char* version) {
  writer.text(object, "CLASS", kind);
  writer.empty_text(object, "TITLE");
  writer.text(object, "VERSION", version);
}

void write_pytables_root(hdf5::Writer& writer) {
  write_pytables_marks(writer, writer.root(), "GROUP", "1.0");
  writer.text(writer.root(), "PYTABLES_FORMAT_VERSION", "2.1");
}

std::vector<std::string> default_level_names(std::size_t levels) {
  if (levels == 4) return {"scorer", "individuals", "bodyparts", "coords"};
  std::vector<std::string> names = {"scorer", "bodyparts", "coords"};
  names.resize(levels);
  return names;
}

void drop_plain_numbers(const std::vector<std::int64_t>& numbers, Table& table) {
  bool plain = true;
  for (std::size_t row = 0; row < numbers.size(); ++row)
    plain = plain && numbers[row] == static_cast<std::int64_t>(row);
  if (plain) return;
  for (const auto number : numbers) table.rows.push_back({std::to_string(number)});
}

}  // namespace pandas

Table parse_table_h5(std::string_view bytes, const std::string& name) {
  const auto root = hdf5::Node::open(bytes, name);
  for (const auto& key : root.children()) {
    const auto group = root.child(key);
    if (!group.is_group() || !group.has_attribute("pandas_type")) continue;
    const auto type = group.text_attribute("pandas_type");
    if (type == "frame") return pandas::read_fixed(group);
    if (type == "frame_table") return pandas::read_appendable(group);
    throw Error(ErrorKind::unsupported,
                fmt::format("{}: a pandas object of type '{}', expected 'frame' or 'frame_table'",
                            group.place(), type));
  }
  throw Error(ErrorKind::corrupt, name + ": an HDF5 file without a table of pandas");
}

}  // namespace poseheir
