#include <fmt/format.h>

#include "base/crc32c.h"
#include "base/text.h"
#include "checkpoint/bundle.h"
#include "checkpoint/formats.h"
#include "checkpoint/interrupted.h"
#include "checkpoint/table.h"

namespace poseheir {
namespace {

std::filesystem::path with_suffix(const std::filesystem::path& prefix, std::string_view suffix) {
  auto path = prefix;
  path += suffix;
  return path;
}

std::int64_t number_of(const TensorInfo& info) {
  const auto number = tensorflow_number(info.dtype);
  if (number) return *number;
  throw Error(ErrorKind::unsupported,
              fmt::format("tensor '{}' is {}, which TensorFlow checkpoints cannot hold; write "
                          "safetensors, or convert it first",
                          printable(info.name), dtype_name(info.dtype)));
}

void check_name(const TensorInfo& info) {
  // An empty key is the header's, and a leading NUL marks slices.
  if (info.name.empty() || info.name.front() == '\0')
    throw Error(ErrorKind::usage,
                fmt::format("a TensorFlow variable cannot be called '{}'", printable(info.name)));
}

}  // namespace

void write_tensorflow_v2(const std::filesystem::path& prefix,
                         std::span<const StoredTensor> sorted) {
  FileTransaction files;
  // The data file is put in place first: the index is the commit mark.
  const auto data = files.add(with_suffix(prefix, ".data-00000-of-00001"));
  const auto index = files.add(with_suffix(prefix, ".index"));
  TableWriter table;
  table.add("", format_bundle_header());
  std::uint64_t offset = 0;
  for (const auto& tensor : sorted) {
    check_name(tensor.info);
    BundleEntry entry;
    entry.dtype = number_of(tensor.info);
    entry.shape = tensor.info.shape;
    const auto content = tensor.read();
    entry.size = content.bytes.size();
    if (entry.size != checked_byte_size(tensor.info.dtype, tensor.info.shape))
      throw Error(
          ErrorKind::mismatch,
          fmt::format("tensor '{}' is {} {} but has {} bytes", printable(tensor.info.name),
                      dtype_name(tensor.info.dtype), shape_text(tensor.info.shape), entry.size));
    entry.offset = offset;
    // A stored checksum was compared with these bytes by read().
    entry.masked_crc = mask_crc(tensor.crc32c ? *tensor.crc32c : crc32c(content.bytes));
    files.append(data, content.bytes);
    offset += entry.size;
    table.add(tensor.info.name, format_bundle_entry(entry));
  }
  files.append(index, table.finish());
  finish_interrupted_writes(prefix.parent_path());
  files.commit();
}

}  // namespace poseheir
