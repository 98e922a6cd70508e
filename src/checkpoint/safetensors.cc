#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/text.h"
#include "checkpoint/formats.h"

namespace poseheir {
namespace {

constexpr std::uint64_t kMaxHeader = 100'000'000;
constexpr std::size_t kLengthSize = 8;
constexpr std::string_view kMetadata = "__metadata__";

struct SafetensorsType {
  std::string_view name;
  DType dtype;
};

// In the order in which the reference writer lays tensors out, so that each is aligned.
constexpr std::array<SafetensorsType, 19> kTypes{{
    {"U64", DType::u64},
    {"I64", DType::i64},
    {"F64", DType::f64},
    {"C64", DType::c64},
    {"F32", DType::f32},
    {"U32", DType::u32},
    {"I32", DType::i32},
    {"BF16", DType::bf16},
    {"F16", DType::f16},
    {"U16", DType::u16},
    {"I16", DType::i16},
    {"F8_E5M2FNUZ", DType::f8_e5m2fnuz},
    {"F8_E4M3FNUZ", DType::f8_e4m3fnuz},
    {"F8_E8M0", DType::f8_e8m0},
    {"F8_E4M3", DType::f8_e4m3},
    {"F8_E5M2", DType::f8_e5m2},
    {"I8", DType::i8},
    {"U8", DType::u8},
    {"BOOL", DType::boolean},
}};

[[noreturn]] void fail(const std::string& text, ErrorKind kind = ErrorKind::corrupt) {
  throw Error(kind, text);
}

struct Entry {
  TensorInfo info;
  std::uint64_t begin = 0, end = 0;
};

// Takes the header's JSON event by event: a JSON library's own values would keep the last of two
// equal names, and turn large integers into doubles.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::vector<Entry> entries;

  bool start_object(std::size_t) override {
    if (depth_ == 2 || in_array_) unexpected("an object");
    if (++depth_ == 2) begin_tensor();
    return true;
  }

  bool end_object() override {
    if (depth_-- == 2 && !in_metadata_) end_tensor();
    return true;
  }

  bool key(std::string& key) override {
    if (depth_ == 1) {
      name_ = key;
      in_metadata_ = key == kMetadata;
      if (in_metadata_ && std::exchange(had_metadata_, true))
        fail("header: '__metadata__' occurs twice");
    } else if (!in_metadata_) {
      begin_field(key);
    }
    return true;
  }

  bool start_array(std::size_t) override {
    if (depth_ != 2 || in_metadata_ || in_array_ || field_ == Field::dtype) unexpected("a list");
    in_array_ = true;
    return true;
  }

  bool end_array() override {
    in_array_ = false;
    return true;
  }

  bool number_unsigned(std::uint64_t value) override {
    if (!in_array_) unexpected("a number");
    (field_ == Field::shape ? shape_ : offsets_).push_back(value);
    return true;
  }

  bool string(std::string& value) override {
    if (depth_ == 2 && in_metadata_) return true;
    if (depth_ != 2 || field_ != Field::dtype) unexpected(fmt::format("'{}'", printable(value)));
    dtype_ = value;
    return true;
  }

  bool number_integer(std::int64_t value) override { unexpected(std::to_string(value)); }
  bool number_float(double, const std::string& text) override { unexpected(text); }
  bool null() override { unexpected("null"); }
  bool boolean(bool) override { unexpected("a truth value"); }
  bool binary(nlohmann::json::binary_t&) override { unexpected("bytes"); }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    fail(fmt::format("header: not valid JSON at its byte {}", position));
  }

 private:
  enum class Field { none, dtype, shape, offsets };

  [[noreturn]] void unexpected(std::string_view found) const {
    fail(
        fmt::format("header: {}: {} is out of place; expected {{\"dtype\": …, \"shape\": [whole "
                    "numbers], \"data_offsets\": [begin, end]}}",
                    depth_ == 0 ? "at its start" : fmt::format("'{}'", printable(name_)), found));
  }

  void begin_tensor() {
    field_ = Field::none;
    dtype_.reset();
    shape_.clear();
    offsets_.clear();
    has_shape_ = has_offsets_ = false;
  }

  void begin_field(const std::string& key) {
    bool is_doubled = false;
    if (key == "dtype") {
      field_ = Field::dtype;
      is_doubled = dtype_.has_value();
    } else if (key == "shape") {
      field_ = Field::shape;
      is_doubled = std::exchange(has_shape_, true);
    } else if (key == "data_offsets") {
      field_ = Field::offsets;
      is_doubled = std::exchange(has_offsets_, true);
    } else {
      fail(fmt::format("header: tensor '{}' has an unknown key '{}'", printable(name_),
                       printable(key)));
    }
    if (is_doubled) fail(fmt::format("header: tensor '{}' has two '{}'", printable(name_), key));
  }

  void end_tensor() {
    if (!dtype_ || !has_shape_ || !has_offsets_ || offsets_.size() != 2)
      fail(fmt::format("header: tensor '{}' lacks dtype, shape or two data_offsets",
                       printable(name_)));
    const auto type = std::find_if(kTypes.begin(), kTypes.end(),
                                   [&](const auto& known) { return known.name == *dtype_; });
    if (type == kTypes.end())
      fail(fmt::format("tensor '{}': type '{}' is not supported", printable(name_),
                       printable(*dtype_)),
           ErrorKind::unsupported);
    Entry entry{{name_, type->dtype, {}}, offsets_[0], offsets_[1]};
    for (const auto size : shape_) {
      if (size > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        fail(fmt::format("tensor '{}': a size of {}", printable(name_), size));
      entry.info.shape.push_back(static_cast<std::int64_t>(size));
    }
    entries.push_back(std::move(entry));
  }

  int depth_ = 0;
  bool in_array_ = false, in_metadata_ = false, had_metadata_ = false;
  bool has_shape_ = false, has_offsets_ = false;
  std::string name_;
  Field field_ = Field::none;
  std::optional<std::string> dtype_;
  std::vector<std::uint64_t> shape_, offsets_;
};

std::string_view header_of(Bytes file) {
  ByteReader reader(file);
  const auto size = reader.read<std::uint64_t>();
  if (size > kMaxHeader || size > reader.remaining())
    fail(fmt::format(
        "a header of {} bytes is announced; {} are left in the file, and 100 MB are the "
        "most",
        size, reader.remaining()));
  const auto header = reader.take_text(size);
  if (!header.starts_with('{')) fail("header: it must begin with '{'");
  return header;
}

std::vector<Entry> parse_header(std::string_view header) {
  HeaderReader reader;
  nlohmann::json::sax_parse(header.begin(), header.end(), &reader);
  return std::move(reader.entries);
}

// Every byte of the buffer belongs to exactly one tensor.
void check_layout(std::vector<Entry>& entries, std::uint64_t buffer) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
  });
  std::uint64_t position = 0;
  for (const auto& entry : entries) {
    const auto name = printable(entry.info.name);
    if (entry.end < entry.begin || entry.end > buffer)
      fail(fmt::format("tensor '{}' lies outside the file: bytes {} to {} of {}", name, entry.begin,
                       entry.end, buffer));
    if (entry.begin != position)
      fail(fmt::format("tensor '{}' begins at byte {}, but the one before it ends at {}: {}", name,
                       entry.begin, position, entry.begin < position ? "they overlap" : "a hole"));
    std::uint64_t wanted = 0;
    try {
      wanted = checked_byte_size(entry.info.dtype, entry.info.shape);
    } catch (const Error& error) {
      throw error.within(fmt::format("tensor '{}'", name));
    }
    if (entry.end - entry.begin != wanted)
      fail(fmt::format("tensor '{}': {} {} takes {} bytes, but {} are given", name,
                       dtype_name(entry.info.dtype), shape_text(entry.info.shape), wanted,
                       entry.end - entry.begin));
    position = entry.end;
  }
  if (position != buffer)
    fail(fmt::format("{} bytes at the end of the file belong to no tensor", buffer - position));
}

std::size_t type_rank(const TensorInfo& info) {
  const auto type = std::find_if(kTypes.begin(), kTypes.end(),
                                 [&](const auto& known) { return known.dtype == info.dtype; });
  if (type == kTypes.end())
    fail(fmt::format("tensor '{}': safetensors files cannot hold {}", printable(info.name),
                     dtype_name(info.dtype)),
         ErrorKind::unsupported);
  return static_cast<std::size_t>(type - kTypes.begin());
}

std::string quoted(const std::string& name) try {
  return nlohmann::json(name).dump();
} catch (const nlohmann::json::exception&) {
  fail(fmt::format("tensor '{}': its name is no UTF-8 text", printable(name)),
       ErrorKind::unsupported);
}

std::string format_header(std::span<const StoredTensor* const> ordered) {
  std::string header = "{";
  std::uint64_t position = 0;
  for (const auto* tensor : ordered) {
    const auto& info = tensor->info;
    const auto end = position + checked_byte_size(info.dtype, info.shape);
    header += fmt::format(R"({}{}:{{"dtype":"{}","shape":{},"data_offsets":[{},{}]}})",
                          header.size() > 1 ? "," : "", quoted(info.name),
                          kTypes[type_rank(info)].name, shape_text(info.shape), position, end);
    position = end;
  }
  header += "}";
  header.append((8 - header.size() % 8) % 8, ' ');
  return header;
}

}  // namespace

bool is_safetensors(Bytes file) {
  return file.size() > kLengthSize && static_cast<char>(file[kLengthSize]) == '{';
}

Checkpoint parse_safetensors(const SharedFile& file) {
  const auto header = header_of(file->bytes());
  auto entries = parse_header(header);
  const auto buffer = file->bytes().subspan(kLengthSize + header.size());
  check_layout(entries, buffer.size());
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.info.name < b.info.name; });
  Checkpoint checkpoint;
  checkpoint.format = "safetensors";
  for (auto& entry : entries) {
    if (!checkpoint.tensors.empty() && checkpoint.tensors.back().info.name == entry.info.name)
      fail(fmt::format("two tensors are called '{}'", printable(entry.info.name)));
    const auto bytes = buffer.subspan(entry.begin, entry.end - entry.begin);
    checkpoint.tensors.push_back(stored_view(std::move(entry.info), file, bytes));
  }
  return checkpoint;
}

void write_safetensors(const std::filesystem::path& path, std::span<const StoredTensor> sorted) {
  std::vector<const StoredTensor*> ordered;
  for (const auto& tensor : sorted) ordered.push_back(&tensor);
  std::stable_sort(ordered.begin(), ordered.end(), [](const auto* a, const auto* b) {
    return type_rank(a->info) < type_rank(b->info);
  });
  const auto header = format_header(ordered);
  ByteWriter length;
  length.write(static_cast<std::uint64_t>(header.size()));
  FileTransaction transaction;
  const auto file = transaction.add(path);
  transaction.append(file, length.text());
  transaction.append(file, header);
  for (const auto* tensor : ordered) {
    const auto content = tensor->read();
    const auto wanted = checked_byte_size(tensor->info.dtype, tensor->info.shape);
    if (content.bytes.size() != wanted)
      fail(fmt::format("tensor '{}': {} bytes read, {} expected", printable(tensor->info.name),
                       content.bytes.size(), wanted),
           ErrorKind::mismatch);
    transaction.append(file, content.bytes);
  }
  transaction.commit();
}

}  // namespace poseheir
