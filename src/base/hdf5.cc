#include "base/hdf5.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fmt/format.h>
#include <mutex>

#include "base/hdf5_calls.h"
#include "poseheir/error.h"

namespace poseheir::hdf5 {
namespace {

std::vector<std::string> split_texts(const std::string& bytes, std::size_t size) {
  std::vector<std::string> result;
  for (std::size_t at = 0; at + size <= bytes.size(); at += size)
    result.emplace_back(bytes.data() + at, ::strnlen(bytes.data() + at, size));
  return result;
}

}  // namespace

void silence_library() {
  static std::once_flag once;
  std::call_once(once, [] { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); });
}

void check(herr_t code, const std::string& what) {
  if (code < 0) throw Error(ErrorKind::corrupt, what);
}

Id memory_access(const std::string& what) {
  Id access(H5Pcreate(H5P_FILE_ACCESS), what);
  check(H5Pset_fapl_core(access, std::size_t{1} << 16, 0), what);
  return access;
}

Id::Id(hid_t id, const std::string& what) : id_(id) {
  if (id < 0) throw Error(ErrorKind::corrupt, what);
}

void Id::reset() {
  if (id_ >= 0) H5Idec_ref(id_);
  id_ = -1;
}

Node Node::open(std::string_view bytes, const std::string& name) {
  silence_library();
  const auto access = memory_access(name);
  // The library copies the image; its parameter is not const for the sake of other modes.
  check(H5Pset_file_image(access, const_cast<char*>(bytes.data()), bytes.size()),
        name + ": damaged: an empty file");
  // The library refuses an image for a name that exists on disk; below a device none can.
  auto file = std::make_shared<const Id>(H5Fopen("/dev/null/image.h5", H5F_ACC_RDONLY, access),
                                         name + ": damaged or incomplete HDF5 file");
  Id root(H5Gopen2(*file, "/", H5P_DEFAULT), name + ": damaged HDF5 file: no root group");
  return {std::move(file), std::move(root), name + ": ", bytes.size()};
}

Node Node::open_file(const std::filesystem::path& path) {
  silence_library();
  const auto name = path.string();
  auto file = std::make_shared<const Id>(H5Fopen(name.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT),
                                         name + ": damaged or incomplete HDF5 file");
  Id root(H5Gopen2(*file, "/", H5P_DEFAULT), name + ": damaged HDF5 file: no root group");
  return {std::move(file), std::move(root), name + ": ", std::filesystem::file_size(path)};
}

bool Node::has(const std::string& child) const {
  return H5Lexists(id_, child.c_str(), H5P_DEFAULT) > 0;
}

Node Node::child(const std::string& name) const {
  auto place = place_ + "/" + name;
  if (!has(name)) throw Error(ErrorKind::corrupt, place + ": missing");
  Id id(H5Oopen(id_, name.c_str(), H5P_DEFAULT), place + ": damaged");
  return {file_, std::move(id), std::move(place), file_size_};
}

std::vector<std::string> Node::children() const {
  H5G_info_t info{};
  check(H5Gget_info(id_, &info), place_ + ": damaged group");
  std::vector<std::string> names;
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    std::array<char, 256> name{};
    const auto size = H5Lget_name_by_idx(id_, ".", H5_INDEX_NAME, H5_ITER_INC, i, name.data(),
                                         name.size(), H5P_DEFAULT);
    if (size < 0) throw Error(ErrorKind::corrupt, place_ + ": damaged group");
    names.emplace_back(name.data());
  }
  return names;
}

bool Node::is_group() const { return H5Iget_type(id_) == H5I_GROUP; }

bool Node::has_attribute(const std::string& name) const { return H5Aexists(id_, name.c_str()) > 0; }

std::string Node::text_attribute(const std::string& name) const {
  const auto what = fmt::format("{}: attribute '{}'", place_, name);
  const Id attribute(H5Aopen(id_, name.c_str(), H5P_DEFAULT), what + " is missing");
  const Id type(H5Aget_type(attribute), what);
  if (H5Tget_class(type) != H5T_STRING) throw Error(ErrorKind::corrupt, what + " is no text");
  const Id space(H5Aget_space(attribute), what);
  if (H5Sget_simple_extent_npoints(space) != 1) return {};
  if (H5Tis_variable_str(type) > 0) {
    char* text = nullptr;
    check(H5Aread(attribute, type, static_cast<void*>(&text)), what);
    std::string result = text == nullptr ? "" : text;
    H5free_memory(text);
    return result;
  }
  std::string text(H5Tget_size(type), '\0');
  check(H5Aread(attribute, type, text.data()), what);
  text.resize(::strnlen(text.data(), text.size()));
  return text;
}

std::int64_t Node::integer_attribute(const std::string& name) const {
  const auto what = fmt::format("{}: attribute '{}'", place_, name);
  const Id attribute(H5Aopen(id_, name.c_str(), H5P_DEFAULT), what + " is missing");
  const Id space(H5Aget_space(attribute), what);
  const Id type(H5Aget_type(attribute), what);
  if (H5Sget_simple_extent_npoints(space) != 1 || H5Tget_class(type) != H5T_INTEGER)
    throw Error(ErrorKind::corrupt, what + " is no number");
  std::int64_t value = 0;
  check(H5Aread(attribute, H5T_NATIVE_INT64, &value), what);
  return value;
}

double Node::real_attribute(const std::string& name) const {
  const auto what = fmt::format("{}: attribute '{}'", place_, name);
  const Id attribute(H5Aopen(id_, name.c_str(), H5P_DEFAULT), what + " is missing");
  const Id space(H5Aget_space(attribute), what);
  const Id type(H5Aget_type(attribute), what);
  const auto kind = H5Tget_class(type);
  if (H5Sget_simple_extent_npoints(space) != 1 || (kind != H5T_FLOAT && kind != H5T_INTEGER))
    throw Error(ErrorKind::corrupt, what + " is no number");
  double value = 0;
  check(H5Aread(attribute, H5T_NATIVE_DOUBLE, &value), what);
  return value;
}

std::vector<std::uint64_t> Node::shape() const {
  const Id space(H5Dget_space(id_), place_ + ": no dataset");
  const int rank = H5Sget_simple_extent_ndims(space);
  if (rank < 0) throw Error(ErrorKind::corrupt, place_ + ": damaged dataset");
  std::vector<hsize_t> sizes(static_cast<std::size_t>(rank));
  check(H5Sget_simple_extent_dims(space, sizes.data(), nullptr), place_);
  return {sizes.begin(), sizes.end()};
}

// A dataset may claim any size: nothing packs better than zlib's 1:1032.
std::size_t Node::element_count(std::size_t bytes_each) const {
  constexpr std::uint64_t kMostPacked = 1100;
  const auto limit = (file_size_ * kMostPacked + (1U << 20)) / std::max<std::size_t>(bytes_each, 1);
  std::uint64_t count = 1;
  for (const auto size : shape()) {
    if (size != 0 && count > limit / size)
      throw Error(ErrorKind::corrupt, place_ + ": claims more values than the file can hold");
    count *= size;
  }
  return static_cast<std::size_t>(count);
}

void Node::read(hid_t type, void* target) const {
  check(H5Dread(id_, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, target), place_ + ": damaged dataset");
}

bool Node::holds_text() const {
  const Id type(H5Dget_type(id_), place_ + ": no dataset");
  return H5Tget_class(type) == H5T_STRING;
}

std::vector<double> Node::doubles() const {
  const Id type(H5Dget_type(id_), place_ + ": no dataset");
  const auto kind = H5Tget_class(type);
  if (kind != H5T_FLOAT && kind != H5T_INTEGER)
    throw Error(ErrorKind::unsupported, place_ + ": holds no numbers (pickled objects?)");
  std::vector<double> values(element_count(sizeof(double)));
  read(H5T_NATIVE_DOUBLE, values.data());
  return values;
}

std::vector<std::int64_t> Node::integers() const {
  const Id type(H5Dget_type(id_), place_ + ": no dataset");
  if (H5Tget_class(type) != H5T_INTEGER)
    throw Error(ErrorKind::unsupported, place_ + ": holds no whole numbers");
  std::vector<std::int64_t> values(element_count(sizeof(std::int64_t)));
  read(H5T_NATIVE_INT64, values.data());
  return values;
}

std::vector<std::string> Node::variable_texts(hid_t type) const {
  std::vector<char*> pointers(element_count(sizeof(char*)));
  if (pointers.empty()) return {};
  read(type, pointers.data());
  std::vector<std::string> texts;
  for (const auto* text : pointers) texts.emplace_back(text == nullptr ? "" : text);
  const Id space(H5Dget_space(id_), place_);
  H5Dvlen_reclaim(type, space, H5P_DEFAULT, pointers.data());
  return texts;
}

std::string Node::bytes_of_row(std::size_t row) const {
  const auto sizes = shape();
  const Id type(H5Dget_type(id_), place_ + ": no dataset");
  const bool list = H5Tget_class(type) == H5T_VLEN;
  if (sizes.size() != (list ? 1U : 2U) || row >= sizes[0])
    throw Error(ErrorKind::corrupt, fmt::format("{}: no row {} of bytes", place_, row));
  const Id space(H5Dget_space(id_), place_);
  const std::array<hsize_t, 2> start{row, 0}, count{1, list ? 1 : sizes[1]};
  check(H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr),
        place_);
  const hsize_t length = count[1];
  const Id memory(H5Screate_simple(1, &length, nullptr), place_);
  const auto damaged = place_ + ": damaged dataset";
  if (!list) {
    if (H5Tget_size(type) != 1 || sizes[1] > std::uint64_t{1} << 31)
      throw Error(ErrorKind::unsupported, place_ + ": holds no bytes");
    std::string bytes(sizes[1], '\0');
    check(H5Dread(id_, type, memory, space, H5P_DEFAULT, bytes.data()), damaged);
    return bytes;
  }
  const Id element(H5Tget_super(type), place_);
  if (H5Tget_size(element) != 1) throw Error(ErrorKind::unsupported, place_ + ": holds no bytes");
  hvl_t item{};
  check(H5Dread(id_, type, memory, space, H5P_DEFAULT, &item), damaged);
  std::string bytes(static_cast<const char*>(item.p), item.len);
  H5Dvlen_reclaim(type, memory, H5P_DEFAULT, &item);
  return bytes;
}

std::vector<std::string> Node::texts() const {
  const Id type(H5Dget_type(id_), place_ + ": no dataset");
  if (H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) > 0) return variable_texts(type);
  if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) > 0)
    throw Error(ErrorKind::unsupported,
                place_ + ": holds no texts of fixed length (pickled objects?)");
  const auto size = H5Tget_size(type);
  std::string bytes(element_count(size) * size, '\0');
  read(type, bytes.data());
  return split_texts(bytes, size);
}

std::vector<Node::Field> Node::fields() const {
  const Id type(H5Dget_type(id_), place_ + ": no dataset");
  if (H5Tget_class(type) != H5T_COMPOUND)
    throw Error(ErrorKind::corrupt, place_ + ": no table of records");
  std::vector<Field> fields;
  for (unsigned i = 0; i < static_cast<unsigned>(H5Tget_nmembers(type)); ++i) {
    char* name = H5Tget_member_name(type, i);
    Field field{name == nullptr ? "" : name, false, 1};
    H5free_memory(name);
    const Id member(H5Tget_member_type(type, i), place_);
    field.is_text = H5Tget_class(member) == H5T_STRING;
    if (H5Tget_class(member) == H5T_ARRAY) {
      const Id element(H5Tget_super(member), place_);
      field.width = H5Tget_size(member) / std::max<std::size_t>(H5Tget_size(element), 1);
    }
    fields.push_back(std::move(field));
  }
  return fields;
}

// A record of this field alone: the library picks it out of the wider ones in the file.
Id Node::field_type(const Field& field, hid_t type) const {
  Id member;
  const hsize_t width = field.width;
  const Id file_type(H5Dget_type(id_), place_);
  // The library leaves a column that is not there as it was, and says nothing.
  const int column = H5Tget_class(file_type) == H5T_COMPOUND
                         ? H5Tget_member_index(file_type, field.name.c_str())
                         : -1;
  if (column < 0)
    throw Error(ErrorKind::corrupt, fmt::format("{}: has no column '{}'", place_, field.name));
  const Id stored(H5Tget_member_type(file_type, static_cast<unsigned>(column)), place_);
  const bool is_array = H5Tget_class(stored) == H5T_ARRAY;
  if (is_array) member = Id(H5Tarray_create2(type, 1, &width), place_);
  const auto size = H5Tget_size(type) * width;
  Id record(H5Tcreate(H5T_COMPOUND, size), place_);
  check(H5Tinsert(record, field.name.c_str(), 0, is_array ? static_cast<hid_t>(member) : type),
        place_);
  return record;
}

std::vector<double> Node::field_doubles(const Field& field) const {
  if (field.is_text)
    throw Error(ErrorKind::unsupported, fmt::format("{}: '{}' holds texts", place_, field.name));
  std::vector<double> values(element_count(sizeof(double) * field.width) * field.width);
  read(field_type(field, H5T_NATIVE_DOUBLE), values.data());
  return values;
}

std::vector<std::int64_t> Node::field_integers(const Field& field) const {
  std::vector<std::int64_t> values(element_count(sizeof(std::int64_t) * field.width) * field.width);
  read(field_type(field, H5T_NATIVE_INT64), values.data());
  return values;
}

std::vector<std::string> Node::field_texts(const Field& field) const {
  const Id file_type(H5Dget_type(id_), place_);
  const int index = H5Tget_member_index(file_type, field.name.c_str());
  const Id type(index < 0 ? -1 : H5Tget_member_type(file_type, static_cast<unsigned>(index)),
                place_);
  if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) > 0)
    throw Error(ErrorKind::unsupported,
                fmt::format("{}: '{}' holds no texts of fixed length", place_, field.name));
  const auto size = H5Tget_size(type);
  std::string bytes(element_count(size) * size, '\0');
  read(field_type(field, type), bytes.data());
  return split_texts(bytes, size);
}

}  // namespace poseheir::hdf5
