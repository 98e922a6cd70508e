// Zip archives built byte by byte, so that tests can break any part of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>
#include <zlib.h>

#include "base/bytes.h"

namespace poseheir {

struct ZipPart {
  std::string name;
  std::string content;          // as stored
  std::uint16_t method = 0;     // 8: `content` is deflated
  std::uint32_t size = 0;       // of the content unpacked; 0: as stored
  std::string local_name = {};  // empty: `name`
  std::uint16_t flags = 0;
  std::int64_t local_offset = -1;  // -1: where it lies
};

inline std::string deflated(std::string_view content) {
  std::string result(compressBound(content.size()), '\0');
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  deflate(&stream, Z_FINISH);
  result.resize(stream.total_out);
  deflateEnd(&stream);
  return result;
}

inline std::string zip_of(const std::vector<ZipPart>& parts) {
  ByteWriter file, directory;
  const auto sizes = [](ByteWriter& out, const ZipPart& part) {
    out.write(std::uint32_t{0});  // no checksum
    out.write(static_cast<std::uint32_t>(part.content.size()));
    out.write(part.size != 0 ? part.size : static_cast<std::uint32_t>(part.content.size()));
  };
  for (const auto& part : parts) {
    const auto offset = static_cast<std::uint32_t>(file.size());
    const auto& local_name = part.local_name.empty() ? part.name : part.local_name;
    file.append("PK\3\4");
    file.write(std::uint16_t{20});
    file.write(part.flags);
    file.write(part.method);
    file.write(std::uint32_t{0});
    sizes(file, part);
    file.write(static_cast<std::uint16_t>(local_name.size()));
    file.write(std::uint16_t{0});
    file.append(local_name);
    file.append(part.content);

    directory.append("PK\1\2");
    directory.write(std::uint32_t{20U << 16U | 20U});
    directory.write(part.flags);
    directory.write(part.method);
    directory.write(std::uint32_t{0});
    sizes(directory, part);
    directory.write(static_cast<std::uint16_t>(part.name.size()));
    for (int i = 0; i < 6; ++i) directory.write(std::uint16_t{0});
    directory.write(part.local_offset < 0 ? offset : static_cast<std::uint32_t>(part.local_offset));
    directory.append(part.name);
  }
  const auto start = static_cast<std::uint32_t>(file.size());
  file.append(directory.text());
  file.append("PK\5\6");
  file.write(std::uint32_t{0});
  file.write(static_cast<std::uint16_t>(parts.size()));
  file.write(static_cast<std::uint16_t>(parts.size()));
  file.write(static_cast<std::uint32_t>(directory.size()));
  file.write(start);
  file.write(std::uint16_t{0});
  return file.take();
}

}  // namespace poseheir
