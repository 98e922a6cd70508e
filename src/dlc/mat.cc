#include "dlc/mat.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <optional>
#include <zlib.h>

#include "base/pickle_text.h"
#include "base/text.h"

namespace poseheir {
namespace {

constexpr std::size_t kHeaderSize = 128, kTagSize = 8;
constexpr int kMaxDepth = 16;
// Element types of the format (mi…) and classes of arrays (mx…).
enum MatType : std::uint32_t {
  mi_int8 = 1,
  mi_uint8 = 2,
  mi_int16 = 3,
  mi_uint16 = 4,
  mi_int32 = 5,
  mi_uint32 = 6,
  mi_single = 7,
  mi_double = 9,
  mi_int64 = 12,
  mi_uint64 = 13,
  mi_matrix = 14,
  mi_compressed = 15,
  mi_utf8 = 16,
  mi_utf16 = 17,
  mi_utf32 = 18
};
enum MatClass : std::uint32_t {
  mx_cell = 1,
  mx_struct = 2,
  mx_char = 4,
  mx_double = 6,
  mx_uint64 = 15
};

[[noreturn]] void fail(const std::string& text, ErrorKind kind = ErrorKind::corrupt) {
  throw Error(kind, text);
}

struct Element {
  std::uint32_t type = 0;
  Bytes data;
  std::size_t offset = 0;
};

// A tag and its data, padded to eight bytes; up to four bytes lie inside the tag itself.
Element read_element(ByteReader& reader) {
  const auto first = reader.read<std::uint32_t>();
  if (const auto small = first >> 16U; small != 0) {
    if (small > 4)
      fail(fmt::format("offset {}: a small element of {} bytes", reader.offset(), small));
    const auto offset = reader.offset();
    const auto data = reader.take(4).subspan(0, small);
    return {first & 0xFFFFU, data, offset};
  }
  const auto size = reader.read<std::uint32_t>();
  const auto offset = reader.offset();
  const auto data = reader.take(size);
  // Compressed elements have no padding, and the last element of a file may lack it.
  if (first != mi_compressed)
    reader.skip(std::min<std::size_t>((8 - size % 8) % 8, reader.remaining()));
  return {first, data, offset};
}

std::size_t width_of(std::uint32_t type) {
  switch (type) {
    case mi_int8:
    case mi_uint8:
    case mi_utf8:
      return 1;
    case mi_int16:
    case mi_uint16:
    case mi_utf16:
      return 2;
    case mi_int32:
    case mi_uint32:
    case mi_single:
    case mi_utf32:
      return 4;
    case mi_double:
    case mi_int64:
    case mi_uint64:
      return 8;
    default:
      return 0;
  }
}

template <typename T>
void append_values(Bytes data, std::vector<double>& values) {
  for (std::size_t at = 0; at + sizeof(T) <= data.size(); at += sizeof(T)) {
    T value;
    std::memcpy(&value, data.data() + at, sizeof(T));
    values.push_back(static_cast<double>(value));
  }
}

std::vector<double> numbers_of(const Element& element) {
  std::vector<double> values;
  const auto width = width_of(element.type);
  if (width == 0 || element.data.size() % width != 0)
    fail(fmt::format("offset {}: {} bytes of type {} are no numbers", element.offset,
                     element.data.size(), element.type));
  values.reserve(element.data.size() / width);
  switch (element.type) {
    case mi_int8:
      append_values<std::int8_t>(element.data, values);
      break;
    case mi_int16:
      append_values<std::int16_t>(element.data, values);
      break;
    case mi_uint16:
    case mi_utf16:
      append_values<std::uint16_t>(element.data, values);
      break;
    case mi_int32:
      append_values<std::int32_t>(element.data, values);
      break;
    case mi_uint32:
    case mi_utf32:
      append_values<std::uint32_t>(element.data, values);
      break;
    case mi_single:
      append_values<float>(element.data, values);
      break;
    case mi_double:
      append_values<double>(element.data, values);
      break;
    case mi_int64:
      append_values<std::int64_t>(element.data, values);
      break;
    case mi_uint64:
      append_values<std::uint64_t>(element.data, values);
      break;
    default:
      append_values<std::uint8_t>(element.data, values);
      break;
  }
  return values;
}

std::u32string text_of(const Element& element) {
  if (element.type == mi_utf8) {
    auto text = utf32_from_utf8(as_text(element.data));
    if (!text) fail(fmt::format("offset {}: a text that is not UTF-8", element.offset));
    return *text;
  }
  std::u32string text;
  for (const double code : numbers_of(element)) {
    if (!(code >= 0 && code <= 0x10FFFF))
      fail(fmt::format("offset {}: no character", element.offset));
    text += static_cast<char32_t>(code);
  }
  return text;
}

std::size_t count_of(const MatValue& value, std::size_t limit) {
  std::size_t count = 1;
  for (const auto size : value.shape) {
    if (size != 0 && count > limit / size)
      fail(fmt::format("array '{}': more elements than the file has bytes", printable(value.name)));
    count *= size;
  }
  return count;
}

MatValue parse_matrix(Bytes data, std::size_t offset, int depth);

MatValue parse_item(ByteReader& reader, int depth) {
  const auto element = read_element(reader);
  if (element.type != mi_matrix)
    fail(fmt::format("offset {}: expected an array, found type {}", element.offset, element.type));
  return parse_matrix(element.data, element.offset, depth + 1);
}

void parse_items(ByteReader& reader, std::size_t count, int depth, MatValue& value) {
  if (count > reader.remaining() / kTagSize)
    fail(fmt::format("array '{}': {} elements in {} bytes", printable(value.name), count,
                     reader.remaining()));
  value.items.reserve(count);
  for (std::size_t i = 0; i < count; ++i) value.items.push_back(parse_item(reader, depth));
}

void parse_fields(ByteReader& reader, MatValue& value) {
  const auto length = numbers_of(read_element(reader));
  const auto names = as_text(read_element(reader).data);
  if (length.size() != 1 || !(length[0] >= 1 && length[0] <= 1000))
    fail("a struct whose field names have no length");
  const auto width = static_cast<std::size_t>(length[0]);
  for (std::size_t at = 0; at + width <= names.size(); at += width) {
    const auto name = names.substr(at, width);
    value.fields.emplace_back(name.substr(0, name.find('\0')));
  }
}

// Flags, dimensions, name, then what the class asks for.
MatValue parse_matrix(Bytes data, std::size_t offset, int depth) {
  if (depth > kMaxDepth)
    fail(fmt::format("offset {}: arrays nest deeper than {}", offset, kMaxDepth));
  MatValue value;
  if (data.empty()) {
    value.shape = {0, 0};
    return value;
  }
  ByteReader reader(data, offset);
  const auto flags = numbers_of(read_element(reader));
  if (flags.empty() || !(flags[0] >= 0 && flags[0] <= 0xFFFFFFFFU))
    fail(fmt::format("offset {}: an array without flags", offset));
  const auto flag_bits = static_cast<std::uint32_t>(flags[0]);
  const auto array_class = flag_bits & 0xFFU;
  if ((flag_bits & 0x800U) != 0)
    fail(fmt::format("offset {}: complex numbers are not supported", offset),
         ErrorKind::unsupported);
  for (const double size : numbers_of(read_element(reader))) {
    if (!(size >= 0 && size <= 0x7FFFFFFF))
      fail(fmt::format("offset {}: a dimension of {}", offset, size));
    value.shape.push_back(static_cast<std::size_t>(size));
  }
  value.name = as_text(read_element(reader).data);
  if (array_class == mx_struct) parse_fields(reader, value);
  const auto count = count_of(value, data.size());
  if (array_class == mx_cell || array_class == mx_struct) {
    value.kind = array_class == mx_cell ? MatValue::Kind::cell : MatValue::Kind::structure;
    const auto each = array_class == mx_cell ? 1 : value.fields.size();
    if (each != 0)
      parse_items(reader, count <= data.size() / each ? count * each : data.size(), depth, value);
  } else if (array_class == mx_char) {
    value.kind = MatValue::Kind::text;
    value.text = text_of(read_element(reader));
    if (value.text.size() != count)
      fail(fmt::format("offset {}: {} characters, {} expected", offset, value.text.size(), count));
  } else if (array_class >= mx_double && array_class <= mx_uint64) {
    value.numbers = numbers_of(read_element(reader));
    if (value.numbers.size() != count)
      fail(fmt::format("offset {}: {} numbers, {} expected", offset, value.numbers.size(), count));
  } else {
    fail(fmt::format("offset {}: arrays of MATLAB's class {} are not supported", offset,
                     array_class),
         ErrorKind::unsupported);
  }
  return value;
}

// At most 64 times what is there: padded integers shrink well, but not more.
std::string inflate_element(const Element& element) {
  const std::size_t limit = 64 * element.data.size() + 65536;
  std::string content;
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) fail("zlib does not start");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(element.data.data()));
  stream.avail_in = static_cast<uInt>(element.data.size());
  int result = Z_OK;
  while (result == Z_OK && content.size() < limit) {
    char buffer[16384];
    stream.next_out = reinterpret_cast<Bytef*>(buffer);
    stream.avail_out = sizeof buffer;
    result = inflate(&stream, Z_NO_FLUSH);
    content.append(buffer, sizeof buffer - stream.avail_out);
  }
  inflateEnd(&stream);
  if (result != Z_STREAM_END)
    fail(
        fmt::format("offset {}: a compressed element that is damaged, or unfolds to more than 64 "
                    "times its size",
                    element.offset));
  return content;
}

void parse_variable(const Element& element, std::vector<MatValue>& variables) {
  if (element.type == mi_compressed) {
    const auto content = inflate_element(element);
    ByteReader inner(as_bytes_of(content));
    variables.push_back(parse_item(inner, 0));
  } else if (element.type == mi_matrix) {
    variables.push_back(parse_matrix(element.data, element.offset, 1));
  } else {
    fail(fmt::format("offset {}: expected an array, found type {}", element.offset, element.type));
  }
}

}  // namespace

std::vector<MatValue> parse_mat(Bytes file) {
  ByteReader reader(file);
  const auto header = reader.take_text(kHeaderSize);
  if (header.substr(126, 2) == "MI" || header.starts_with("MATLAB 7.3"))
    fail(
        "a MATLAB file of another kind (big-endian or HDF5); Poseheir reads little-endian version "
        "5",
        ErrorKind::unsupported);
  if (header.substr(126, 2) != "IM" || header[125] != 1)
    fail("expected a MATLAB 5 file, found something else");
  std::vector<MatValue> variables;
  while (!reader.at_end()) parse_variable(read_element(reader), variables);
  return variables;
}

}  // namespace poseheir
