// The little of HDF5 that pandas' and SLEAP's files need, over the plain C library: files live in
// memory, ids have owners, failures are ours. Not for use from several threads at once: Debian's
// HDF5 is not.
#pragma once

#include <cstdint>
#include <filesystem>
#include <hdf5.h>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace poseheir::hdf5 {

class Id {
 public:
  Id() = default;
  // Takes over an id the library returned; throws Error(corrupt) saying `what` failed if negative.
  Id(hid_t id, const std::string& what);
  ~Id() { reset(); }
  Id(Id&& other) noexcept : id_(std::exchange(other.id_, -1)) {}
  Id& operator=(Id&& other) noexcept {
    reset();
    id_ = std::exchange(other.id_, -1);
    return *this;
  }
  Id(const Id&) = delete;
  Id& operator=(const Id&) = delete;

  operator hid_t() const { return id_; }  // NOLINT: the C library's own functions take it

 private:
  void reset();
  hid_t id_ = -1;
};

// A group or dataset of a file opened for reading.
class Node {
 public:
  // `name` is for error texts. The bytes are copied.
  static Node open(std::string_view bytes, const std::string& name);
  // Reads from the disk when asked: for files that may be large.
  static Node open_file(const std::filesystem::path& path);

  bool has(const std::string& child) const;
  Node child(const std::string& name) const;
  std::vector<std::string> children() const;
  bool is_group() const;

  bool has_attribute(const std::string& name) const;
  std::string text_attribute(const std::string& name) const;
  std::int64_t integer_attribute(const std::string& name) const;
  double real_attribute(const std::string& name) const;

  std::vector<std::uint64_t> shape() const;
  bool holds_text() const;
  std::vector<double> doubles() const;
  std::vector<std::int64_t> integers() const;
  std::vector<std::string> texts() const;
  // One row of a table of bytes, or one item of a list of byte strings of any length.
  std::string bytes_of_row(std::size_t row) const;

  // A table of compound records.
  struct Field {
    std::string name;
    bool is_text = false;
    std::size_t width = 1;  // numbers in one record
  };
  std::vector<Field> fields() const;
  std::vector<double> field_doubles(const Field& field) const;
  std::vector<std::int64_t> field_integers(const Field& field) const;
  std::vector<std::string> field_texts(const Field& field) const;

  const std::string& place() const { return place_; }  // "file.h5: /df_with_missing/table"

 private:
  Node(std::shared_ptr<const Id> file, Id id, std::string place, std::uint64_t file_size)
      : file_(std::move(file)),
        id_(std::move(id)),
        place_(std::move(place)),
        file_size_(file_size) {}
  std::size_t element_count(std::size_t bytes_each) const;
  Id field_type(const Field& field, hid_t type) const;
  void read(hid_t type, void* target) const;
  std::vector<std::string> variable_texts(hid_t type) const;

  std::shared_ptr<const Id> file_;
  Id id_;
  std::string place_;
  std::uint64_t file_size_ = 0;
};

enum class Charset : std::uint8_t { ascii, utf8 };  // pandas unpickles ascii and only ascii

// A file being made in memory.
class Writer {
 public:
  Writer();
  hid_t root() const { return file_; }
  Id group(const std::string& name);

  void text(hid_t object, const std::string& name, std::string_view value,
            Charset charset = Charset::utf8);
  void empty_text(hid_t object, const std::string& name);  // PyTables' empty title
  void integer(hid_t object, const std::string& name, std::int64_t value);
  void real(hid_t object, const std::string& name, double value);
  void bits(hid_t object, const std::string& name, std::uint8_t value);

  Id doubles(hid_t group, const std::string& name, std::span<const double> values, std::size_t rows,
             std::size_t columns);
  Id integers(hid_t group, const std::string& name, std::span<const std::int64_t> values,
              hid_t stored_type);
  Id texts(hid_t group, const std::string& name, const std::vector<std::string>& values);
  // Records of one index and `columns` doubles; the index is numbers from 0 where `index` is empty.
  Id table(hid_t group, const std::string& name, const std::vector<std::string>& index,
           std::span<const double> values, std::size_t columns);

  std::string finish();

 private:
  Id file_;
};

}  // namespace poseheir::hdf5
