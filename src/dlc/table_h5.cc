#include "dlc/table.h"
#include "poseheir/error.h"

namespace poseheir {

Table parse_table_h5(std::string_view, const std::string& name) {
  throw Error(ErrorKind::unsupported, name + ": HDF5 labels; read the csv instead");
}
std::string format_table_fixed_h5(const Table&) {
  throw Error(ErrorKind::unsupported, "HDF5 output");
}
std::string format_table_appendable_h5(const Table&) {
  throw Error(ErrorKind::unsupported, "HDF5 output");
}

}  // namespace poseheir
