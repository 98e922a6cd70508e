#include <fmt/format.h>
#include <map>

#include "base/text.h"
#include "checkpoint/bundle.h"
#include "checkpoint/formats.h"
#include "checkpoint/ordered_code.h"
#include "checkpoint/table.h"
#include "checkpoint/v1_values.h"

namespace poseheir {
namespace {

[[noreturn]] void fail(const std::string& text) { throw Error(ErrorKind::corrupt, text); }

struct Shard {
  SharedFile file;
  SortedTable table;
};

struct Part {
  std::shared_ptr<const Shard> shard;
  TensorSlice slice;
};

struct Variable {
  std::int64_t dtype = 0;
  std::vector<std::int64_t> shape;
  std::vector<Part> parts;
};

using Variables = std::map<std::string, Variable, std::less<>>;

// SavedSliceMeta: one tensor, or some slices of one.
void read_variable(ProtoReader message, const std::shared_ptr<const Shard>& shard,
                   Variables& variables) {
  std::string name;
  Variable found;
  while (message.next()) {
    if (message.field() == 1) name = message.text();
    if (message.field() == 2) found.shape = parse_shape(message.message());
    if (message.field() == 3) found.dtype = message.int32();
    if (message.field() == 4) found.parts.push_back({shard, parse_slice(message.message())});
  }
  const auto [place, is_new] = variables.try_emplace(name, found);
  if (is_new) return;
  auto& known = place->second;
  if (known.dtype != found.dtype || known.shape != found.shape)
    fail(fmt::format("tensor '{}' is listed as dtype {} {} and as dtype {} {}", printable(name),
                     known.dtype, shape_text(known.shape), found.dtype, shape_text(found.shape)));
  known.parts.insert(known.parts.end(), found.parts.begin(), found.parts.end());
}

void read_contents(const std::shared_ptr<const Shard>& shard, Variables& variables) {
  const auto contents = shard->table.find("");
  if (!contents) fail("the table of contents is missing");
  ProtoReader record(contents->bytes, contents->offset);
  bool found = false;
  while (record.next()) {
    if (record.field() != 1) continue;
    found = true;
    auto meta = record.message();
    while (meta.next()) {
      if (meta.field() == 1) read_variable(meta.message(), shard, variables);
      if (meta.field() == 2) check_version(meta.message());
    }
  }
  if (!found)
    fail("a table, but not of TensorFlow V1 (an .index file opens by its own name or its prefix)");
}

// SavedTensorSlices.data: the values of one slice, as TensorFlow's bytes.
TensorBytes read_part(const TensorInfo& info, const Part& part) {
  const auto value = part.shard->table.find(slice_key(info.name, part.slice));
  if (!value) fail(fmt::format("no record for slice '{}'", slice_text(part.slice)));
  V1Values values(info.dtype, slice_shape(part.slice, info.shape), value->bytes.size());
  ProtoReader record(value->bytes, value->offset);
  while (record.next()) {
    if (record.field() != 2) continue;
    auto data = record.message();
    while (data.next()) {
      if (data.field() == 1 && data.text() != info.name)
        fail(fmt::format("offset {}: its record is of another tensor", value->offset));
      if (data.field() == 2 && parse_slice(data.message()) != part.slice)
        fail(fmt::format("offset {}: its record is of another slice", value->offset));
      if (data.field() == 3) values.take(data.message());
    }
  }
  std::shared_ptr<const void> owner = part.shard;
  if (value->owner) owner = value->owner;
  return values.finish(std::move(owner));
}

TensorBytes read_whole(const TensorInfo& info, const std::vector<Part>& parts) {
  if (parts.size() == 1) return read_part(info, parts.front());
  // Every part is read, and so known to be there, before the whole is allocated.
  std::vector<TensorBytes> bytes;
  for (const auto& part : parts) bytes.push_back(read_part(info, part));
  auto whole = std::make_shared<std::vector<std::byte>>(checked_byte_size(info.dtype, info.shape));
  for (std::size_t i = 0; i < parts.size(); ++i)
    copy_slice(bytes[i].bytes, parts[i].slice, info.shape, element_size(info.dtype), *whole);
  return {*whole, whole};
}

std::string place_of(const std::vector<Part>& parts, const std::string& name) {
  return fmt::format("{}: tensor '{}'", parts.front().shard->file->path().string(),
                     printable(name));
}

void check_parts(const Variable& variable, std::uint64_t present) {
  if (variable.parts.empty()) fail("it has no values");
  std::vector<TensorSlice> slices;
  for (const auto& part : variable.parts) slices.push_back(part.slice);
  if (slices.size() == 1 && slice_shape(slices.front(), variable.shape) == variable.shape) return;
  if (element_count(variable.shape) > present)  // no element takes less than a byte
    fail(fmt::format("{} needs more than the {} bytes there are", shape_text(variable.shape),
                     present));
  check_cover(slices, variable.shape);
}

StoredTensor tensor_of(const std::string& name, DType dtype, Variable variable) {
  StoredTensor tensor{{name, dtype, std::move(variable.shape)}, {}, std::nullopt};
  checked_byte_size(dtype, tensor.info.shape);
  tensor.read = [info = tensor.info, parts = std::move(variable.parts)] {
    try {
      return read_whole(info, parts);
    } catch (const Error& error) {
      throw error.within(place_of(parts, info.name));
    }
  };
  return tensor;
}

void list_variable(const std::string& name, Variable variable, std::uint64_t present,
                   Checkpoint& checkpoint) {
  if (variable.dtype == kTensorflowString) {
    checkpoint.notes.push_back(
        fmt::format("{}: strings {}, passed over", printable(name), shape_text(variable.shape)));
    return;
  }
  const auto dtype = dtype_of_tensorflow(variable.dtype);
  if (!dtype || !V1Values::holds(*dtype)) fail(fmt::format("unknown dtype {}", variable.dtype));
  check_parts(variable, present);
  checkpoint.tensors.push_back(tensor_of(name, *dtype, std::move(variable)));
}

}  // namespace

Checkpoint parse_tensorflow_v1(std::span<const SharedFile> shards) {
  Checkpoint checkpoint;
  checkpoint.format = "TensorFlow V1";
  Variables variables;
  std::uint64_t present = 0;
  for (const auto& file : shards) {
    present += file->bytes().size();
    read_contents(std::make_shared<Shard>(Shard{file, SortedTable(file->bytes())}), variables);
  }
  for (auto& [name, variable] : variables) {
    try {
      list_variable(name, std::move(variable), present, checkpoint);
    } catch (const Error& error) {
      throw error.within(fmt::format("tensor '{}'", printable(name)));
    }
  }
  return checkpoint;
}

}  // namespace poseheir
