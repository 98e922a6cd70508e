#include <fmt/format.h>

#include "base/crc32c.h"
#include "base/text.h"
#include "checkpoint/formats.h"

namespace poseheir {

StoredTensor stored_view(TensorInfo info, SharedFile file, Bytes bytes,
                         std::optional<std::uint32_t> crc32c_stored) {
  StoredTensor tensor{std::move(info), {}, crc32c_stored};
  tensor.read = [file = std::move(file), bytes, crc32c_stored, name = tensor.info.name] {
    if (crc32c_stored) {
      const auto found = crc32c(bytes);
      if (found != *crc32c_stored)
        throw Error(
            ErrorKind::corrupt,
            fmt::format("{}: tensor '{}' at offset {} is damaged: checksum {:08x} expected, "
                        "{:08x} found",
                        file->path().string(), printable(name), bytes.data() - file->bytes().data(),
                        *crc32c_stored, found));
    }
    return TensorBytes{bytes, file};
  };
  return tensor;
}

StoredTensor make_tensor(TensorInfo info, std::vector<float> values) {
  if (info.dtype != DType::f32 || element_count(info.shape) != values.size())
    throw Error(
        ErrorKind::mismatch,
        fmt::format("tensor '{}': {} float32 values do not make a {} {}", printable(info.name),
                    values.size(), dtype_name(info.dtype), shape_text(info.shape)));
  const auto owner = std::make_shared<const std::vector<float>>(std::move(values));
  return {std::move(info),
          [owner] {
            return TensorBytes{std::as_bytes(std::span(*owner)), owner};
          },
          std::nullopt};
}

}  // namespace poseheir
