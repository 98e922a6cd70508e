// The two layouts in which pandas keeps a table inside an HDF5 group.
#pragma once

#include <string>
#include <vector>

#include "base/hdf5.h"
#include "dlc/table.h"

namespace poseheir::pandas {

Table read_fixed(const hdf5::Node& group);
Table read_appendable(const hdf5::Node& group);

// What PyTables writes on every object it makes.
void write_pytables_marks(hdf5::Writer& writer, hid_t object, const char* kind,
                          const char* version);
void write_pytables_root(hdf5::Writer& writer);

// scorer, [individuals,] bodyparts, coords: for files whose levels have no names.
std::vector<std::string> default_level_names(std::size_t levels);

// Row labels that are only the numbers 0, 1, 2, … mean "numbered".
void drop_plain_numbers(const std::vector<std::int64_t>& numbers, Table& table);

}  // namespace poseheir::pandas
