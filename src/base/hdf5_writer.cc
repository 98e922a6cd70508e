#include <algorithm>
#include <array>
#include <cstring>
#include <fmt/format.h>

#include "base/hdf5.h"
#include "base/hdf5_calls.h"
#include "poseheir/error.h"

namespace poseheir::hdf5 {
namespace {

Id text_type(std::size_t size, Charset charset) {
  Id type(H5Tcopy(H5T_C_S1), "string type");
  // Exactly the text: with room for one byte more, pandas sees another text.
  check(H5Tset_size(type, std::max<std::size_t>(size, 1)), "string size");
  check(H5Tset_cset(type, charset == Charset::utf8 ? H5T_CSET_UTF8 : H5T_CSET_ASCII),
        "string charset");
  return type;
}

void scalar(hid_t object, const std::string& name, hid_t stored, hid_t native, const void* value) {
  const Id space(H5Screate(H5S_SCALAR), name);
  const Id attribute(H5Acreate2(object, name.c_str(), stored, space, H5P_DEFAULT, H5P_DEFAULT),
                     name);
  check(H5Awrite(attribute, native, value), name);
}

Id dataset(hid_t group, const std::string& name, hid_t stored, hid_t native,
           std::span<const hsize_t> sizes, const void* values) {
  const Id space(H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), nullptr), name);
  Id id(H5Dcreate2(group, name.c_str(), stored, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
        name);
  check(H5Dwrite(id, native, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), name);
  return id;
}

}  // namespace

Writer::Writer() {
  silence_library();
  const auto access = memory_access("HDF5 in memory");
  file_ = Id(H5Fcreate("memory.h5", H5F_ACC_TRUNC, H5P_DEFAULT, access), "HDF5 in memory");
}

Id Writer::group(const std::string& name) {
  return {H5Gcreate2(file_, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), name};
}

void Writer::text(hid_t object, const std::string& name, std::string_view value, Charset charset) {
  if (value.empty()) return empty_text(object, name);
  // Attributes live in the object's header, which HDF5 limits to 64 KiB.
  if (value.size() > 64'000)
    throw Error(ErrorKind::unsupported,
                fmt::format("HDF5: the names of the columns need {} bytes, more than the 64,000 "
                            "that pandas' table format allows",
                            value.size()));
  const auto type = text_type(value.size(), charset);
  const Id space(H5Screate(H5S_SCALAR), name);
  const Id attribute(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), name);
  check(H5Awrite(attribute, type, value.data()), name);
}

void Writer::empty_text(hid_t object, const std::string& name) {
  const auto type = text_type(1, Charset::utf8);
  const Id space(H5Screate(H5S_NULL), name);
  const Id attribute(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), name);
}

void Writer::integer(hid_t object, const std::string& name, std::int64_t value) {
  scalar(object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, &value);
}
void Writer::real(hid_t object, const std::string& name, double value) {
  scalar(object, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value);
}
void Writer::bits(hid_t object, const std::string& name, std::uint8_t value) {
  scalar(object, name, H5T_STD_B8LE, H5T_NATIVE_B8, &value);
}

Id Writer::doubles(hid_t group, const std::string& name, std::span<const double> values,
                   std::size_t rows, std::size_t columns) {
  const std::array<hsize_t, 2> sizes{rows, columns};
  return dataset(group, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, sizes, values.data());
}

Id Writer::integers(hid_t group, const std::string& name, std::span<const std::int64_t> values,
                    hid_t stored_type) {
  const std::array<hsize_t, 1> sizes{values.size()};
  return dataset(group, name, stored_type, H5T_NATIVE_INT64, sizes, values.data());
}

Id Writer::texts(hid_t group, const std::string& name, const std::vector<std::string>& values) {
  std::size_t size = 1;
  for (const auto& value : values) size = std::max(size, value.size());
  std::string bytes;
  for (const auto& value : values) bytes.append(value).append(size - value.size(), '\0');
  const auto type = text_type(size, Charset::ascii);
  const std::array<hsize_t, 1> sizes{values.size()};
  return dataset(group, name, type, type, sizes, bytes.data());
}

Id Writer::table(hid_t group, const std::string& name, const std::vector<std::string>& index,
                 std::span<const double> values, std::size_t columns) {
  const std::size_t rows = values.size() / columns;
  std::size_t index_size = index.empty() ? sizeof(std::int64_t) : 1;
  for (const auto& label : index) index_size = std::max(index_size, label.size());
  const auto record_size = index_size + columns * sizeof(double);
  const Id index_type(
      index.empty() ? H5Tcopy(H5T_STD_I64LE) : H5Tcopy(text_type(index_size, Charset::ascii)),
      name);
  const hsize_t width = columns;
  const Id block(H5Tarray_create2(H5T_IEEE_F64LE, 1, &width), name);
  const Id record(H5Tcreate(H5T_COMPOUND, record_size), name);
  check(H5Tinsert(record, "index", 0, index_type), name);
  check(H5Tinsert(record, "values_block_0", index_size, block), name);

  std::string bytes(rows * record_size, '\0');
  for (std::size_t row = 0; row < rows; ++row) {
    char* at = bytes.data() + row * record_size;
    const auto number = static_cast<std::int64_t>(row);
    if (index.empty()) {
      std::memcpy(at, &number, sizeof(number));
    } else {
      std::copy(index[row].begin(), index[row].end(), at);
    }
    std::memcpy(at + index_size, values.data() + row * columns, columns * sizeof(double));
  }

  const hsize_t size = rows, unlimited = H5S_UNLIMITED;
  const Id space(H5Screate_simple(1, &size, &unlimited), name);
  const Id layout(H5Pcreate(H5P_DATASET_CREATE), name);
  // PyTables' own choice: about 64 KiB a chunk.
  const hsize_t chunk = std::max<hsize_t>(1, 65536 / record_size);
  check(H5Pset_chunk(layout, 1, &chunk), name);
  Id id(H5Dcreate2(group, name.c_str(), record, space, H5P_DEFAULT, layout, H5P_DEFAULT), name);
  check(H5Dwrite(id, record, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()), name);
  return id;
}

std::string Writer::finish() {
  check(H5Fflush(file_, H5F_SCOPE_GLOBAL), "HDF5 in memory");
  const auto size = H5Fget_file_image(file_, nullptr, 0);
  if (size < 0) throw Error(ErrorKind::io, "HDF5: no memory for the file");
  std::string bytes(static_cast<std::size_t>(size), '\0');
  if (H5Fget_file_image(file_, bytes.data(), bytes.size()) < 0)
    throw Error(ErrorKind::io, "HDF5: cannot finish the file");
  return bytes;
}

}  // namespace poseheir::hdf5
